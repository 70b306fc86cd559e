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
    action: .convolution(shape),
    takesBFloat16: true
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
  // In bfloat16 the input is kept as it is; sums and stored weights are in single precision.
  let (input, kernel, type) = (x.detached, weight.single, x.elementType)
  let result = kernels.convolution(
    input.operand(of: kernels),
    weight: kernel,
    bias: bias?.single,
    shape: shape
  ).converted(to: type)
  let types = [weight, bias].map { $0?.elementType ?? .float32 }
  let (needsInput, needsWeight) = (x.isTracked, weight.isTracked)
  let needsBias = bias?.isTracked ?? false
  return result.recorded(from: [x, weight] + (bias.map { [$0] } ?? [])) { arriving in
    let gradient = arriving.converted(to: type).operand(of: kernels)
    let inputGradient =
      needsInput
      ? kernels.convolutionInputGradient(
        gradient,
        weight: kernel,
        inputSize: Array(input.shape.dropFirst(2)),
        shape: shape
      ).converted(to: type) : nil
    let weightGradient =
      needsWeight
      ? kernels.convolutionWeightGradient(
        input.operand(of: kernels),
        gradient: gradient,
        weightShape: kernel.shape,
        shape: shape
      ).converted(to: types[0]) : nil
    let biasGradient = needsBias ? channelSums(gradient).converted(to: types[1]) : nil
    return [inputGradient, weightGradient, biasGradient]
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
///   - outputPadding: Cells added at the far end of each spatial axis, fewer than the stride; none
///     when nil. Convolutions with a stride make one size of several; this says which.
/// - Returns: `[N, O, H', W']`, H' = (H − 1)s − 2p + d(k − 1) + 1 + o.
/// - Precondition: The channel counts fit.
public func transposedConvolution(
  _ x: Tensor,
  weight: Tensor,
  bias: Tensor?,
  shape: ConvolutionShape,
  outputPadding: [Int]? = nil
) -> Tensor {
  precondition(
    weight.rank == x.rank && weight.shape[0] == x.shape[1],
    "weights \(weight.shape) do not fit the input \(x.shape)"
  )
  precondition(
    outputPadding.map { zip($0, shape.stride).allSatisfy { $0 >= 0 && $0 < $1 } } ?? true,
    "an output padding of \(outputPadding ?? []) for the strides \(shape.stride)"
  )
  let outputSize = (0..<x.rank - 2).map { axis -> Int in
    let reach = shape.dilation[axis] * (weight.shape[axis + 2] - 1) + 1
    return (x.shape[axis + 2] - 1) * shape.stride[axis] - 2 * shape.padding[axis] + reach
      + (outputPadding?[axis] ?? 0)
  }
  return operation(
    "transposed convolution",
    on: [x, weight] + (bias.map { [$0] } ?? []),
    shape: [x.shape[0], weight.shape[1] * shape.groups] + outputSize,
    action: .transposedConvolution(shape),
    attributes: outputPadding.map {
      $0.contains { $0 > 0 } ? ["outputPadding": .integers($0)] : [:]
    }
      ?? [:],
    takesBFloat16: true
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
  let (input, kernel, type) = (x.detached, weight.single, x.elementType)
  let result = transposed(
    input,
    weight: kernel,
    bias: bias?.single,
    shape: shape,
    outputSize: outputSize
  ).converted(to: type)
  let types = [weight, bias].map { $0?.elementType ?? .float32 }
  let (needsInput, needsWeight) = (x.isTracked, weight.isTracked)
  let needsBias = bias?.isTracked ?? false
  return result.recorded(from: [x, weight] + (bias.map { [$0] } ?? [])) { arriving in
    let gradient = arriving.converted(to: type).operand(of: kernels)
    let inputGradient =
      needsInput
      ? kernels.convolution(gradient, weight: kernel, bias: nil, shape: shape)
        .converted(to: type) : nil
    let weightGradient =
      needsWeight
      ? kernels.convolutionWeightGradient(
        gradient,
        gradient: input.operand(of: kernels),
        weightShape: kernel.shape,
        shape: shape
      ).converted(to: types[0]) : nil
    let biasGradient = needsBias ? channelSums(gradient).converted(to: types[1]) : nil
    return [inputGradient, weightGradient, biasGradient]
      .prefix(bias == nil ? 2 : 3).map { $0 }
  }
}

/// The result before its rounding, if a bias that the kernels do not add has to be added first.
private func transposed(
  _ x: Tensor,
  weight: Tensor,
  bias: Tensor?,
  shape: ConvolutionShape,
  outputSize: [Int]
) -> Tensor {
  let kernels = Kernels.current
  if let fast = kernels as? FastKernels,
    let result = fast.scatteredConvolution(
      x,
      weight: weight,
      bias: bias,
      shape: shape,
      outputSize: outputSize
    )
  {
    return result
  }
  let result = kernels.convolutionInputGradient(
    bias == nil ? x.operand(of: kernels) : x.single,
    weight: weight,
    inputSize: outputSize,
    shape: shape
  )
  return bias.map { addingToChannels(result, $0) } ?? result
}

extension Tensor {
  /// The values as a set of kernels takes them: the reference ones know single precision alone.
  fileprivate func operand(of kernels: any KernelSet) -> Tensor {
    kernels.isReference ? single : detached
  }

  /// The values in another type, without a past.
  func converted(to type: ElementType) -> Tensor { type == .bfloat16 ? rounded : single }
}
