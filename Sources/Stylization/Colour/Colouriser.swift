import Foundation
import Networks
import Recognition
import Support
import Tensors

/// Gives grey pictures colours.
public struct Colouriser: Sendable {
  private let network: any Network
  private let bins: [SIMD2<Float>]
  private let meanColour: SIMD2<Float>
  private let side: Int
  private let temperature: Float

  /// Pictures are measured with their larger side reduced to this.
  private static let measuredSide = 512

  init(
    network: any Network,
    bins: [SIMD2<Float>],
    meanColour: SIMD2<Float>,
    side: Int,
    temperature: Double
  ) {
    (self.network, self.bins, self.meanColour) = (network, bins, meanColour)
    (self.side, self.temperature) = (side, Float(temperature))
  }

  /// Uses a model.
  /// - Parameters:
  ///   - model: A model of colours.
  ///   - temperature: Of the annealed mean; the model's own when nil.
  public init(_ model: PictureModel, temperature: Double? = nil) {
    let colours = model.plan.colours
    let mean = colours?.mean ?? [0, 0]
    self.init(
      network: model.network,
      bins: (colours?.bins ?? []).map { SIMD2(Float($0[0]), Float($0[1])) },
      meanColour: SIMD2(Float(mean[0]), Float(mean[1])),
      side: model.plan.side,
      temperature: temperature ?? colours?.temperature ?? 1
    )
  }

  /// Gives a picture colours; those that it has are not looked at.
  /// - Parameter path: Its file.
  /// - Returns: The picture as it was, and with colours, its lightness unchanged but for the gamut.
  /// - Throws: What reading throws; `StylizationError.unsuitablePicture` for scores that are not
  ///   finite.
  package func run(_ path: String) throws -> (content: ImagePlanes, painted: ImagePlanes) {
    let content = try ImagePlanes.photograph(path)
    let picture = try colourised(content.lab)
    guard picture.values.allSatisfy(\.isFinite) else {
      throw StylizationError.unsuitablePicture(path: path, reason: "the colours are not finite")
    }
    return (content, picture)
  }

  /// The network sees the picture at the size that it was trained on; the colours are enlarged, the
  /// lightness is not.
  private func colourised(_ lab: ImagePlanes) throws -> ImagePlanes {
    let area = lab.width * lab.height
    let light = ImagePlanes(
      height: lab.height,
      width: lab.width,
      values: Array(lab.values[..<area])
    )
    let small = light.reduced(toSmallestSide: side)
    let (height, width) = (small.height, small.width)
    let input = Tensor(small.values.map { $0 / 50 - 1 }, shape: [1, 1, height, width])
    let after = [height, width].map { (16 - $0 % 16) % 16 }
    let scores = network(
      padded(input, before: [0, 0], after: after, mode: .reflect),
      in: .inference
    ).sliced(axis: 2, end: height).sliced(axis: 3, end: width)
    // The annealed mean (equation 5): sharpened chances, then the mean colour.
    let sharp = scores * (1 / temperature)
    let chances = (sharp - sharp.logSumExp(axes: [1], keepingAxes: true)).exp().values
    let pixels = height * width
    var colours = [Float](repeating: 0, count: 3 * pixels)
    for (bin, centre) in bins.enumerated() {
      for pixel in 0..<pixels {
        let chance = chances[bin * pixels + pixel]
        colours[pixels + pixel] += chance * centre.x
        colours[2 * pixels + pixel] += chance * centre.y
      }
    }
    let large = ImagePlanes(height: height, width: width, values: colours)
      .resized(toHeight: lab.height, width: lab.width)
    return ImagePlanes(
      height: lab.height,
      width: lab.width,
      values: light.values + large.values[area...]
    ).fromLab
  }

  /// Measures on photographs.
  /// - Parameters:
  ///   - paths: Their files.
  ///   - progress: Told about every file.
  ///   - interruption: Looked at between files.
  /// - Returns: The measures, and what could not be used, one sentence each.
  /// - Throws: `SupportError.interrupted`; `StylizationError.noPictures` when none can be used.
  public func evaluate(
    _ paths: [String],
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (ColourEvaluation, problems: [String]) {
    var (cases, problems) = ([ColourEvaluation.Case](), [String]())
    progress.begin("measuring colours", total: paths.count)
    for (index, path) in paths.enumerated() {
      try interruption.check()
      do {
        let truth = try ImagePlanes.photograph(path, largestSide: Self.measuredSide)
        guard truth.isColourful else {
          throw StylizationError.unsuitablePicture(path: path, reason: "it is grey")
        }
        cases.append(try measured(truth, id: URL(fileURLWithPath: path).lastPathComponent))
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        problems.append(error.description)
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    guard !cases.isEmpty else {
      throw StylizationError.noPictures(
        path: paths.first ?? "the list",
        reason: problems.first ?? "no photograph was given"
      )
    }
    return (ColourEvaluation(cases), problems)
  }

  private func measured(_ truth: ImagePlanes, id: String) throws -> ColourEvaluation.Case {
    let lab = truth.lab
    let area = truth.width * truth.height
    func flat(_ colour: SIMD2<Float>) -> ColourMeasurement {
      let planes = (0..<2).flatMap { [Float](repeating: colour[$0], count: area) }
      let picture = ImagePlanes(
        height: truth.height,
        width: truth.width,
        values: Array(lab.values[..<area]) + planes
      ).fromLab
      return ColourMeasurement(picture, truth: truth)
    }
    return ColourEvaluation.Case(
      id: id,
      model: ColourMeasurement(try colourised(lab), truth: truth),
      grey: flat(.zero),
      meanColour: flat(meanColour),
      trueColourfulness: ColourMeasurement.colourfulness(truth)
    )
  }
}
