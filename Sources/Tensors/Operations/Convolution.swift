/// Convolution of feature maps (cross-correlation, as the field calls it).
///
/// y[n, o, p] = b[o] + Σ x[n, i, p·s − pad + d·k] · w[o, i, k]; cells outside the image are 0.
/// - Parameters:
///   - x: Input, `[N, I, H, W]` or `[N, I, D, H, W]`.
///   - weight: Kernels, `[O, I / groups, kh, kw]` or `[O, I / groups, kd, kh, kw]`.
///   - bias: `[O]`, or nil.
///   - shape: Stride, padding, dilation and groups.
/// - Returns: `[N, O, H', W']`, H' = ⌊(H + 2p − d(k−1) − 1)/s⌋ + 1.
/// - Precondition: The channel counts fit.
public func convolution(
  _ x: Tensor,
  weight: Tensor,
  bias: Tensor?,
  shape: ConvolutionShape
) -> Tensor {
  precondition(
    weight.rank == x.rank && weight.shape[1] * shape.groups == x.shape[1],
    "weights \(weight.shape) in \(shape.groups) groups do not fit the input \(x.shape)"
  )
  let outputSize = shape.outputSize(
    Array(x.shape.dropFirst(2)),
    kernel: Array(weight.shape.dropFirst(2))
  )
  return operation(
    "convolution",
    on: [x, weight] + (bias.map { [$0] } ?? []),
    shape: [x.shape[0], weight.shape[0]] + outputSize,
    action: .convolution(shape)
  ) { operands in
    convolved(
      operands[0],
      weight: operands[1],
      bias: operands.count > 2 ? operands[2] : nil,
      shape: shape
    )
  }
}

private func convolved(
  _ x: Tensor,
  weight: Tensor,
  bias: Tensor?,
  shape: ConvolutionShape
) -> Tensor {
  let kernels = Kernels.current
  let (input, kernel) = (x.detached, weight.detached)
  let result = kernels.convolution(input, weight: kernel, bias: bias?.detached, shape: shape)
  let (needsInput, needsWeight) = (x.isTracked, weight.isTracked)
  let needsBias = bias?.isTracked ?? false
  return result.recorded(from: [x, weight] + (bias.map { [$0] } ?? [])) { gradient in
    let inputGradient =
      needsInput
      ? kernels.convolutionInputGradient(
        gradient,
        weight: kernel,
        inputSize: Array(input.shape.dropFirst(2)),
        shape: shape
      ) : nil
    let weightGradient =
      needsWeight
      ? kernels.convolutionWeightGradient(
        input,
        gradient: gradient,
        weightShape: kernel.shape,
        shape: shape
      ) : nil
    return [inputGradient, weightGradient, needsBias ? channelSums(gradient) : nil]
      .prefix(bias == nil ? 2 : 3).map { $0 }
  }
}

/// Transposed convolution: the gradient of a convolution with respect to its input.
///
/// - Parameters:
///   - x: Input, `[N, I, H, W]` or `[N, I, D, H, W]`.
///   - weight: Kernels, `[I, O / groups, kh, kw]` or with depth (PyTorch's order).
///   - bias: `[O]`, or nil.
///   - shape: Stride, padding, dilation and groups of the convolution that is transposed.
/// - Returns: `[N, O, H', W']`, H' = (H − 1)s − 2p + d(k − 1) + 1.
/// - Precondition: The channel counts fit.
public func transposedConvolution(
  _ x: Tensor,
  weight: Tensor,
  bias: Tensor?,
  shape: ConvolutionShape
) -> Tensor {
  precondition(
    weight.rank == x.rank && weight.shape[0] == x.shape[1],
    "weights \(weight.shape) do not fit the input \(x.shape)"
  )
  let outputSize = (0..<x.rank - 2).map { axis -> Int in
    let reach = shape.dilation[axis] * (weight.shape[axis + 2] - 1) + 1
    return (x.shape[axis + 2] - 1) * shape.stride[axis] - 2 * shape.padding[axis] + reach
  }
  return operation(
    "transposed convolution",
    on: [x, weight] + (bias.map { [$0] } ?? []),
    shape: [x.shape[0], weight.shape[1] * shape.groups] + outputSize,
    action: .transposedConvolution(shape)
  ) { operands in
    convolvedTransposed(
      operands[0],
      weight: operands[1],
      bias: operands.count > 2 ? operands[2] : nil,
      shape: shape,
      outputSize: outputSize
    )
  }
}

private func convolvedTransposed(
  _ x: Tensor,
  weight: Tensor,
  bias: Tensor?,
  shape: ConvolutionShape,
  outputSize: [Int]
) -> Tensor {
  let kernels = Kernels.current
  let (input, kernel) = (x.detached, weight.detached)
  var result = kernels.convolutionInputGradient(
    input,
    weight: kernel,
    inputSize: outputSize,
    shape: shape
  )
  if let bias { result = addingToChannels(result, bias.detached) }
  let (needsInput, needsWeight) = (x.isTracked, weight.isTracked)
  let needsBias = bias?.isTracked ?? false
  return result.recorded(from: [x, weight] + (bias.map { [$0] } ?? [])) { gradient in
    let inputGradient =
      needsInput
      ? kernels.convolution(gradient, weight: kernel, bias: nil, shape: shape) : nil
    let weightGradient =
      needsWeight
      ? kernels.convolutionWeightGradient(
        gradient,
        gradient: input,
        weightShape: kernel.shape,
        shape: shape
      ) : nil
    return [inputGradient, weightGradient, needsBias ? channelSums(gradient) : nil]
      .prefix(bias == nil ? 2 : 3).map { $0 }
  }
}
