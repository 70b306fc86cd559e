import Foundation
import Support

/// InfoNCE: the mean cross-entropy of finding each query's key among all keys by cosine similarity.
///
/// Van den Oord et al. 2018, equation 4; symmetric, as in Radford et al. 2021, figure 3. Rows are
/// divided by their norm (at least 1e-12) first.
/// - Parameters:
///   - queries: `[N, D]`.
///   - keys: `[N, D]`; key i belongs to query i, all others are negatives.
///   - temperature: τ, by which similarities are divided.
///   - isSymmetric: Whether keys look for their queries too, and both losses are averaged.
/// - Returns: One number.
/// - Precondition: Both are `[N, D]`, N ≥ 1, τ > 0.
public func contrastiveLoss(
  _ queries: Tensor,
  keys: Tensor,
  temperature: Double = 0.07,
  isSymmetric: Bool = false
) -> Tensor {
  checkPairs(queries, keys, temperature)
  let (count, size) = (queries.shape[0], queries.shape[1])
  return lossOperation("contrastive loss", on: [queries, keys]) { operands in
    let (q, k) = (UnitRows(operands[0]), UnitRows(operands[1]))
    let there = SimilaritySearch(q, k, temperature: temperature, partner: { $0 }, skipsSelf: false)
    let back =
      isSymmetric
      ? SimilaritySearch(k, q, temperature: temperature, partner: { $0 }, skipsSelf: false) : nil
    let value = back.map { (there.value + $0.value) / 2 } ?? there.value
    return LossOutcome(value: value) { gradient in
      let factor = isSymmetric ? gradient / 2 : gradient
      let first = there.gradients(factor)
      guard let second = back?.gradients(factor) else {
        return [q.back(first.queries), k.back(first.keys)]
      }
      return [q.back(first.queries + second.keys), k.back(first.keys + second.queries)]
    }
  } reference: { operands in
    let q = referenceUnitRows(operands[0], size)
    let k = referenceUnitRows(operands[1], size)
    let partners = Array(0..<count)
    let there = referenceSearch(q, k, partners, temperature, skipsSelf: false)
    if !isSymmetric { return there }
    return (there + referenceSearch(k, q, partners, temperature, skipsSelf: false)) / 2
  }
}

/// NT-Xent, SimCLR's loss: each of 2N views looks for its partner among all others.
///
/// Chen et al. 2020, "A simple framework for contrastive learning", equation 1 and algorithm 1.
/// - Parameters:
///   - first: `[N, D]`, one view of each item.
///   - second: `[N, D]`, the other view.
///   - temperature: τ, by which cosine similarities are divided.
/// - Returns: One number, the mean over all 2N views.
/// - Precondition: Both are `[N, D]`, N ≥ 1, τ > 0.
public func normalizedTemperatureLoss(
  _ first: Tensor,
  _ second: Tensor,
  temperature: Double = 0.5
) -> Tensor {
  checkPairs(first, second, temperature)
  let (count, size) = (first.shape[0], first.shape[1])
  return lossOperation("NT-Xent loss", on: [first, second]) { operands in
    let views = UnitRows(Tensor(operands[0].values + operands[1].values, shape: [2 * count, size]))
    let search = SimilaritySearch(
      views,
      views,
      temperature: temperature,
      partner: { ($0 + count) % (2 * count) },
      skipsSelf: true
    )
    return LossOutcome(value: search.value) { gradient in
      let found = search.gradients(gradient)
      let values = views.back(found.queries + found.keys).values
      return [
        Tensor(Array(values[..<(count * size)]), shape: [count, size]),
        Tensor(Array(values[(count * size)...]), shape: [count, size]),
      ]
    }
  } reference: { operands in
    let views = referenceUnitRows(operands[0] + operands[1], size)
    let partners = (0..<2 * count).map { ($0 + count) % (2 * count) }
    return referenceSearch(views, views, partners, temperature, skipsSelf: true)
  }
}

