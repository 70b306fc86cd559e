/// RoIAlign in double precision, point by point.
struct RegionAlignmentReference: Sendable {
  private let aligner: RegionAligner

  init(_ aligner: RegionAligner) { self.aligner = aligner }

  /// The points of one cell along an axis.
  private func points(_ low: Float, _ high: Float, cell: Int, cells: Int) -> [Double] {
    let shift = aligner.isAligned ? 0.5 : 0
    let start = Double(low) * Double(aligner.scale) - shift
    let end = Double(high) * Double(aligner.scale) - shift
    let extent = aligner.isAligned ? end - start : max(end - start, 1)
    let step = extent / Double(cells)
    let count = aligner.samplingRatio > 0 ? aligner.samplingRatio : Int(max(0, step.rounded(.up)))
    return (0..<count).map {
      start + Double(cell) * step + (Double($0) + 0.5) * step / Double(count)
    }
  }

  /// The weights of cells 0 to n − 1 at a point: a hat about each, the outermost reaching on for one cell.
  private func weights(_ point: Double, _ n: Int) -> [Double] {
    guard point >= -1, point <= Double(n) else { return [Double](repeating: 0, count: n) }
    let inside = min(max(point, 0), Double(n - 1))
    return (0..<n).map { max(0, 1 - abs(inside - Double($0))) }
  }

  /// Calls the body with region, cell of its grid, cell of the map, and weight.
  private func forEach(_ body: (_ region: Int, _ cell: Int, _ place: Int, _ weight: Double) -> Void)
  {
    let (height, width) = (aligner.inputShape[2], aligner.inputShape[3])
    let (rows, columns) = (aligner.outputSize[0], aligner.outputSize[1])
    for (index, region) in aligner.regions.enumerated() {
      let edges = region.edges
      for cell in 0..<rows * columns {
        let ys = points(edges.y, edges.w, cell: cell / columns, cells: rows)
        let xs = points(edges.x, edges.z, cell: cell % columns, cells: columns)
        for y in ys {
          for x in xs {
            let (down, across) = (weights(y, height), weights(x, width))
            for place in 0..<height * width {
              let weight = down[place / width] * across[place % width]
              if weight != 0 { body(index, cell, place, weight / Double(ys.count * xs.count)) }
            }
          }
        }
      }
    }
  }

  func value(_ x: Tensor) -> Tensor {
    let (xs, channels, space) = (x.values, x.shape[1], x.spatialCount)
    let cells = aligner.outputSize.reduce(1, *)
    var ys = [Double](repeating: 0, count: aligner.outputShape.reduce(1, *))
    forEach { region, cell, place, weight in
      let image = aligner.regions[region].image
      for channel in 0..<channels {
        ys[(region * channels + channel) * cells + cell] +=
          weight * Double(xs[(image * channels + channel) * space + place])
      }
    }
    return Tensor(ys.map { Float($0) }, shape: aligner.outputShape)
  }

  func gradient(_ gradient: Tensor) -> Tensor {
    let (gs, channels) = (gradient.values, aligner.inputShape[1])
    let space = aligner.inputShape[2] * aligner.inputShape[3]
    let cells = aligner.outputSize.reduce(1, *)
    var dx = [Double](repeating: 0, count: aligner.inputShape.reduce(1, *))
    forEach { region, cell, place, weight in
      let image = aligner.regions[region].image
      for channel in 0..<channels {
        dx[(image * channels + channel) * space + place] +=
          weight * Double(gs[(region * channels + channel) * cells + cell])
      }
    }
    return Tensor(dx.map { Float($0) }, shape: aligner.inputShape)
  }
}
