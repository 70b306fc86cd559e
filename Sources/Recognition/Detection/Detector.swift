import Evaluation
import ImagingIO
import Networks
import Pipelines
import Support
import Tensors

/// Finds objects in pictures and slices with a trained network.
public struct Detector: Sendable {
  /// Which findings are told.
  public struct Options: Sendable, Equatable {
    /// The least score, one for all classes or one for each; nil for the model's own.
    public var leastScores: [Double]?
    /// What is taken for the same object; detectors of two stages take boxes that overlap by a half.
    public var suppression = BoxSuppression(overlap: 0.45)
    /// Whether a cell may tell several classes of its box, as evaluations want.
    public var takesSeveralClasses = false

    /// Creates the options of a prediction.
    public init() {}

    /// The options of an evaluation, which wants all findings however unlikely.
    public static var evaluation: Options {
      var options = Options()
      options.leastScores = [0.001]
      options.suppression = BoxSuppression(overlap: 0.7)
      options.takesSeveralClasses = true
      return options
    }
  }

  /// The classes' names.
  public let classes: [String]
  /// The model's name, for messages.
  public let name: String
  /// What stands between an image and the network.
  public let plan: RecognitionPlan
  /// Whether findings have masks.
  public let hasMasks: Bool
  let finder: Finder

  /// What finds objects in a network's input.
  enum Finder: Sendable {
    case cells(PlannedNetwork, DetectionDecoder)
    case regions(RegionFinder)
  }

  /// Opens a model.
  /// - Parameter package: The package.
  /// - Throws: `RecognitionError.otherTask`; `PipelinesError.damagedModel`,
  ///   `.invalidPlan`; `LayersError`.
  public init(_ package: ModelPackage) throws {
    guard let plan = package.description.plan.recognition, plan.task == .detection,
      let configuration = DetectorNetwork(package.description.network)
    else {
      throw RecognitionError.otherTask(
        model: package.description.name,
        task: package.description.plan.summary,
        wanted: "finding boxes"
      )
    }
    let multiple = configuration.sizeMultiple
    guard plan.imageSize.allSatisfy({ $0.isMultiple(of: multiple) }) else {
      throw PipelinesError.invalidPlan(
        reason: "imageSize is \(plan.imageSize), no multiple of \(multiple)"
      )
    }
    try self.init(
      package.makeNetwork(),
      configuration: configuration,
      plan: plan,
      classes: package.description.labels.map(\.name),
      name: package.description.name
    )
  }

  /// Takes a network in hand.
  /// - Parameters:
  ///   - network: The network.
  ///   - configuration: Its values.
  ///   - plan: Its input.
  ///   - classes: The classes' names.
  ///   - name: The model's name.
  /// - Throws: `NetworksError`.
  package init(
    _ network: any Network,
    configuration: DetectorNetwork,
    plan: RecognitionPlan,
    classes: [String],
    name: String
  ) throws {
    hasMasks = configuration.hasMasks
    switch configuration {
    case .yolo(let values):
      finder = .cells(
        try PlannedNetwork(network),
        DetectionDecoder(values, imageSize: plan.imageSize)
      )
    case .regions:
      guard let network = network as? RegionNetwork else {
        preconditionFailure("a detector of regions with another network")
      }
      finder = .regions(RegionFinder(network, imageSize: plan.imageSize))
    }
    self.plan = plan
    self.classes = classes
    self.name = name
  }

  /// Finds the objects in a picture.
  /// - Parameters:
  ///   - path: A PNG, JPEG, TIFF or BMP file.
  ///   - options: Which findings are told.
  /// - Returns: The findings by falling score, in the picture's pixels.
  /// - Throws: `ImagingIOError`; `RecognitionError.infiniteScores`.
  public func detect(_ path: String, _ options: Options = Options()) throws -> [Detection] {
    try detect(ColorImage.read(path), options)
  }

  /// Finds the objects in a picture.
  /// - Parameters:
  ///   - picture: The picture.
  ///   - options: Which findings are told.
  /// - Returns: The findings by falling score, in the picture's pixels.
  /// - Throws: `RecognitionError.infiniteScores`.
  public func detect(_ picture: ColorImage, _ options: Options = Options()) throws -> [Detection] {
    try detect(RasterImage(picture, plan: plan), options)
  }

  /// Finds the objects in pixels.
  func detect<Value: RasterValue>(
    _ image: RasterImage<Value>,
    _ options: Options
  ) throws -> [Detection] {
    let (reduced, placement) = placed(image)
    func original(_ box: DetectionBox) -> DetectionBox {
      placement.original(box).mapped(scale: Double(reduced.reduction), x: 0, y: 0)
    }
    func clipped(_ box: DetectionBox) -> DetectionBox {
      box.clipped(width: Double(image.width), height: Double(image.height))
    }
    let leastScores = options.leastScores ?? plan.thresholds
    let results: [Detection]
    switch finder {
    case .cells(let network, let decoder):
      let output = network(input(reduced, placement))
      let isFinite = output.withElements { $0.allSatisfy(\.isFinite) }
      guard isFinite else { throw RecognitionError.infiniteScores(model: name) }
      let found = decoder.detections(
        output,
        image: 0,
        leastScores: leastScores,
        takesSeveralClasses: options.takesSeveralClasses
      )
      results = options.suppression(found).map { detection in
        var result = detection
        result.box = clipped(original(detection.box))
        return result
      }
    case .regions(let finder):
      let found = finder.findings(
        input(reduced, placement),
        leastScores: leastScores,
        suppression: BoxSuppression(
          overlap: RegionNetworkConfiguration.findingOverlap,
          maximum: RegionNetworkConfiguration.findingLimit
        )
      )
      guard let found else { throw RecognitionError.infiniteScores(model: name) }
      results = found.map { finding in
        let box = original(finding.detection.box)
        return Detection(
          label: finding.detection.label,
          score: finding.detection.score,
          box: clipped(box),
          mask: finding.mask.map {
            RunLengthMask(
              pasting: $0,
              side: finder.maskSide,
              box: box,
              width: image.width,
              height: image.height
            )
          }
        )
      }
    }
    return results.filter { $0.box.area > 0 }
  }

  /// An image as small as the network needs it, and where it lies in the network's input.
  func placed<Value: RasterValue>(
    _ image: RasterImage<Value>
  ) -> (reduced: RasterImage<Value>, placement: RasterPlacement) {
    let size = plan.imageSize
    let reduced = image.reduced(
      by: RasterPlacement.reduction(width: image.width, height: image.height, into: size)
    )
    return (
      reduced,
      RasterPlacement.letterbox(width: reduced.width, height: reduced.height, into: size)
    )
  }

  /// What the network sees.
  func input<Value: RasterValue>(
    _ image: RasterImage<Value>,
    _ placement: RasterPlacement
  ) -> Tensor {
    let size = plan.imageSize
    let plane = size[0] * size[1]
    let pixels = AlignedBuffer<Float>(
      repeating: RasterImage<Value>.border,
      count: plan.channels * plane
    )
    image.draw(
      into: pixels.pointer,
      size: size,
      rows: 0..<size[0],
      columns: 0..<size[1],
      placement
    )
    for channel in 0..<plan.channels {
      let (mean, deviation) = (Float(plan.means[channel]), Float(plan.deviations[channel]))
      for place in channel * plane..<(channel + 1) * plane {
        let value = min(max(pixels.pointer[place], 0), 1)
        pixels.pointer[place] = (value - mean) / deviation
      }
    }
    return Tensor(shape: [1, plan.channels] + size, storage: pixels)
  }
}
