/// Mean, deviation and extremes of a patch.
struct PatchMoments {
  let mean: Double
  let deviation: Double
  let low: Float
  let high: Float

  init(_ values: UnsafeMutableBufferPointer<Float>) {
    guard let first = values.first else {
      (mean, deviation, low, high) = (0, 0, 0, 0)
      return
    }
    // Eight sums side by side; their order depends on the number of values alone.
    let shift = Double(first)
    var sums = SIMD8<Double>()
    var squares = SIMD8<Double>()
    var lows = SIMD8<Float>(repeating: first)
    var highs = lows
    let whole = values.count & ~7
    for i in stride(from: 0, to: whole, by: 8) {
      let chunk = SIMD8(
        values[i],
        values[i + 1],
        values[i + 2],
        values[i + 3],
        values[i + 4],
        values[i + 5],
        values[i + 6],
        values[i + 7]
      )
      lows.replace(with: chunk, where: chunk .< lows)
      highs.replace(with: chunk, where: chunk .> highs)
      let distance = SIMD8<Double>(chunk) - shift
      sums += distance
      squares += distance * distance
    }
    var (sum, square) = (sums.sum(), squares.sum())
    var (low, high) = (lows.min(), highs.max())
    for value in values[whole...] {
      (low, high) = (min(low, value), max(high, value))
      let distance = Double(value) - shift
      sum += distance
      square += distance * distance
    }
    let count = Double(values.count)
    mean = shift + sum / count
    deviation = max(0, square / count - (sum / count) * (sum / count)).squareRoot()
    (self.low, self.high) = (low, high)
  }
}
