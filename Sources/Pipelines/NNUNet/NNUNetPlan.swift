/// What stands between a scan and an nnU-Net network, of 2 or 3 dimensions.
///
/// Axes are nnU-Net's: arrays are `[channel][z][y][x]`, and "transposed" means after
/// `transposeForward`. A 2-D configuration sees each slice along the first transposed axis.
public struct NNUNetPlan: Codable, Equatable, Sendable {
  /// How a channel's values become the network's.
  public enum Normalization: Codable, Equatable, Sendable {
    /// Clipped to two percentiles of the training data, then centred and scaled by its statistics.
    case ct(mean: Double, deviation: Double, low: Double, high: Double)
    /// Centred and scaled by the scan's own statistics, within its non-zero region if so stated.
    case zScore(usesMask: Bool)
    /// The scan's own range becomes 0 to 1.
    case rescaleTo01
    /// 0 to 255 become 0 to 1.
    case rgbTo01
    /// Lamina's own (`RobustScale`): extremes cut off, the lowest value 0, no unit.
    case robust
    /// As they are.
    case none
  }

  /// How arrays change their number of samples.
  public enum Resampling: Codable, Equatable, Sendable {
    /// By splines; slices across a coarse axis apart, by another order along it. `separates` says
    /// whether that is done; nil leaves it to the spacings.
    case spline(order: Int, orderAcross: Int, separates: Bool?)
    /// Linearly, in single precision, as PyTorch interpolates.
    case linear(separates: Bool?)
    /// Not at all.
    case none
  }

  /// What the network's outputs stand for.
  public enum Heads: Codable, Equatable, Sendable {
    /// One output for each number, background included; the largest wins.
    case labels([Int])
    /// One output for each region; where it is above one half the region's number of `painted` is
    /// drawn, later ones over earlier ones.
    case regions(painted: [Int])

    /// The number of outputs.
    public var count: Int {
      switch self {
      case .labels(let numbers): numbers.count
      case .regions(let painted): painted.count
      }
    }
  }

  /// How images become arrays.
  public enum Reader: String, Codable, Equatable, Sendable {
    /// Axes as in the file.
    case asStored
    /// Axes turned to right, anterior, superior first, and back for the result.
    case reorienting
    /// Pictures: one slice, colours as channels, a spacing of 1.
    case picture
  }

  /// The configuration's name, such as "3d_fullres".
  public var configuration: String
  /// How each channel's values become the network's.
  public var channels: [Normalization]
  /// Which of the axes z, y, x (0, 1, 2) each transposed axis is.
  public var transposeForward: [Int]
  /// Spacing that the network expects along the transposed axes, mm; 2-D leaves the first one out.
  public var spacing: [Double]
  /// Size of the network's input along the transposed axes; 2-D leaves the first one out.
  public var patchSize: [Int]
  /// How images are resampled.
  public var data: Resampling
  /// How label maps are resampled (of a cascade's first stage).
  public var segmentation: Resampling
  /// How the network's scores are resampled.
  public var probabilities: Resampling
  /// Axes of the patch over which the training mirrored.
  public var mirrorAxes: [Int]
  /// What the network's outputs stand for.
  public var heads: Heads
  /// The configuration whose result is a further input, or nil.
  public var previousStage: String?
  /// The labels of that result that each become a channel, 0 or 1, behind the scan's own.
  public var previousLabels: [Int] = []
  /// How images become arrays.
  public var reader = Reader.asStored

  package init(
    configuration: String,
    channels: [Normalization],
    transposeForward: [Int],
    spacing: [Double],
    patchSize: [Int],
    data: Resampling,
    segmentation: Resampling,
    probabilities: Resampling,
    mirrorAxes: [Int],
    heads: Heads,
    previousStage: String?
  ) {
    self.configuration = configuration
    self.channels = channels
    self.transposeForward = transposeForward
    self.spacing = spacing
    self.patchSize = patchSize
    self.data = data
    self.segmentation = segmentation
    self.probabilities = probabilities
    self.mirrorAxes = mirrorAxes
    self.heads = heads
    self.previousStage = previousStage
  }

  /// Whether each slice along the first transposed axis is seen by itself.
  public var isPlanar: Bool { patchSize.count == 2 }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    let axes = patchSize.count
    try require(
      [2, 3].contains(axes) && patchSize.allSatisfy((1...4096).contains),
      "patchSize is \(patchSize)"
    )
    try require(
      spacing.count == axes && spacing.allSatisfy { $0 > 0 && $0 < 1e6 },
      "spacing is \(spacing)"
    )
    try require(transposeForward.sorted() == [0, 1, 2], "transposeForward is \(transposeForward)")
    try require(
      Set(mirrorAxes).count == mirrorAxes.count && mirrorAxes.allSatisfy((0..<axes).contains),
      "mirrorAxes is \(mirrorAxes)"
    )
    try require((1...256).contains(channels.count), "it has \(channels.count) channels")
    for case .ct(let mean, let deviation, let low, let high) in channels {
      try require(
        [mean, deviation, low, high].allSatisfy(\.isFinite) && low <= high && deviation >= 0,
        "it normalises by \(mean), \(deviation), \(low), \(high)"
      )
    }
    let numbers: [Int]
    switch heads {
    case .labels(let all):
      numbers = all
      try require(all == all.sorted() && Set(all).count == all.count, "its labels are not sorted")
    case .regions(let painted): numbers = painted
    }
    try require(
      (1...4096).contains(numbers.count) && numbers.allSatisfy((0...65535).contains),
      "its labels are \(numbers.prefix(8))"
    )
    switch probabilities {
    case .spline(3, _, _), .spline(_, 3, _):
      try require(false, "it resamples scores by cubic splines, which this program does not")
    default: break
    }
    if case .spline(3, _, _) = segmentation {
      try require(false, "it resamples labels by cubic splines, which this program does not")
    }
    try require(
      (previousStage == nil) == previousLabels.isEmpty
        && previousLabels.allSatisfy((1...32767).contains),
      "an earlier stage and its labels do not fit"
    )
  }
}
