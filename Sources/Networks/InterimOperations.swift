import Foundation
import Support
import Tensors

// Operations that Tensors does not have yet, for exactly the cases that networks here need. To be
// replaced by the general ones of Tensors (`upsampled`, `sigmoid`).

/// Repeats every pixel twice along both axes: `[N, C, H, W]` to `[N, C, 2H, 2W]`.
func nearestDoubled(_ x: Tensor) -> Tensor {
  precondition(x.rank == 4, "images of \(x.shape) cannot be doubled in two dimensions")
  let shape = [x.shape[0], x.shape[1], 2 * x.shape[2], 2 * x.shape[3]]
  return operation(
    "nearestDoubled",
    on: [x],
    shape: shape,
    action: .repetition([Int](repeating: 2, count: x.rank - 2))
  ) { operands in
    let x = operands[0].detached
    let (width, lanes) = (x.shape[3], x.lanes)
    let result = Tensor(
      shape: shape,
      layout: x.layout,
      storage: AlignedBuffer(uninitializedCount: 4 * x.storage.count)
    )
    let (source, target) = (x.storage, result.storage)
    // Rows of all planes lie one after another, in every layout.
    EngineThreads.forEachRange(x.outerCount * x.shape[2], itemCost: 4 * width * lanes) { rows in
      for row in rows {
        let from = source.pointer + row * width * lanes
        let to = target.pointer + row * 4 * width * lanes
        for column in 0..<width {
          for copy in 0..<2 {
            (to + (2 * column + copy) * lanes).update(from: from + column * lanes, count: lanes)
          }
        }
        (to + 2 * width * lanes).update(from: to, count: 2 * width * lanes)
      }
    }
    return result.recorded(from: operands) { gradient in
      [averagePooling(gradient, shape: PoolingShape(kernel: [2, 2])) * 4]
    }
  }
}

/// The logistic function 1 / (1 + e⁻ᵛ) of every value.
func logistic(_ x: Tensor) -> Tensor {
  operation("logistic", on: [x], shape: x.shape) { operands in
    // Row-major, as the unused lanes of a blocked layout must stay 0.
    let input = operands[0].plain
    let result = input.emptyLike()
    let (source, target) = (input.storage, result.storage)
    EngineThreads.forEachRange(source.count, itemCost: 8) { range in
      for index in range { target.pointer[index] = 1 / (1 + exp(-source.pointer[index])) }
    }
    let y = result.detached
    return result.recorded(from: operands) { gradient in [(y - y * y) * gradient.plain] }
  }
}
