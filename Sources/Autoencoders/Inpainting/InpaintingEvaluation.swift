import Evaluation
import Foundation
import Pipelines
import Recognition
import Support

/// How well holes are filled, beside the harmonic filling of the same holes.
public struct InpaintingEvaluation: Codable, Sendable, Equatable {
  /// One image.
  public struct Case: Codable, Sendable, Equatable {
    /// The image's name.
    public let id: String
    /// Pixels that were hidden.
    public let hiddenPixels: Int
    /// The range of intensities.
    public let dataRange: Double
    /// What the model made of it.
    public let model: InpaintingQuality
    /// What the harmonic filling made of it.
    public let harmonic: InpaintingQuality
  }

  /// A metric over the images in which it is defined for both.
  public struct Comparison: Codable, Sendable, Equatable {
    /// The metric's key, as in `InpaintingQuality`.
    public let metric: String
    /// Images in which it is defined for both.
    public let n: Int
    /// The model's mean.
    public let model: Double
    /// The harmonic filling's mean.
    public let harmonic: Double
    /// The mean of the differences, the model less the harmonic filling.
    public let difference: Double
    /// Its 95 % interval: 10000 resamples of images, bias-corrected and accelerated.
    public let differenceCI95: [Double]
    /// Images in which the model is better.
    public let modelBetter: Int
  }

  /// Version of this record.
  public private(set) var schema = "lamina.inpainting/1"
  /// The model's name, or the equation's.
  public let model: String
  /// The holes.
  public let holes: HolePattern
  /// The seed of the holes.
  public let seed: UInt64
  /// Each metric over the images.
  public let comparisons: [Comparison]
  /// PSNR of the mean squared error over the hidden pixels of all images, each image counted alike, dB; nil
  /// where ranges differ or nothing is wrong.
  @NullEncoded public var pooledPSNRInHoles: Double?
  /// The same of the harmonic filling.
  @NullEncoded public var pooledHarmonicPSNRInHoles: Double?
  /// Every image.
  public let cases: [Case]
  /// Said in every record.
  public private(set) var notice = Version.disclaimer

  private static let resamples = 10_000
  private static let metrics: [(key: String, value: @Sendable (InpaintingQuality) -> Double?)] = [
    ("psnrInHoles", { $0.psnrInHoles }), ("psnr", { $0.psnr }),
    ("ssimInHoles", { $0.ssimInHoles }), ("ssim", { $0.ssim }),
  ]

  /// Sums up.
  /// - Parameters:
  ///   - model: The model's name, or the equation's.
  ///   - holes: The holes.
  ///   - seed: Their seed.
  ///   - cases: Every image.
  public init(model: String, holes: HolePattern, seed: UInt64, cases: [Case]) {
    (self.model, self.holes, self.seed, self.cases) = (model, holes, seed, cases)
    comparisons = Self.metrics.compactMap { key, value in
      let pairs = cases.compactMap { item -> SIMD2<Double>? in
        guard let own = value(item.model), let rival = value(item.harmonic) else { return nil }
        return [own, rival]
      }
      guard !pairs.isEmpty else { return nil }
      let bootstrap = MeanBootstrap(
        pairs.map { $0.x - $0.y },
        resamples: Self.resamples,
        random: RandomStream(seed: 0x696E_7061)
      )
      let interval = bootstrap.interval(.bca)
      let n = Double(pairs.count)
      return Comparison(
        metric: key,
        n: pairs.count,
        model: pairs.reduce(0) { $0 + $1.x } / n,
        harmonic: pairs.reduce(0) { $0 + $1.y } / n,
        difference: bootstrap.mean,
        differenceCI95: [interval.lowerBound, interval.upperBound],
        modelBetter: pairs.count { $0.x > $0.y }
      )
    }
    func pooled(_ quality: (Case) -> InpaintingQuality) -> Double? {
      guard let range = cases.first?.dataRange, cases.allSatisfy({ $0.dataRange == range }) else {
        return nil
      }
      let error =
        cases.reduce(0) { $0 + quality($1).squaredErrorInHoles } / Double(cases.count)
      return error > 0 ? 20 * log10(range) - 10 * log10(error) : nil
    }
    (pooledPSNRInHoles, pooledHarmonicPSNRInHoles) = (
      pooled(\.model), pooled(\.harmonic)
    )
  }
}

