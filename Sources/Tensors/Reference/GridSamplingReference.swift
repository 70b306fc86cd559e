/// Grid sampling in double precision.
struct GridSamplingReference: Sendable {
  private let sampler: GridSampler
  private var input: [Int] { Array(sampler.inputShape.dropFirst(2)) }
  private var axes: Int { input.count }

  init(_ sampler: GridSampler) { self.sampler = sampler }

  /// The weights of the cells along one axis of n cells, and the weights' derivatives by the coordinate.
  private func taps(_ coordinate: Float, _ n: Int) -> [(cell: Int, weight: Double, slope: Double)] {
    let (g, size) = (Double(coordinate), Double(n))
    var place = sampler.alignCorners ? (g + 1) * (size - 1) / 2 : ((g + 1) * size - 1) / 2
    var rate = sampler.alignCorners ? (size - 1) / 2 : size / 2
    if sampler.border {
      if !(place > 0 && place < size - 1) { rate = 0 }
      place = min(max(place, 0), size - 1)
    }
    if sampler.nearest {
      let cell = place.rounded(.toNearestOrEven)
      return cell >= 0 && cell < size ? [(Int(cell), 1, 0)] : []
    }
    // The hat function max(0, 1 − |place − k|), with its derivative to the right where it has a corner.
    return (0..<n).compactMap { k in
      let d = place - Double(k)
      guard d >= -1, d < 1 else { return nil }
      return (k, 1 - abs(d), d < 0 ? rate : -rate)
    }
  }

  /// Calls the body with point (of all samples) and, for each choice of one tap for each axis, the
  /// cell, the product of weights, and the derivatives of the product by the grid's coordinates.
  private func forEachTap(
    _ grid: [Float],
    _ body: (_ sample: Int, _ point: Int, _ cell: Int, _ weight: Double, _ slopes: [Double]) -> Void
  ) {
    let points = sampler.outputSize.reduce(1, *)
    for item in 0..<sampler.inputShape[0] * points {
      // The grid's first coordinate belongs to the last axis.
      let lists = (0..<axes).map { taps(grid[item * axes + axes - 1 - $0], input[$0]) }
      for choice in GridIndices(lists.map(\.count)) {
        let chosen = choice.indices.map { lists[$0][choice[$0]] }
        let slopes = (0..<axes).map { coordinate in
          chosen.indices.reduce(1.0) {
            $0 * ($1 == axes - 1 - coordinate ? chosen[$1].slope : chosen[$1].weight)
          }
        }
        body(
          item / points,
          item % points,
          flat(chosen.map(\.cell), input),
          chosen.reduce(1) { $0 * $1.weight },
          slopes
        )
      }
    }
  }

  func value(_ x: Tensor, _ grid: Tensor) -> Tensor {
    let (xs, channels) = (x.values, x.shape[1])
    let (space, points) = (x.spatialCount, sampler.outputSize.reduce(1, *))
    var ys = [Double](repeating: 0, count: sampler.outputShape.reduce(1, *))
    forEachTap(grid.values) { sample, point, cell, weight, _ in
      for plane in sample * channels..<(sample + 1) * channels {
        ys[plane * points + point] += weight * Double(xs[plane * space + cell])
      }
    }
    return Tensor(ys.map { Float($0) }, shape: sampler.outputShape)
  }

  func gradients(_ gradient: Tensor, x: Tensor, grid: Tensor) -> (x: Tensor, grid: Tensor) {
    let (xs, gs, channels) = (x.values, gradient.values, x.shape[1])
    let (space, points) = (x.spatialCount, sampler.outputSize.reduce(1, *))
    var dx = [Double](repeating: 0, count: xs.count)
    var dgrid = [Double](repeating: 0, count: grid.count)
    forEachTap(grid.values) { sample, point, cell, weight, slopes in
      for plane in sample * channels..<(sample + 1) * channels {
        let g = Double(gs[plane * points + point])
        dx[plane * space + cell] += weight * g
        for axis in 0..<axes {
          dgrid[(sample * points + point) * axes + axis] +=
            slopes[axis] * g * Double(xs[plane * space + cell])
        }
      }
    }
    return (
      Tensor(dx.map { Float($0) }, shape: x.shape),
      Tensor(dgrid.map { Float($0) }, shape: grid.shape)
    )
  }
}