/// Triplet margin loss: the mean of max(0, ‖a − p + ε‖ − ‖a − n + ε‖ + margin).
///
/// Schroff et al. 2015 with plain instead of squared distances; ε = 1e-6 keeps roots differentiable, as
/// in PyTorch.
/// - Parameters:
///   - anchor: `[N, D]`.
///   - positive: `[N, D]`, like the anchor.
///   - negative: `[N, D]`, unlike the anchor.
///   - margin: By how much the negative should be farther away.
/// - Returns: One number.
/// - Precondition: All are `[N, D]`, N ≥ 1.
public func tripletMarginLoss(
  _ anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  margin: Double = 1
) -> Tensor {
  precondition(
    anchor.rank == 2 && anchor.shape[0] > 0 && anchor.shape == positive.shape
      && anchor.shape == negative.shape,
    "a triplet of \(anchor.shape), \(positive.shape) and \(negative.shape)"
  )
  let (count, size) = (anchor.shape[0], anchor.shape[1])
  let epsilon = 1e-6
  return lossOperation("triplet loss", on: [anchor, positive, negative]) { operands in
    let (a, p, n) = (operands[0].storage, operands[1].storage, operands[2].storage)
    @Sendable func distance(_ row: Int, _ other: AlignedBuffer<Float>) -> Double {
      (row * size..<(row + 1) * size).reduce(0.0) { sum, i in
        let d = Double(a.elements[i]) - Double(other.elements[i]) + epsilon
        return sum + d * d
      }.squareRoot()
    }
    let total = FixedChunks.sum(count, itemCost: 4 * size) { range in
      range.reduce(0.0) { $0 + max(0, distance($1, p) - distance($1, n) + margin) }
    }
    return LossOutcome(value: total / Double(count)) { gradient in
      let results = operands.map { Tensor(repeating: 0, shape: $0.shape) }
      let factor = Double(gradient) / Double(count)
      EngineThreads.forEachRange(count, itemCost: 8 * size) { range in
        for row in range {
          let (near, far) = (distance(row, p), distance(row, n))
          if near - far + margin <= 0 { continue }
          for i in row * size..<(row + 1) * size {
            let value = Double(a.elements[i]) + epsilon
            let pull = near == 0 ? 0 : factor * (value - Double(p.elements[i])) / near
            let push = far == 0 ? 0 : factor * (value - Double(n.elements[i])) / far
            results[0].storage.mutableElements[i] = Float(pull - push)
            results[1].storage.mutableElements[i] = Float(-pull)
            results[2].storage.mutableElements[i] = Float(push)
          }
        }
      }
      return results
    }
  } reference: { operands in
    func distance(_ row: Int, _ other: [Scalar]) -> Scalar {
      (row * size..<(row + 1) * size).map { i in
        let d = operands[0][i] - other[i] + Scalar(epsilon)
        return d * d
      }.sum.squareRoot
    }
    let sum = (0..<count).map { row in
      (distance(row, operands[1]) - distance(row, operands[2]) + Scalar(margin)).atLeast(0)
    }.sum
    return sum / Scalar(Double(count))
  }
}

private func checkPairs(_ a: Tensor, _ b: Tensor, _ temperature: Double) {
  precondition(
    a.rank == 2 && a.shape[0] > 0 && a.shape == b.shape,
    "pairs of \(a.shape) and \(b.shape)"
  )
  precondition(temperature > 0, "the temperature \(temperature)")
}

/// Rows divided by their Euclidean norm.
private struct UnitRows: Sendable {
  let rows: Tensor
  private let norms: [Double]
  static let smallestNorm = 1e-12

  init(_ x: Tensor) {
    let size = x.shape[1]
    let source = x.values
    norms = (0..<x.shape[0]).map { row in
      let sum = source[row * size..<(row + 1) * size].reduce(0.0) { $0 + Double($1) * Double($1) }
      return max(sum.squareRoot(), Self.smallestNorm)
    }
    let scales = norms
    rows = Tensor(
      source.enumerated().map { Float(Double($0.element) / scales[$0.offset / size]) },
      shape: x.shape
    )
  }

