import Imaging

/// One measure of how well a prediction agrees with its reference.
///
/// The catalogue `Metric.all` is the one list from which the command line's choices, the tests, the
/// reports and the outputs are made. To add a metric, write it in a `Metric+Aspect.swift` and name
/// it there.
public struct Metric: Sendable {
  /// Which direction of a value is the better one.
  public enum Better: String, Sendable {
    case higher
    case lower
    case closerToZero
    /// The value only describes, such as a volume.
    case neither
  }

  /// What a metric computes its value from.
  package enum Computation: Sendable {
    /// From the masks of a structure; what goes beyond counts is there only when it is asked for.
    case masks(needs: MaskNeeds, @Sendable (MaskPair) -> MetricValue)
    /// From two images of the same grid.
    case images(@Sendable (ImagePair) -> MetricValue)
  }

  /// The name in options and outputs, such as "hd95".
  public let key: String
  /// The name for people, such as "Hausdorff distance, 95th percentile".
  public let name: String
  /// The unit, such as "mm"; empty for a ratio.
  public let unit: String
  /// The better direction.
  public let better: Better
  /// The values that are possible; a bound may be infinite.
  public let range: ClosedRange<Double>
  /// The formula and its conventions in one or two sentences.
  public let definition: String
  package let computation: Computation

  package init(
    key: String,
    name: String,
    unit: String,
    better: Better,
    range: ClosedRange<Double>,
    definition: String,
    computation: Computation
  ) {
    self.key = key
    self.name = name
    self.unit = unit
    self.better = better
    self.range = range
    self.definition = definition
    self.computation = computation
  }

  /// The catalogue, in the order of outputs.
  public static let all: [Metric] =
    overlap + volume + surface + topology + lesionWise + lesionsBySize + imageError
    + similarity

  /// The metrics of label maps.
  public static var segmentation: [Metric] { all.filter { !$0.isImageMetric } }

  /// The metrics of images.
  public static var image: [Metric] { all.filter(\.isImageMetric) }

  /// Whether the metric compares images and not label maps.
  public var isImageMetric: Bool {
    if case .images = computation { true } else { false }
  }

  /// What the metric needs beyond counts.
  var needs: MaskNeeds {
    if case .masks(let needs, _) = computation { needs } else { [] }
  }

  /// The metric of a key.
  /// - Parameter key: Such as "dice".
  /// - Returns: The metric, or nil when there is none.
  public static func named(_ key: String) -> Metric? { all.first { $0.key == key } }

  /// The metrics of an option such as `dice,iou` or `all`.
  /// - Parameters:
  ///   - list: Keys separated by commas, or "all".
  ///   - available: What "all" stands for.
  /// - Returns: The metrics in the order of the catalogue, each once.
  /// - Throws: `EvaluationError.unknownMetric` for the first key that is not available.
  public static func parse(
    _ list: String,
    from available: [Metric] = segmentation
  ) throws(EvaluationError) -> [Metric] {
    if list == "all" { return available }
    let keys = list.split(separator: ",").map { $0.trimmingSpaces }
    for key in keys where !available.contains(where: { $0.key == key }) {
      throw .unknownMetric(key: key)
    }
    guard !keys.isEmpty else { throw .unknownMetric(key: list) }
    return available.filter { keys.contains($0.key) }
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
