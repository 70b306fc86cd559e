/// Which intensities of an image become 0 and 1 for a network.
///
/// What is below or above is not cut off: the map is linear, and so is the way back.
public enum IntensityRange: Codable, Sendable, Equatable {
  /// Given intensities, such as 0 and 255 of pictures or a window of Hounsfield units.
  case fixed(low: Double, high: Double)
  /// Percentiles of the image's finite values, 0 to 100.
  case percentiles(low: Double, high: Double)

  /// A linear map of intensities: (v − low) / width.
  package struct Scale: Sendable, Equatable {
    /// The intensity that becomes 0.
    package let low: Float
    /// The distance of intensities that becomes 1, more than 0.
    package let width: Float

    /// The intensity on the network's scale; the low end for what is not finite.
    package func scaled(_ value: Float) -> Float {
      value.isFinite ? (value - low) / width : 0
    }

    /// The intensity of a number on the network's scale.
    package func restored(_ value: Float) -> Float { value * width + low }
  }

  /// Percentiles are taken from at most this many values, evenly spread over the image.
  private static let sampleCount = 1 << 21

  /// The map for an image.
  /// - Parameter values: The image's values.
  /// - Returns: The map; nil when the image is constant, or has no finite value.
  package func scale(for values: [Float]) -> Scale? {
    switch self {
    case .fixed(let low, let high):
      return Scale(low: Float(low), width: Float(high - low))
    case .percentiles(let low, let high):
      let step = max(1, values.count / Self.sampleCount)
      let sample = stride(from: 0, to: values.count, by: step).map { values[$0] }
        .filter(\.isFinite).sorted()
      guard let smallest = sample.first, let largest = sample.last, smallest < largest else {
        return nil
      }
      func percentile(_ share: Double) -> Float {
        sample[Int((share / 100 * Double(sample.count - 1)).rounded())]
      }
      let (from, to) = (percentile(low), percentile(high))
      // A nearly constant image has its few other values beyond the percentiles.
      return from < to
        ? Scale(low: from, width: to - from) : Scale(low: smallest, width: largest - smallest)
    }
  }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the values.
  func check() throws(PipelinesError) {
    let isSound =
      switch self {
      case .fixed(let low, let high): low.isFinite && high.isFinite && low < high
      case .percentiles(let low, let high): 0 <= low && low < high && high <= 100
      }
    if !isSound { throw .invalidPlan(reason: "the range of intensities \(self) is empty") }
  }
}
