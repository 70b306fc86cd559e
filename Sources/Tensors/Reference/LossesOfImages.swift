/// The mean structural similarity, window by window.
func referenceSimilarity(
  _ x: [Scalar],
  _ y: [Scalar],
  _ filter: WindowFilter,
  _ constants: (Double, Double)
) -> Scalar {
  let (c1, c2) = (Scalar(constants.0), Scalar(constants.1))
  let plane = filter.size.reduce(1, *)
  let taps = Array(GridIndices(filter.size.map { _ in filter.weights.count }))
  var total: Scalar = 0
  for start in 0..<filter.planes {
    for cell in GridIndices(filter.resultSize) {
      let places = taps.map { tap in
        start * plane + flat(zip(cell, tap).map { $0 + $1 }, filter.size)
      }
      let weights = taps.map { Scalar($0.reduce(1.0) { $0 * filter.weights[$1] }) }
      func mean(_ value: (Int) -> Scalar) -> Scalar {
        zip(places, weights).map { $1 * value($0) }.sum
      }
      let (mx, my) = (mean { x[$0] }, mean { y[$0] })
      let vx = mean { (x[$0] - mx) * (x[$0] - mx) }
      let vy = mean { (y[$0] - my) * (y[$0] - my) }
      let both = mean { (x[$0] - mx) * (y[$0] - my) }
      total +=
        (2 * mx * my + c1) * (2 * both + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    }
  }
  return total / Scalar(Double(filter.resultCount))
}
