import Support

/// Moves groups of channels into space, the sub-pixel upsampling of Shi and others (2016).
///
/// y[n, c, h·r + i, w·r + j] = x[n, (c·r + i)·r + j, h, w], as in PyTorch; volumes likewise with
/// three offsets.
/// - Parameters:
///   - x: `[N, C·rᵈ, spatial…]` with d spatial axes, 2 or 3.
///   - factor: r.
/// - Returns: `[N, C, r·spatial…]`.
/// - Precondition: rᵈ divides the channels.
public func pixelShuffled(_ x: Tensor, factor: Int) -> Tensor {
  let cells = shuffleCells(x, factor)
  precondition(x.shape[1] % cells == 0, "\(x.shape) has no multiple of \(cells) channels")
  let shape = [x.shape[0], x.shape[1] / cells] + x.shape.dropFirst(2).map { $0 * factor }
  return operation(
    "pixel-shuffle",
    on: [x],
    shape: shape,
    attributes: ["factor": .integers([factor])]
  ) { operands in
    shuffle(operands[0], factor: factor, intoSpace: true)
  }
}

/// Moves blocks of cells into channels: the reverse of `pixelShuffled`.
/// - Parameters:
///   - x: `[N, C, r·spatial…]` with d spatial axes, 2 or 3.
///   - factor: r.
/// - Returns: `[N, C·rᵈ, spatial…]`.
/// - Precondition: r divides every spatial dimension.
public func pixelUnshuffled(_ x: Tensor, factor: Int) -> Tensor {
  let cells = shuffleCells(x, factor)
  let size = x.shape.dropFirst(2)
  precondition(
    size.allSatisfy { $0 % factor == 0 },
    "\(x.shape) is no multiple of \(factor) along every spatial axis"
  )
  let shape = [x.shape[0], x.shape[1] * cells] + size.map { $0 / factor }
  return operation("pixel-unshuffle", on: [x], shape: shape) { operands in
    shuffle(operands[0], factor: factor, intoSpace: false)
  }
}

private func shuffleCells(_ x: Tensor, _ factor: Int) -> Int {
  precondition((4...5).contains(x.rank) && factor > 0, "shuffling \(x.shape) by \(factor)")
  return (2..<x.rank).reduce(1) { cells, _ in cells * factor }
}

private func shuffle(_ x: Tensor, factor: Int, intoSpace: Bool) -> Tensor {
  let move = Kernels.current.isReference ? PixelShuffleReference.moved : movedPixels
  return move(x.detached, factor, intoSpace).recorded(from: [x]) { gradient in
    [move(gradient, factor, !intoSpace)]
  }
}

@Sendable private func movedPixels(_ x: Tensor, _ factor: Int, _ intoSpace: Bool) -> Tensor {
  let source = x.plain
  let fine = leadingOnes(x.shape.dropFirst(2).map { intoSpace ? $0 * factor : $0 })
  let (height, width) = (Int(fine.1), Int(fine.2))
  let planeRows = Int(fine.0) * height
  let depthFactor = x.rank == 5 ? factor : 1
  let cells = depthFactor * factor * factor
  let channels = intoSpace ? x.shape[1] / cells : x.shape[1]
  let size = x.shape.dropFirst(2).map { intoSpace ? $0 * factor : $0 / factor }
  let result = Tensor(
    shape: [x.shape[0], intoSpace ? channels : channels * cells] + size,
    storage: AlignedBuffer(uninitializedCount: x.count)
  )
  let (from, to) = (source.storage, result.storage)
  let (coarseHeight, coarseWidth) = (height / factor, width / factor)
  let coarseCount = Int(fine.0) / depthFactor * coarseHeight * coarseWidth
  // An item is a row of the fine grid; its cells come from `factor` rows of the coarse channels.
  EngineThreads.forEachRange(x.shape[0] * channels * planeRows, itemCost: 2 * width) { range in
    for item in range {
      let (plane, row) = (item / planeRows, item % planeRows)
      let (z, y) = (row / height, row % height)
      let cell = (z % depthFactor * factor + y % factor) * factor
      let coarseRow = (z / depthFactor * coarseHeight + y / factor) * coarseWidth
      for offset in 0..<factor {
        let coarse = (plane * cells + cell + offset) * coarseCount + coarseRow
        let fine = item * width + offset
        if intoSpace {
          for w in 0..<coarseWidth { to.pointer[fine + w * factor] = from.pointer[coarse + w] }
        } else {
          for w in 0..<coarseWidth { to.pointer[coarse + w] = from.pointer[fine + w * factor] }
        }
      }
    }
  }
  return result
}
