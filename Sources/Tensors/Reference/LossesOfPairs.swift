/// Rows of the given size over their norm.
func referenceUnitRows(_ values: [Scalar], _ size: Int) -> [[Scalar]] {
  stride(from: 0, to: values.count, by: size).map { start in
    let row = Array(values[start..<start + size])
    let norm = row.map { $0 * $0 }.sum.squareRoot.atLeast(1e-12)
    return row.map { $0 / norm }
  }
}

/// The mean of −log softmax(similarities)[partner].
func referenceSearch(
  _ queries: [[Scalar]],
  _ keys: [[Scalar]],
  _ partners: [Int],
  _ temperature: Double,
  skipsSelf: Bool
) -> Scalar {
  queries.indices.map { row in
    let logits = keys.map { key in
      zip(queries[row], key).map { $0 * $1 }.sum / Scalar(temperature)
    }
    let candidates = keys.indices.filter { !skipsSelf || $0 != row }.map { logits[$0] }
    return candidates.logSumExp - logits[partners[row]]
  }.sum / Scalar(Double(queries.count))
}

/// One sequence's CTC loss by the forward recursion alone, over log-probabilities `[T][C]`.
func referenceSequenceLoss(
  _ logarithms: [[Scalar]],
  _ labels: [Int],
  blank: Int
) -> Scalar {
  let states = [blank] + labels.flatMap { [$0, blank] }
  let impossible = Scalar(-.infinity)
  func sum(_ parts: [Scalar]) -> Scalar {
    let possible = parts.filter { $0.value > -.infinity }
    return possible.isEmpty ? impossible : possible.logSumExp
  }
  guard !logarithms.isEmpty else { return labels.isEmpty ? 0 : Scalar(.infinity) }
  var forward = states.indices.map { $0 < 2 ? logarithms[0][states[$0]] : impossible }
  for row in logarithms.dropFirst() {
    forward = states.indices.map { s in
      var parts = [forward[s]]
      if s > 0 { parts.append(forward[s - 1]) }
      if s > 1, states[s] != blank, states[s] != states[s - 2] { parts.append(forward[s - 2]) }
      let total = sum(parts)
      return total.value == -.infinity ? impossible : total + row[states[s]]
    }
  }
  let total = sum(Array(forward.suffix(2)))
  return total.value == -.infinity ? Scalar(.infinity) : -total
}
