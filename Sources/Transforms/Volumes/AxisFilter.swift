import Foundation

/// A weighted sum of neighbours along one axis: for each place as many neighbours, with their weights.
struct AxisFilter {
  /// Neighbours of a place.
  private let taps: Int
  /// The neighbours' places, `taps` for each place.
  private let indices: [Int]
  /// Their weights.
  private let weights: [Float]

  /// A Gaussian of about three deviations' reach, mirrored at the border without repeating it.
  ///
  /// The kernel's odd width is 6 deviations + ½, rounded, as in batchgeneratorsv2.
  init(blurring count: Int, deviation: Double) {
    let exact = deviation * 6 + 0.5
    let rounded = exact.rounded(.toNearestOrEven)
    let even = rounded.truncatingRemainder(dividingBy: 2) == 0
    let width = even ? rounded + (exact >= rounded ? 1 : -1) : rounded
    let reach = max(0, (Int(width) - 1) / 2)
    let kernel = (-reach...reach).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
    let total = kernel.reduce(0, +)
    taps = kernel.count
    weights = (0..<count).flatMap { _ in kernel.map { Float($0 / total) } }
    indices = (0..<count).flatMap { place in
      (-reach...reach).map { Mirror.atCenters(place + $0, count) }
    }
  }

  /// What dropping voxels and interpolating them again does; nil when none are dropped.
  ///
  /// Of `count` voxels `count · share` are kept, rounded to even halves, those nearest to the centres
  /// of the coarse voxels; positions are in single precision, as in PyTorch's `interpolate`.
  init?(losing count: Int, share: Double) {
    guard share != 1 else { return nil }
    let coarse = max(1, Int((Double(count) * share).rounded(.toNearestOrEven)))
    guard coarse != count else { return nil }
    let (down, up) = (Float(count) / Float(coarse), Float(coarse) / Float(count))
    let kept = (0..<coarse).map { min(Int((Float($0) + 0.5) * down), count - 1) }
    taps = 2
    var (indices, weights) = ([Int](), [Float]())
    for place in 0..<count {
      let position = max(0, (Float(place) + 0.5) * up - 0.5)
      let low = min(Int(position), coarse - 1)
      let share = position - Float(low)
      indices += [kept[low], kept[min(low + 1, coarse - 1)]]
      weights += [1 - share, share]
    }
    (self.indices, self.weights) = (indices, weights)
  }

  /// Applies filters along x, y and z in place.
  static func apply(
    _ filters: [AxisFilter?],
    to values: UnsafeMutableBufferPointer<Float>,
    size: SIMD3<Int>
  ) {
    guard filters.contains(where: { $0 != nil }) else { return }
    let plane = size.x * size.y
    var buffer = [Float](repeating: 0, count: max(plane, size.x * size.z))
    // Bounds: a line of count places of step stride stays within the planes it is cut from, and a
    // filter's indices lie in 0..<count.
    buffer.withUnsafeMutableBufferPointer { buffer in
      for z in 0..<size.z {
        let slice = UnsafeMutableBufferPointer(rebasing: values[z * plane..<(z + 1) * plane])
        filters[0]?.alongRows(of: slice, length: size.x, buffer)
        filters[1]?.acrossRows(of: slice, length: size.x, apart: size.x, buffer)
      }
      guard let filter = filters[2] else { return }
      for y in 0..<size.y {
        let rows = UnsafeMutableBufferPointer(rebasing: values[(y * size.x)...])
        filter.acrossRows(of: rows, length: size.x, apart: plane, buffer)
      }
    }
  }

  /// Filters each row by itself.
  private func alongRows(
    of slice: UnsafeMutableBufferPointer<Float>,
    length: Int,
    _ buffer: UnsafeMutableBufferPointer<Float>
  ) {
    indices.withUnsafeBufferPointer { indices in
      weights.withUnsafeBufferPointer { weights in
        for start in stride(from: 0, to: slice.count, by: length) {
          for x in 0..<length {
            var sum: Float = 0
            for tap in x * taps..<(x + 1) * taps {
              sum += weights[tap] * slice[start + indices[tap]]
            }
            buffer[x] = sum
          }
          for x in 0..<length { slice[start + x] = buffer[x] }
        }
      }
    }
  }

  /// Sums rows that lie `apart` values apart; as many as the filter has places.
  private func acrossRows(
    of rows: UnsafeMutableBufferPointer<Float>,
    length: Int,
    apart: Int,
    _ buffer: UnsafeMutableBufferPointer<Float>
  ) {
    let count = indices.count / taps
    for place in 0..<count {
      let to = place * length
      for tap in 0..<taps {
        let weight = weights[place * taps + tap]
        let from = indices[place * taps + tap] * apart
        if tap == 0 {
          for x in 0..<length { buffer[to + x] = weight * rows[from + x] }
        } else {
          for x in 0..<length { buffer[to + x] += weight * rows[from + x] }
        }
      }
    }
    for place in 0..<count {
      for x in 0..<length { rows[place * apart + x] = buffer[place * length + x] }
    }
  }
}
