import Imaging

/// What an image must be before it is aligned, and its range of values.
struct ImageCheck {
  /// The fewest voxels along an axis.
  static let fewestVoxels = 4
  /// The share of voxels at each end whose values are cut off for mutual information: single bright
  /// voxels must not take the histogram's bins.
  static let tail = 0.0005

  /// The smallest and largest value that count.
  let range: ClosedRange<Float>

  /// Checks an image.
  /// - Parameters:
  ///   - volume: The image.
  ///   - name: "fixed" or "moving", for messages.
  /// - Throws: `RegistrationError.tooThin`, `.notFinite`, `.constantImage`.
  init(_ volume: Volume<Float>, name: String) throws(RegistrationError) {
    for axis in 0..<3 where volume.geometry.size[axis] < Self.fewestVoxels {
      throw .tooThin(image: name, axis: axis, voxels: volume.geometry.size[axis])
    }
    var bad = 0
    var low = Float.infinity
    var high = -Float.infinity
    for value in volume.voxels {
      if value.isFinite {
        low = min(low, value)
        high = max(high, value)
      } else {
        bad += 1
      }
    }
    guard bad == 0 else { throw .notFinite(image: name, count: bad) }
    guard low < high, (high - low).isFinite else { throw .constantImage(image: name) }
    range = Self.withoutTails(volume.voxels, low, high) ?? low...high
  }

  /// The range without the tails, by a histogram; nil where hardly any values would be left apart.
  private static func withoutTails(_ values: [Float], _ low: Float, _ high: Float) -> ClosedRange<
    Float
  >? {
    let bins = 4096
    let scale = Float(bins) / (high - low)
    guard scale.isFinite else { return nil }
    var counts = [Int](repeating: 0, count: bins)
    for value in values { counts[min(Int((value - low) * scale), bins - 1)] += 1 }
    let limit = Int(Double(values.count) * tail)
    var (first, sum) = (0, counts[0])
    while sum <= limit {
      first += 1
      sum += counts[first]
    }
    var last = bins - 1
    sum = counts[last]
    while sum <= limit {
      last -= 1
      sum += counts[last]
    }
    guard last - first >= 16 else { return nil }
    return (low + Float(first) / scale)...(low + Float(last + 1) / scale)
  }
}
