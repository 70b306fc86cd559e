import Foundation

/// Softmax along one axis and its logarithm, in double precision.
struct SoftmaxReference: Sendable {
  let shape: [Int]
  let axis: Int
  let logarithm: Bool

  /// The places of each line along the axis.
  private var lines: [[Int]] {
    var others = shape
    others[axis] = 1
    return GridIndices(others).map { start in
      (0..<shape[axis]).map { k in
        var place = start
        place[axis] = k
        return flat(place, shape)
      }
    }
  }

  func value(_ x: Tensor) -> Tensor {
    let xs = x.values
    var ys = xs
    for line in lines {
      let peak = line.reduce(-Double.infinity) { max($0, Double(xs[$1])) }
      let total = line.reduce(0) { $0 + exp(Double(xs[$1]) - peak) }
      for place in line {
        let shifted = Double(xs[place]) - peak
        ys[place] = Float(logarithm ? shifted - log(total) : exp(shifted) / total)
      }
    }
    return Tensor(ys, shape: shape)
  }

  /// With p the softmax: p (g − Σ p g), or g − p Σ g for the logarithm.
  func gradient(_ gradient: Tensor, output: Tensor) -> Tensor {
    let (ys, gs) = (output.values.map { Double($0) }, gradient.values.map { Double($0) })
    var dx = gradient.values
    for line in lines {
      let sum = line.reduce(0) { $0 + gs[$1] * (logarithm ? 1 : ys[$1]) }
      for place in line {
        dx[place] = Float(
          logarithm ? gs[place] - exp(ys[place]) * sum : ys[place] * (gs[place] - sum)
        )
      }
    }
    return Tensor(dx, shape: shape)
  }
}
