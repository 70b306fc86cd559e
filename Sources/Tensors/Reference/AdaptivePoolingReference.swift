/// Adaptive windows, ⌊i n/m⌋ to ⌈(i + 1) n/m⌉ − 1, by trying every cell.
enum AdaptivePoolingReference {
  /// Along one axis, each cell of a window with the same weight.
  static func taps(_ input: Int, _ output: Int) -> [[AxisMap.Tap]] {
    windows(input, output).map { window in window.map { ($0, 1 / Double(window.count)) } }
  }

  private static func windows(_ n: Int, _ m: Int) -> [[Int]] {
    (0..<m).map { i in
      let low = (Double(i * n) / Double(m)).rounded(.down)
      let high = (Double((i + 1) * n) / Double(m)).rounded(.up)
      return (0..<n).filter { Double($0) >= low && Double($0) < high }
    }
  }

  /// The maxima and, for each, its place among all values of `x`.
  static func maxima(_ x: Tensor, to size: [Int]) -> (Tensor, cells: [Int]) {
    let (xs, input) = (x.values, Array(x.shape.dropFirst(2)))
    let choices = zip(input, size).map { windows($0, $1) }
    var (ys, cells): ([Float], [Int]) = ([], [])
    for plane in 0..<x.shape[0] * x.shape[1] {
      for cell in GridIndices(size) {
        let lists = cell.indices.map { choices[$0][cell[$0]] }
        var best: Int?
        for choice in GridIndices(lists.map(\.count)) {
          let source = choice.indices.map { lists[$0][choice[$0]] }
          let place = plane * x.spatialCount + flat(source, input)
          if best.map({ xs[place] > xs[$0] || xs[place].isNaN }) ?? true { best = place }
        }
        guard let best else { continue }
        ys.append(xs[best])
        cells.append(best)
      }
    }
    return (Tensor(ys, shape: Array(x.shape.prefix(2)) + size), cells)
  }

  static func maximaGradient(_ gradient: Tensor, cells: [Int], shape: [Int]) -> Tensor {
    var dx = [Double](repeating: 0, count: shape.reduce(1, *))
    for (cell, g) in zip(cells, gradient.values) { dx[cell] += Double(g) }
    return Tensor(dx.map { Float($0) }, shape: shape)
  }
}
