/// The largest value of each window.
///
/// Cells outside the image never win. Of equal values the first in row-major order gets the gradient.
/// - Parameters:
///   - x: `[N, C, H, W]` or `[N, C, D, H, W]`.
///   - shape: The window; at most 256 cells.
/// - Returns: `[N, C, H', W']`, H' = ⌊(H + 2p − k)/s⌋ + 1.
public func maxPooling(_ x: Tensor, shape: PoolingShape) -> Tensor {
  operation(
    "max pooling",
    on: [x],
    shape: Array(x.shape.prefix(2)) + shape.outputSize(Array(x.shape.dropFirst(2))),
    action: .maxPooling(shape)
  ) { maxPooled($0[0], shape: shape) }
}

private func maxPooled(_ x: Tensor, shape: PoolingShape) -> Tensor {
  let kernels = Kernels.current
  let (result, positions) = kernels.maxPooling(x.detached, shape: shape)
  let inputSize = Array(x.shape.dropFirst(2))
  return result.recorded(from: [x]) { gradient in
    [
      kernels.maxPoolingGradient(
        gradient,
        positions: positions,
        inputSize: inputSize,
        shape: shape
      )
    ]
  }
}

/// The mean of each window over its cells inside the image.
/// - Parameters:
///   - x: `[N, C, H, W]` or `[N, C, D, H, W]`.
///   - shape: The window.
/// - Returns: `[N, C, H', W']`, H' = ⌊(H + 2p − k)/s⌋ + 1.
public func averagePooling(_ x: Tensor, shape: PoolingShape) -> Tensor {
  operation(
    "average pooling",
    on: [x],
    shape: Array(x.shape.prefix(2)) + shape.outputSize(Array(x.shape.dropFirst(2))),
    action: .averagePooling(shape)
  ) { averagePooled($0[0], shape: shape) }
}

private func averagePooled(_ x: Tensor, shape: PoolingShape) -> Tensor {
  let kernels = Kernels.current
  let inputSize = Array(x.shape.dropFirst(2))
  return kernels.averagePooling(x.detached, shape: shape).recorded(from: [x]) { gradient in
    [kernels.averagePoolingGradient(gradient, inputSize: inputSize, shape: shape)]
  }
}
