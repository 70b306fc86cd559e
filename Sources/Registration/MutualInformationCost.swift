import Foundation
import Support

/// Minus the mutual information of pairs of values, in nats.
///
/// The joint histogram has a Parzen window of order 0 for the fixed image and a cubic B-spline for the
/// moving one, which makes it differentiable (Mattes et al., 2003, "PET-CT image registration in the
/// chest using free-form deformations", section II-D; Thévenaz and Unser, 2000, "Optimization of
/// mutual information for multiresolution image registration"). The number of samples inside the
/// moving image counts as constant in the derivative.
struct MutualInformationCost: SimilarityCost {
  /// Bins of each axis; two at each end are only for the window.
  let bins: Int
  /// Values beyond these lie in the outer bins.
  let fixedRange: ClosedRange<Float>
  let movingRange: ClosedRange<Float>

  /// Bins that the window reaches beyond the range, at each end.
  private static let margin = 2

  private var innerBins: Float { Float(bins - 2 * Self.margin) }

  func cost(fixed: [Float], moving: [Float], slopes: inout [Float]?) -> Double? {
    let table = bins * bins
    let pieces = Pieces(count: fixed.count, limit: 64, fewest: 2048)
    let parts = pieces.map { range in
      var joint = [Double](repeating: 0, count: table + 1)
      joint.withUnsafeMutableBufferPointer { joint in
        for index in range where !moving[index].isNaN {
          let row = bins * fixedBin(fixed[index])
          let (first, t) = movingPlace(moving[index])
          let weights = Self.window(t)
          for tap in 0..<4 { joint[row + first + tap] += Double(weights[tap]) }
          joint[table] += 1
        }
      }
      return joint
    }
    var joint = [Double](repeating: 0, count: table + 1)
    for part in parts {
      for place in 0...table { joint[place] += part[place] }
    }
    let count = joint[table]
    guard count > 0 else { return nil }
    var rows = [Double](repeating: 0, count: bins)
    var columns = [Double](repeating: 0, count: bins)
    for row in 0..<bins {
      for column in 0..<bins {
        let share = joint[row * bins + column] / count
        joint[row * bins + column] = share
        rows[row] += share
        columns[column] += share
      }
    }
    var information = 0.0
    // log (p(f, m) / p(m)), which is all that the derivative needs.
    var logs = [Float](repeating: 0, count: table)
    for row in 0..<bins where rows[row] > 0 {
      for column in 0..<bins {
        let share = joint[row * bins + column]
        guard share > 1e-16 else { continue }
        let ratio = log(share / columns[column])
        logs[row * bins + column] = Float(ratio)
        information += share * (ratio - log(rows[row]))
      }
    }
    guard information.isFinite else { return nil }
    if slopes != nil {
      let factor = innerBins / (movingRange.upperBound - movingRange.lowerBound) / Float(count)
      slopes = derivatives(fixed, moving, logs, factor, pieces)
    }
    return -information
  }

  /// d(−MI)/dm of each sample: −Σ_k dp(f, k)/dm · log (p(f, k) / p(k)).
  private func derivatives(
    _ fixed: [Float],
    _ moving: [Float],
    _ logs: [Float],
    _ factor: Float,
    _ pieces: Pieces
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: fixed.count) { output, initializedCount in
      guard let base = output.baseAddress else { return }
      let target = SharedPointer(base)
      Parallelism.forEach(pieces.number) { piece in
        for index in pieces.range(piece) {
          guard !moving[index].isNaN, movingRange.contains(moving[index]) else {
            target.pointer[index] = 0
            continue
          }
          let row = bins * fixedBin(fixed[index])
          let (first, t) = movingPlace(moving[index])
          let slopes = Self.windowSlopes(t)
          var sum: Float = 0
          for tap in 0..<4 { sum += slopes[tap] * logs[row + first + tap] }
          target.pointer[index] = -factor * sum
        }
      }
      initializedCount = fixed.count
    }
  }

  @inline(__always)
  private func fixedBin(_ value: Float) -> Int {
    let place =
      (value - fixedRange.lowerBound) / (fixedRange.upperBound - fixedRange.lowerBound) * innerBins
    return Int(max(0, min(place, innerBins - 1))) + Self.margin
  }

  /// The first of four bins, and the place between the second and the third.
  @inline(__always)
  private func movingPlace(_ value: Float) -> (Int, Float) {
    let range = movingRange.upperBound - movingRange.lowerBound
    let place = max(0, min((value - movingRange.lowerBound) / range, 1)) * innerBins
    let index = min(Int(place), bins - 2 * Self.margin - 1)
    return (index + Self.margin - 1, place - Float(index))
  }

  /// The cubic B-spline at −1 − t, −t, 1 − t and 2 − t.
  @inline(__always)
  private static func window(_ t: Float) -> SIMD4<Float> {
    let u = 1 - t
    return SIMD4(
      u * u * u / 6,
      ((3 * t - 6) * t * t + 4) / 6,
      ((3 * u - 6) * u * u + 4) / 6,
      t * t * t / 6
    )
  }

  /// Its derivatives by t.
  @inline(__always)
  private static func windowSlopes(_ t: Float) -> SIMD4<Float> {
    let u = 1 - t
    return SIMD4(-0.5 * u * u, (1.5 * t - 2) * t, (2 - 1.5 * u) * u, 0.5 * t * t)
  }
}
