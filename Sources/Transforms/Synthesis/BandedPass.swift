import Foundation

/// A linear map along one axis in which each output reads a few neighbouring inputs.
///
/// Blurring, sampling and interpolating are such maps; applied axis by axis they are separable.
struct BandedPass: Sendable {
  /// How many inputs an output reads.
  let taps: Int
  /// The first input of each output.
  let starts: [Int]
  /// The weights, `[outputs][taps]`.
  let weights: [Float]

  /// How many outputs there are.
  var count: Int { starts.count }

  /// Weights that are known already.
  init(taps: Int, starts: [Int], weights: [Float]) {
    (self.taps, self.starts, self.weights) = (taps, starts, weights)
  }

  /// Samples at places by a kernel, whose weights are scaled to a sum of 1.
  ///
  /// Inputs beyond the ends are left out.
  /// - Parameters:
  ///   - inputs: How many inputs there are.
  ///   - places: Where to sample, in inputs.
  ///   - taps: How many inputs about each place count.
  ///   - kernel: Weight by the input's distance (input − place).
  init(inputs: Int, places: [Double], taps: Int, kernel: (Double) -> Double) {
    let taps = min(inputs, taps)
    self.taps = taps
    var starts: [Int] = []
    var weights: [Float] = []
    for place in places {
      let first = Int((place - Double(taps) / 2).rounded(.down)) + 1
      let start = min(max(first, 0), inputs - taps)
      let values = (0..<taps).map { kernel(Double(start + $0) - place) }
      let sum = values.reduce(0, +)
      starts.append(start)
      weights += values.map { Float($0 / sum) }
    }
    self.starts = starts
    self.weights = weights
  }

  /// Gaussian blur sampled at places.
  static func gaussian(inputs: Int, places: [Double], deviation: Double) -> BandedPass {
    // At a place far outside all weights would vanish; the floor makes them equal there instead.
    let reach = max(1, Int((3 * deviation).rounded(.up)))
    return BandedPass(inputs: inputs, places: places, taps: 2 * reach + 1) {
      max(exp(-0.5 * ($0 / deviation) * ($0 / deviation)), 1e-30)
    }
  }

  /// Linear interpolation; the outermost inputs continue.
  static func linear(inputs: Int, places: [Double]) -> BandedPass {
    let clamped = places.map { min(max($0, 0), Double(inputs - 1)) }
    return BandedPass(inputs: inputs, places: clamped, taps: 2) { max(0, 1 - abs($0)) }
  }

  /// Catmull and Rom's cubic interpolation; places have two inputs on either side.
  static func cubic(inputs: Int, places: [Double]) -> BandedPass {
    BandedPass(inputs: inputs, places: places, taps: 4) {
      let d = abs($0)
      return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : max(0, 2 - d) * (1 - d) * (2 - d) * 0.5
    }
  }

  /// Applies the map along an axis.
  /// - Parameters:
  ///   - source: Values, x fastest.
  ///   - size: The size of the source.
  ///   - axis: 0 for x, 1 for y, 2 for z.
  ///   - target: Room for the result; not the source.
  /// - Returns: The size of the result.
  func apply(
    _ source: UnsafePointer<Float>,
    size: SIMD3<Int>,
    axis: Int,
    into target: UnsafeMutablePointer<Float>
  ) -> SIMD3<Int> {
    let (taps, count) = (taps, count)
    let inner = axis == 0 ? 1 : axis == 1 ? size.x : size.x * size.y
    let outer = axis == 0 ? size.y * size.z : axis == 1 ? size.z : 1
    starts.withUnsafeBufferPointer { starts in
      weights.withUnsafeBufferPointer { weights in
        for block in 0..<outer {
          let from = source + block * size[axis] * inner
          let to = target + block * count * inner
          for k in 0..<count {
            if inner == 1 {
              var sum: Float = 0
              for t in 0..<taps { sum += weights[k * taps + t] * from[starts[k] + t] }
              to[k] = sum
              continue
            }
            let row = to + k * inner
            for t in 0..<taps {
              let weight = weights[k * taps + t]
              let values = from + (starts[k] + t) * inner
              if t == 0 {
                for i in 0..<inner { row[i] = weight * values[i] }
              } else if weight != 0 {
                for i in 0..<inner { row[i] += weight * values[i] }
              }
            }
          }
        }
      }
    }
    var result = size
    result[axis] = count
    return result
  }
}