  /// dx = (g − u (u · g)) / ‖x‖.
  func back(_ gradient: Tensor) -> Tensor {
    let size = rows.shape[1]
    let (u, g) = (rows.values, gradient.values)
    var result = g
    for row in norms.indices {
      let places = row * size..<(row + 1) * size
      let along = places.reduce(0.0) { $0 + Double(u[$1]) * Double(g[$1]) }
      let isTiny = norms[row] <= Self.smallestNorm
      for i in places {
        result[i] = Float((Double(g[i]) - (isTiny ? 0 : Double(u[i]) * along)) / norms[row])
      }
    }
    return Tensor(result, shape: rows.shape)
  }
}

/// The mean cross-entropy of finding partners by similarity; rows of the result are independent.
private struct SimilaritySearch: Sendable {
  let value: Double
  private let queries: Tensor
  private let keys: Tensor
  private let temperature: Double
  /// Derivatives of the loss for the similarities over the temperature, `[M, K]`.
  private let slopes: AlignedBuffer<Float>

  init(
    _ queries: UnitRows,
    _ keys: UnitRows,
    temperature: Double,
    partner: @Sendable @escaping (Int) -> Int,
    skipsSelf: Bool
  ) {
    let (q, k) = (queries.rows, keys.rows)
    let (rows, columns, size) = (q.shape[0], k.shape[0], q.shape[1])
    let slopes = AlignedBuffer<Float>(uninitializedCount: rows * columns)
    let losses = AlignedBuffer<Double>(uninitializedCount: rows)
    EngineThreads.forEachRange(rows, itemCost: columns * (size + 16)) { range in
      var logits = [Double](repeating: 0, count: columns)
      for row in range {
        for column in 0..<columns {
          logits[column] =
            skipsSelf && row == column
            ? -.infinity
            : Self.product(q.storage.pointer + row * size, k.storage.pointer + column * size, size)
              / temperature
        }
        let peak = logits.max() ?? 0
        let total = logits.reduce(0.0) { $0 + exp($1 - peak) }
        losses.mutableElements[row] = peak + log(total) - logits[partner(row)]
        for column in 0..<columns {
          let p = exp(logits[column] - peak) / total
          slopes.mutableElements[row * columns + column] =
            Float((column == partner(row) ? p - 1 : p) / Double(rows))
        }
      }
    }
    (self.queries, self.keys, self.temperature, self.slopes) = (q, k, temperature, slopes)
    value = losses.elements.reduce(0, +) / Double(rows)
  }

  private static func product(
    _ a: UnsafePointer<Float>,
    _ b: UnsafePointer<Float>,
    _ count: Int
  ) -> Double {
    var sum = 0.0
    for i in 0..<count { sum += Double(a[i]) * Double(b[i]) }
    return sum
  }

  func gradients(_ factor: Float) -> (queries: Tensor, keys: Tensor) {
    let (rows, columns, size) = (queries.shape[0], keys.shape[0], queries.shape[1])
    let scale = factor / Float(temperature)
    let dq = Tensor(repeating: 0, shape: queries.shape)
    let dk = Tensor(repeating: 0, shape: keys.shape)
    let (q, k) = (queries.storage, keys.storage)
    EngineThreads.forEachRange(rows, itemCost: columns * size) { range in
      for row in range {
        let target = dq.storage.pointer + row * size
        for column in 0..<columns {
          let slope = scale * slopes.elements[row * columns + column]
          let source = k.pointer + column * size
          for i in 0..<size { target[i] += slope * source[i] }
        }
      }
    }
    EngineThreads.forEachRange(columns, itemCost: rows * size) { range in
      for column in range {
        let target = dk.storage.pointer + column * size
        for row in 0..<rows {
          let slope = scale * slopes.elements[row * columns + column]
          let source = q.pointer + row * size
          for i in 0..<size { target[i] += slope * source[i] }
        }
      }
    }
    return (dq, dk)
  }
}
