import Layers
import Support

/// The values that define a YOLO.
public struct YOLOConfiguration: Codable, Sendable, Equatable {
  /// 1 for grey images, 3 for colours.
  public var inputChannels: Int
  /// Kinds of objects.
  public var classes: Int
  /// Factor of the channels, 0.25 in the scale nano and 0.5 in the scale small.
  public var width: Double
  /// Factor of the blocks' depth, 1/3 in both.
  public var depth: Double
  /// Bins of each side's distance in units of the stride, 16 in YOLOv8.
  public var bins: Int
  /// Steps of the three grids in pixels: 8, 16 and 32, or 4, 8 and 16 for small objects.
  public var strides: [Int]

  /// Creates a configuration of the scale nano.
  /// - Parameters:
  ///   - inputChannels: 1 for grey images, 3 for colours.
  ///   - classes: Kinds of objects.
  ///   - width: Factor of the channels.
  ///   - depth: Factor of the blocks' depth.
  ///   - bins: Bins of each side's distance.
  ///   - strides: Steps of the three grids in pixels, 8, 16 and 32 or 4, 8 and 16.
  public init(
    inputChannels: Int = 3,
    classes: Int,
    width: Double = 0.25,
    depth: Double = 1.0 / 3,
    bins: Int = 16,
    strides: [Int] = [8, 16, 32]
  ) {
    self.inputChannels = inputChannels
    self.classes = classes
    self.width = width
    self.depth = depth
    self.bins = bins
    self.strides = strides
  }

  /// Sizes with a name.
  public enum Scale: String, Codable, Sendable, CaseIterable {
    /// About 3 million weights.
    case nano
    /// About 11 million weights.
    case small
  }

  /// Creates a configuration of a named size.
  /// - Parameters:
  ///   - scale: The size.
  ///   - inputChannels: 1 for grey images, 3 for colours.
  ///   - classes: Kinds of objects.
  ///   - findsSmallObjects: Whether the strides are 4, 8 and 16 instead of 8, 16 and 32.
  public init(
    _ scale: Scale,
    inputChannels: Int,
    classes: Int,
    findsSmallObjects: Bool = false
  ) {
    self.init(
      inputChannels: inputChannels,
      classes: classes,
      width: scale == .nano ? 0.25 : 0.5,
      strides: findsSmallObjects ? [4, 8, 16] : [8, 16, 32]
    )
  }

  /// Channels at the strides 2, 4, 8, 16 and, unless the path ends there, 32; multiples of 8.
  var stageFeatures: [Int] {
    [64, 128, 256, 512, 1024].prefix(strides == [4, 8, 16] ? 4 : 5).map { features in
      max(8, Int((Double(features) * width / 8).rounded(.up)) * 8)
    }
  }

  /// Bottlenecks of a block.
  func scaledDepth(_ blocks: Int) -> Int { max(1, Int((Double(blocks) * depth).rounded())) }
}

extension YOLOConfiguration: NetworkValues {
  /// The kinds of objects.
  public var outputChannels: Int { classes }
  var dimensions: Int { 2 }
  var output: NetworkOutput { .detections }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, classes)
    try check.require(
      (0.01...4).contains(width),
      "a width factor of \(width), which is not between 0.01 and 4"
    )
    try check.require(
      (0.1...4).contains(depth),
      "a depth factor of \(depth), which is not between 0.1 and 4"
    )
    try check.require((2...64).contains(bins), "\(bins) bins, which are not 2 to 64")
    try check.require(
      strides == [8, 16, 32] || strides == [4, 8, 16],
      "strides \(strides), which are neither 8, 16 and 32 nor 4, 8 and 16"
    )
    try check.weights(
      widest: max(2 * stageFeatures[stageFeatures.count - 1], classes),
      window: 9,
      layers: 20 * scaledDepth(6)
    )
  }

  func network(random: inout RandomStream) -> any Network { YOLO(self, random: &random) }
}
