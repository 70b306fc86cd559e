import Foundation
import Support

/// Softmax along an axis that gives 0 where all values are −∞: a query that sees no key.
private func maskedSoftmax(_ x: Tensor, axis: Int) -> Tensor {
  let axis = normalized(axis: axis, rank: x.rank)
  return operation("masked softmax", on: [x], shape: x.shape) { operands in
    let x = operands[0].plain
    if usesReference {
      return ReferenceMatrixProduct.softmax(x, axis: axis).recorded(from: operands) {
        [ReferenceMatrixProduct.softmaxGradient($0, x: x, axis: axis)]
      }
    }
    let result = SoftmaxLoops.values(x, axis: axis)
    return result.recorded(from: operands) { gradient in
      [SoftmaxLoops.gradient(gradient.plain, probabilities: result, axis: axis)]
    }
  }
}

/// Weighted means of values, weighted by how well queries match keys.
///
/// Vaswani et al. 2017, "Attention is all you need", equation 1:
/// softmax(Q Kᵀ / √E) V, with a softmax over the keys.
/// - Parameters:
///   - query: `[…, L, E]`.
///   - key: `[…, S, E]`; leading axes are broadcast.
///   - value: `[…, S, V]`.
///   - mask: Not 0 where a query may see a key, of a shape that can be broadcast to `[…, L, S]`.
///   - isCausal: Whether query i sees only keys 0 to i.
/// - Returns: `[…, L, V]`; zeros for a query that sees no key.
/// - Precondition: The sizes fit.
public func scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  mask: Tensor? = nil,
  isCausal: Bool = false
) -> Tensor {
  precondition(
    query.rank >= 2 && key.rank >= 2 && value.rank >= 2
      && query.shape.last == key.shape.last
      && key.shape[key.rank - 2] == value.shape[value.rank - 2],
    "queries \(query.shape), keys \(key.shape) and values \(value.shape) do not fit"
  )
  let width = query.shape[query.rank - 1]
  let scale = 1 / Float(max(1, width)).squareRoot()
  var scores = matrixProduct(query * scale, key.transposed(-2, -1))
  let hidden = Tensor([-.infinity], shape: [])
  if isCausal {
    let (rows, columns) = (scores.shape[scores.rank - 2], scores.shape[scores.rank - 1])
    let seen = (0..<rows).flatMap { row in (0..<columns).map { $0 <= row ? Float(1) : 0 } }
    scores = selection(where: Tensor(seen, shape: [rows, columns]), scores, hidden)
  }
  if let mask { scores = selection(where: mask, scores, hidden) }
  return matrixProduct(maskedSoftmax(scores, axis: -1), value)
}

/// Loops of the softmax along an axis.
private enum SoftmaxLoops {
  static func values(_ x: Tensor, axis: Int) -> Tensor {
    let groups = GroupedAxes(x, axes: [axis])
    let result = x.emptyLike()
    let (from, to) = (x.storage, result.storage)
    let (count, inner) = (groups.count, groups.inner)
    groups.forEachTile(cost: 8) { source, _, columns in
      for column in 0..<columns {
        let (x, y) = (from.pointer + source + column, to.pointer + source + column)
        var peak = -Float.infinity
        for row in 0..<count { peak = max(peak, x[row * inner]) }
        // Without a finite value there is nothing to share out.
        let level = peak == -.infinity ? 0 : peak
        var total = 0.0
        for row in 0..<count {
          let value = exp(x[row * inner] - level)
          y[row * inner] = value
          total += Double(value)
        }
        let scale = total == 0 ? 0 : Float(1 / total)
        for row in 0..<count { y[row * inner] *= scale }
      }
    }
    return result
  }

  /// dx = p (g − Σ p g).
  static func gradient(_ gradient: Tensor, probabilities: Tensor, axis: Int) -> Tensor {
    let groups = GroupedAxes(gradient, axes: [axis])
    let result = gradient.emptyLike()
    let (gs, ps, to) = (gradient.storage, probabilities.storage, result.storage)
    let (count, inner) = (groups.count, groups.inner)
    groups.forEachTile(cost: 2) { source, _, columns in
      for column in 0..<columns {
        let place = source + column
        let (g, p, dx) = (gs.pointer + place, ps.pointer + place, to.pointer + place)
        var total = 0.0
        for row in 0..<count { total += Double(p[row * inner]) * Double(g[row * inner]) }
        for row in 0..<count {
          dx[row * inner] = p[row * inner] * (g[row * inner] - Float(total))
        }
      }
    }
    return result
  }
}
