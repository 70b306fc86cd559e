/// A linear map between grids whose weights are products of one weight for each axis.
///
/// Every output cell is summed over all combinations of its taps; the fast path goes axis by axis.
struct SeparableReference: Sendable {
  private let input: [Int]
  private let output: [Int]
  /// By axis and output cell.
  private let taps: [[[AxisMap.Tap]]]

  init(input: [Int], taps: [[[AxisMap.Tap]]]) {
    self.input = input
    self.taps = taps
    output = taps.map(\.count)
  }

  /// Calls the body with output cell, input cell and weight of every product.
  private func forEachTap(_ body: (_ output: Int, _ input: Int, _ weight: Double) -> Void) {
    for cell in GridIndices(output) {
      let lists = cell.indices.map { taps[$0][cell[$0]] }
      for choice in GridIndices(lists.map(\.count)) {
        let chosen = choice.indices.map { lists[$0][choice[$0]] }
        body(
          flat(cell, output),
          flat(chosen.map(\.source), input),
          chosen.reduce(1) { $0 * $1.weight }
        )
      }
    }
  }

  /// y[i] = Σ w[i, k] x[k]; cells without taps get `outside`.
  func value(_ x: Tensor, outside: Double = 0) -> Tensor {
    let (xs, planes) = (x.values, x.shape[0] * x.shape[1])
    let (inside, count) = (input.reduce(1, *), output.reduce(1, *))
    var ys = [Double](repeating: 0, count: planes * count)
    var touched = [Bool](repeating: false, count: count)
    forEachTap { place, source, weight in
      touched[place] = true
      for plane in 0..<planes {
        ys[plane * count + place] += weight * Double(xs[plane * inside + source])
      }
    }
    for place in ys.indices where !touched[place % count] { ys[place] = outside }
    return Tensor(ys.map { Float($0) }, shape: Array(x.shape.prefix(2)) + output)
  }

  /// dx[k] = Σ w[i, k] dy[i].
  func gradient(_ gradient: Tensor) -> Tensor {
    let (gs, planes) = (gradient.values, gradient.shape[0] * gradient.shape[1])
    let (inside, count) = (input.reduce(1, *), output.reduce(1, *))
    var dx = [Double](repeating: 0, count: planes * inside)
    forEachTap { place, source, weight in
      for plane in 0..<planes {
        dx[plane * inside + source] += weight * Double(gs[plane * count + place])
      }
    }
    return Tensor(dx.map { Float($0) }, shape: Array(gradient.shape.prefix(2)) + input)
  }
}
