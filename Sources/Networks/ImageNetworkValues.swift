import Layers
import Tensors

// What networks that turn images into images have in common.

extension ValueCheck {
  /// Channels of an image, its neighbouring slices and its axes.
  func image(channels: Int, contextSlices: Int, dimensions: Int) throws(NetworksError) {
    try require((1...1024).contains(channels), "\(channels) channels")
    try require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try require(
      (0...64).contains(contextSlices) && (contextSlices == 0 || dimensions == 2),
      "\(contextSlices) neighbouring slices in \(dimensions) dimensions"
    )
  }

  /// A factor of enlargement by steps of 2, or by 3.
  func scale(_ scale: Int) throws(NetworksError) {
    try require([1, 2, 3, 4, 8].contains(scale), "a scale of \(scale)")
  }
}

extension Tensor {
  /// The channels in the middle: of neighbouring slices as channels those of the slice itself.
  func middleChannels(_ count: Int) -> Tensor {
    let surplus = shape[1] - count
    return surplus == 0 ? self : sliced(axis: 1, start: surplus / 2, end: surplus / 2 + count)
  }

  /// The image with larger axes, for what is added to it.
  func enlarged(_ factor: Int, _ interpolation: FeatureInterpolation) -> Tensor {
    factor == 1
      ? self
      : upsampled(self, to: shape.dropFirst(2).map { factor * $0 }, interpolation: interpolation)
  }
}

extension KeyedDecodingContainer {
  /// A value, or what stood for it before the key was known.
  func value<Value: Decodable>(_ key: Key, or standard: Value) throws -> Value {
    try decodeIfPresent(Value.self, forKey: key) ?? standard
  }
}

/// The enlargements of sub-pixel networks: by 2 as often as needed, or by 3 at once.
func shuffleFactors(_ scale: Int) -> [Int] {
  scale == 3 ? [3] : [Int](repeating: 2, count: max(0, scale.trailingZeroBitCount))
}

/// How many channels a shuffle by a factor takes for one.
func shuffleCells(_ factor: Int, _ dimensions: Int) -> Int {
  (0..<dimensions).reduce(1) { cells, _ in cells * factor }
}
