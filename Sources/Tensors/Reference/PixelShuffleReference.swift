/// Pixel shuffling, index by index.
enum PixelShuffleReference {
  /// y[n, c, h·r + i…] = x[n, c·rᵈ + (i…), h…], or the reverse.
  @Sendable static func moved(_ x: Tensor, factor: Int, intoSpace: Bool) -> Tensor {
    let axes = x.rank - 2
    let block = [Int](repeating: factor, count: axes)
    let cells = block.reduce(1, *)
    let xs = x.values
    let size = x.shape.dropFirst(2).map { intoSpace ? $0 : $0 / factor }
    let fine = size.map { $0 * factor }
    let channels = intoSpace ? x.shape[1] / cells : x.shape[1]
    let coarseShape = [x.shape[0], channels * cells] + size
    let fineShape = [x.shape[0], channels] + fine
    var ys = [Float](repeating: 0, count: x.count)
    for sample in 0..<x.shape[0] {
      for channel in 0..<channels {
        for cell in GridIndices(size) {
          for offset in GridIndices(block) {
            let coarse = flat(
              [sample, channel * cells + flat(offset, block)] + cell,
              coarseShape
            )
            let place = zip(cell, offset).map { $0 * factor + $1 }
            let fine = flat([sample, channel] + place, fineShape)
            if intoSpace { ys[fine] = xs[coarse] } else { ys[coarse] = xs[fine] }
          }
        }
      }
    }
    return Tensor(ys, shape: intoSpace ? fineShape : coarseShape)
  }
}