extension Inpainter {
  /// An image with holes, and what was made of it; red, green and blue of each pixel, 0 to 255.
  public struct Shown: Sendable {
    /// The image's name.
    public let id: String
    /// Rows.
    public let height: Int
    /// Columns.
    public let width: Int
    /// The clean image.
    public let truth: [UInt8]
    /// Whether each pixel was hidden.
    public let hidden: [Bool]
    /// What the model made of it.
    public let model: [UInt8]
    /// What the harmonic filling made of it.
    public let harmonic: [UInt8]
    /// The measurements.
    public let result: InpaintingEvaluation.Case
  }

  /// Hides parts of clean images and measures what is made of them.
  /// - Parameters:
  ///   - data: The images; classes do not matter.
  ///   - path: Their folder or file, for messages.
  ///   - holes: What is hidden.
  ///   - seed: The seed of the holes; those of an image depend on it and on the image's number.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  ///   - shown: Given each image.
  /// - Returns: The results, and images that were left out, one sentence each.
  /// - Throws: `AutoencodersError.nothingToUse`; `SupportError.interrupted`.
  public func evaluate(
    _ data: LabelledImages,
    path: String,
    holes: HolePattern,
    seed: UInt64,
    progress: any ProgressReporter,
    interruption: Interruption,
    shown: (Shown) -> Void = { _ in }
  ) throws -> (evaluation: InpaintingEvaluation, problems: [String]) {
    var cases: [InpaintingEvaluation.Case] = []
    var problems = data.problems
    var reader = ImageReader()
    let stream = RandomStream(seed: seed)
    progress.begin("filling \(data.count) images", total: data.count)
    for (index, item) in data.items.enumerated() {
      try interruption.check()
      do {
        var random = stream.split(index)
        let found = try measured(reader.read(item), id: item.id, holes, &random)
        cases.append(found.result)
        shown(found)
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        problems.append("\(item.id) was left out. \(error.description)")
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    guard !cases.isEmpty else {
      throw AutoencodersError.nothingToUse(
        path: path,
        reason: problems.first ?? "it has no images of the split"
      )
    }
    return (
      InpaintingEvaluation(model: name, holes: holes, seed: seed, cases: cases), problems
    )
  }

  private func measured(
    _ truth: ImagePlanes,
    id: String,
    _ holes: HolePattern,
    _ random: inout RandomStream
  ) throws -> Shown {
    guard truth.values.allSatisfy(\.isFinite) else {
      throw AutoencodersError.unsuitableImage(path: id, reason: "it has values that are not finite")
    }
    let range = dataRange(of: truth)
    guard range > 0, truth.height * truth.width > 1 else {
      throw AutoencodersError.unsuitableImage(path: id, reason: "it is constant and shows nothing")
    }
    let hidden = holes.hidden(height: truth.height, width: truth.width, &random)
    // Nothing of the truth may reach the model.
    var image = truth
    for place in image.values.indices where hidden[place % hidden.count] {
      image.values[place] = .nan
    }
    let own = try filled(image, hidden: hidden, path: id)
    let rival = try Inpainter(.harmonic).filled(image, hidden: hidden, path: id)
    func quality(_ filled: ImagePlanes) -> InpaintingQuality {
      InpaintingQuality(of: filled, truth: truth, hidden: hidden, dataRange: range)
    }
    let window = pictureRange(truth)
    return Shown(
      id: id,
      height: truth.height,
      width: truth.width,
      truth: truth.shown(by: window),
      hidden: hidden,
      model: own.shown(by: window),
      harmonic: rival.shown(by: window),
      result: InpaintingEvaluation.Case(
        id: id,
        hiddenPixels: hidden.count { $0 },
        dataRange: range,
        model: quality(own),
        harmonic: quality(rival)
      )
    )
  }

  /// Black and white of a picture of the image.
  private func pictureRange(_ image: ImagePlanes) -> IntensityRange {
    if case .fixed? = model?.description.plan.autoencoder?.images.intensity {
      return model?.description.plan.autoencoder?.images.intensity ?? .fixed(low: 0, high: 255)
    }
    let (low, high) = (image.values.min() ?? 0, image.values.max() ?? 1)
    return .fixed(low: Double(low), high: Double(max(high, low.nextUp)))
  }
}
