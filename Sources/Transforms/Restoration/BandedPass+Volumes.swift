import Foundation

extension BandedPass {
  /// A Gaussian blur in place, its kernel cut off at 4 deviations or four times the line's length, the
  /// ends mirrored at their faces.
  static func blur(inputs: Int, deviation: Double) -> BandedPass {
    let reach = Int(min(4 * deviation + 0.5, Double(4 * inputs)))
    let kernel = (-reach...reach).map { exp(-0.5 * Double($0 * $0) / (deviation * deviation)) }
    let total = kernel.reduce(0, +)
    let taps = min(inputs, kernel.count)
    var starts: [Int] = []
    var weights: [Float] = []
    for place in 0..<inputs {
      let start = min(max(place - reach, 0), inputs - taps)
      var row = [Double](repeating: 0, count: taps)
      for (k, weight) in kernel.enumerated() {
        row[Mirror.atFaces(place + k - reach, inputs) - start] += weight / total
      }
      starts.append(start)
      weights += row.map { Float($0) }
    }
    return BandedPass(taps: taps, starts: starts, weights: weights)
  }

  /// Applies the map along an axis, by all threads.
  /// - Parameters:
  ///   - values: Values, x fastest.
  ///   - size: Their size.
  ///   - axis: 0 for x, 1 for y, 2 for z.
  /// - Returns: The result, of the same size but for the axis.
  func applied(to values: [Float], size: SIMD3<Int>, axis: Int) -> [Float] {
    let (taps, count) = (taps, count)
    let result = size.replacing(with: count, where: SIMD3(0, 1, 2) .== axis)
    let plane = size.x * size.y
    return .filled(count: result.x * result.y * result.z, pieces: result.y * result.z) {
      rows,
      target in
      values.withUnsafeBufferPointer { values in
        starts.withUnsafeBufferPointer { starts in
          weights.withUnsafeBufferPointer { weights in
            for row in rows {
              let to = target + row * result.x
              let (y, z) = (row % result.y, row / result.y)
              if axis == 0 {
                let from = (z * size.y + y) * size.x
                for k in 0..<count {
                  var sum: Float = 0
                  for t in 0..<taps { sum += weights[k * taps + t] * values[from + starts[k] + t] }
                  to[k] = sum
                }
                continue
              }
              let k = axis == 1 ? y : z
              let first =
                axis == 1 ? z * plane + starts[k] * size.x : starts[k] * plane + y * size.x
              for x in 0..<size.x { to[x] = 0 }
              for t in 0..<taps where weights[k * taps + t] != 0 {
                let weight = weights[k * taps + t]
                let from = first + t * (axis == 1 ? size.x : plane)
                for x in 0..<size.x { to[x] += weight * values[from + x] }
              }
            }
          }
        }
      }
    }
  }
}
