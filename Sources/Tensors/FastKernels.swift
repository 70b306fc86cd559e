import COneDNN
import Support

/// The kernels of production: oneDNN's convolutions and our vectorised loops, in blocked layouts.
package struct FastKernels: KernelSet {
  package static let shared = FastKernels()

  package let name = "fast"
  let context = OneDNNContext()

  /// The blocked layout that this processor's convolutions like best.
  package static let preferredLayout = TensorLayout.blocked(Int(codn_channel_block()))

  /// Up to this many channels oneDNN's first-layer kernels read plain values; blocks would be mostly
  /// zeros.
  static let plainChannelLimit = 3
}

/// Owns oneDNN's primitives.
// Sendable invariant: the shim locks around every use of the context.
final class OneDNNContext: @unchecked Sendable {
  let handle: OpaquePointer

  init() {
    guard let handle = codn_context_new() else {
      preconditionFailure("oneDNN cannot start on this processor")
    }
    self.handle = handle
  }

  deinit { codn_context_free(handle) }
}

extension FastKernels {
  package func convolution(
    _ x: Tensor,
    weight: Tensor,
    bias: Tensor?,
    shape: ConvolutionShape
  ) -> Tensor {
    let kernel = Array(weight.shape.dropFirst(2))
    let outputSize = shape.outputSize(Array(x.shape.dropFirst(2)), kernel: kernel)
    if isWinogradFaster(
      batch: x.shape[0],
      size: Array(x.shape.dropFirst(2)),
      inputs: x.shape[1],
      outputs: weight.shape[0],
      kernel: kernel,
      shape: shape
    ) {
      return winogradConvolution(x, weight: weight, bias: bias, isTransposed: false)
    }
    if isDirectFaster(x, kernel: kernel, shape: shape) {
      return directConvolution(
        x,
        weight: weight,
        bias: bias,
        shape: shape,
        isTransposed: false,
        outputSize: outputSize
      )
    }
    // oneDNN's loops are called in single precision.
    if x.elementType == .bfloat16 {
      return convolution(x.single, weight: weight, bias: bias, shape: shape).rounded
    }
    let input = x.relaid(layout(ofInput: x.shape[1], groups: shape.groups))
    let output = empty(
      [x.shape[0], weight.shape[0]] + outputSize,
      layout(ofOutput: weight.shape[0], groups: shape.groups)
    )
    var descriptor = descriptor(input, weight: weight, output: output, shape: shape)
    let plainWeight = padded(weight, for: descriptor)
    let plainBias = bias.map { padded($0, to: Int(descriptor.output_channels)) }
    let status = withExtendedLifetime((input, plainWeight, plainBias)) {
      codn_convolution_forward(
        context.handle,
        &descriptor,
        Int32(Parallelism.threadCount),
        input.storage.pointer,
        plainWeight.storage.pointer,
        plainBias?.storage.pointer,
        output.storage.pointer
      )
    }
    require(status, "convolution", x.shape, weight.shape)
    return output
  }

  package func convolutionInputGradient(
    _ gradient: Tensor,
    weight: Tensor,
    inputSize: [Int],
    shape: ConvolutionShape
  ) -> Tensor {
    let channels = weight.shape[1] * shape.groups
    let kernel = Array(weight.shape.dropFirst(2))
    if isWinogradFaster(
      batch: gradient.shape[0],
      size: inputSize,
      inputs: weight.shape[0],
      outputs: channels,
      kernel: kernel,
      shape: shape
    ) {
      return winogradConvolution(gradient, weight: weight, bias: nil, isTransposed: true)
    }
    if isScattering(
      kernel: kernel,
      inputSize: inputSize,
      gradientSize: Array(gradient.shape.dropFirst(2)),
      shape: shape
    ) {
      return directConvolution(
        gradient,
        weight: weight,
        bias: nil,
        shape: shape,
        isTransposed: true,
        outputSize: inputSize
      )
    }
    if gradient.elementType == .bfloat16 {
      return convolutionInputGradient(
        gradient.single,
        weight: weight,
        inputSize: inputSize,
        shape: shape
      ).rounded
    }
    // Of a data gradient's blocked AVX2 loops, none takes steps through volumes.
    let wantsPlain = lacksBlockedVolumes(gradient) && shape.stride.contains { $0 > 1 }
    let output = gradient.relaid(
      wantsPlain ? .plain : layout(ofOutput: weight.shape[0], groups: shape.groups)
    )
    // It is written blocked whatever the channel count; the loops demand it.
    let input = empty(
      [gradient.shape[0], channels] + inputSize,
      wantsPlain ? .plain : layout(ofOutput: channels, groups: shape.groups)
    )
    var descriptor = descriptor(input, weight: weight, output: output, shape: shape)
    let plainWeight = padded(weight, for: descriptor)
    let status = withExtendedLifetime((output, plainWeight)) {
      codn_convolution_input_gradient(
        context.handle,
        &descriptor,
        Int32(Parallelism.threadCount),
        output.storage.pointer,
        plainWeight.storage.pointer,
        input.storage.pointer
      )
    }
    require(status, "convolution input gradient", gradient.shape, weight.shape)
    return input
  }

  package func convolutionWeightGradient(
    _ x: Tensor,
    gradient: Tensor,
    weightShape: [Int],
    shape: ConvolutionShape
  ) -> Tensor {
    if isWinogradFaster(
      batch: x.shape[0],
      size: Array(x.shape.dropFirst(2)),
      inputs: x.shape[1],
      outputs: weightShape[0],
      kernel: Array(weightShape.dropFirst(2)),
      shape: shape
    ) {
      return winogradWeightGradient(x, gradient: gradient, weightShape: weightShape)
    }
    if shape.groups == 1, x.rank <= 5 {
      return directWeightGradient(
        x,
        gradient: gradient,
        weightShape: weightShape,
        shape: shape
      )
    }
    if x.elementType == .bfloat16 || gradient.elementType == .bfloat16 {
      return convolutionWeightGradient(
        x.single,
        gradient: gradient.single,
        weightShape: weightShape,
        shape: shape
      )
    }
    // Plain input, right for the forward pass of few channels, sends oneDNN to its reference loops
    // here: 625 ms instead of 7 ms for one channel of 192 x 192 on AVX2.
    let wantsPlain = lacksBlockedVolumes(x)
    let input = x.relaid(wantsPlain ? .plain : layout(ofOutput: x.shape[1], groups: shape.groups))
    let output = gradient.relaid(
      wantsPlain ? .plain : layout(ofOutput: weightShape[0], groups: shape.groups)
    )
    var descriptor = descriptor(
      input,
      weight: empty(weightShape, .plain),
      output: output,
      shape: shape
    )
    // oneDNN splits this sum by threads; on one thread it is the same for any number of them.
    let weight = empty(paddedShape(weightShape, for: descriptor), .plain)
    let status = withExtendedLifetime((input, output)) {
      codn_convolution_weight_gradient(
        context.handle,
        &descriptor,
        1,
        input.storage.pointer,
        output.storage.pointer,
        weight.storage.pointer
      )
    }
    require(status, "convolution weight gradient", x.shape, weightShape)
    if weight.shape == weightShape { return weight }
    let cut = empty(weightShape, .plain)
    copyRows(from: weight, to: cut)
    return cut
  }

  /// Groups whose channels do not fill blocks stay plain; blocks may not straddle groups.
  private func layout(ofInput channels: Int, groups: Int) -> TensorLayout {
    groups == 1 && channels <= Self.plainChannelLimit
      ? .plain : layout(ofOutput: channels, groups: groups)
  }

  private func layout(ofOutput channels: Int, groups: Int) -> TensorLayout {
    if groups > 1, channels / groups % Self.preferredLayout.block != 0 { return .plain }
    return Self.preferredLayout
  }

  func empty(
    _ shape: [Int],
    _ layout: TensorLayout,
    _ type: ElementType = .float32
  ) -> Tensor {
    if type == .bfloat16 {
      let storage = AlignedBuffer<UInt16>(
        uninitializedCount: Tensor.storageCount(shape, layout)
      )
      return Tensor(shape: shape, layout: layout, halfStorage: storage)
    }
    return Tensor(
      shape: shape,
      layout: layout,
      storage: AlignedBuffer(uninitializedCount: Tensor.storageCount(shape, layout))
    )
  }

  private func descriptor(
    _ input: Tensor,
    weight: Tensor,
    output: Tensor,
    shape: ConvolutionShape
  ) -> codn_convolution {
    let rank = input.rank - 2
    precondition((1...3).contains(rank), "convolution of \(input.shape)")
    precondition(
      weight.rank == input.rank && weight.shape[1] * shape.groups == input.shape[1],
      "weights \(weight.shape) in \(shape.groups) groups do not fit the input \(input.shape)"
    )
    func triple(_ values: [Int]) -> (Int64, Int64, Int64) {
      func at(_ index: Int) -> Int64 { index < values.count ? Int64(values[index]) : 0 }
      return (at(0), at(1), at(2))
    }
    let inputSize = Array(input.shape.dropFirst(2))
    let outputSize = Array(output.shape.dropFirst(2))
    let kernel = Array(weight.shape.dropFirst(2))
    // oneDNN wants the exact padding at the far end, which a stride may leave partly unused.
    let high = (0..<rank).map { axis -> Int in
      let reach = shape.dilation[axis] * (kernel[axis] - 1) + 1
      let end = (outputSize[axis] - 1) * shape.stride[axis] + reach
      return end - inputSize[axis] - shape.padding[axis]
    }
    return codn_convolution(
      rank: Int64(rank),
      batch: Int64(input.shape[0]),
      input_channels: Int64(visibleChannels(input)),
      output_channels: Int64(visibleChannels(output)),
      groups: Int64(shape.groups),
      input: triple(inputSize),
      output: triple(outputSize),
      kernel: triple(kernel),
      stride: triple(shape.stride),
      dilation: triple(shape.dilation),
      pad_low: triple(shape.padding),
      pad_high: triple(high),
      input_block: Int64(input.layout.block),
      output_block: Int64(output.layout.block)
    )
  }

  /// The channels that oneDNN is told of: with those that fill the last block up.
  ///
  /// Lanes past the last channel hold zero, and so do the weights added for them, hence results stay
  /// the same; but oneDNN 2.6 has fast loops for few channels only when they look like a full block
  /// (740 ms against 1 ms for 5 to 24 channels of 96 x 96 on AVX2).
  private func visibleChannels(_ tensor: Tensor) -> Int {
    let lanes = tensor.lanes
    return (tensor.shape[1] + lanes - 1) / lanes * lanes
  }

  /// Whether the tensor is a volume and the processor one for which oneDNN 2.6 has no blocked loops
  /// for some gradients of volumes, but matrix products on plain layouts.
  ///
  /// 16 to 16 channels of 24 x 24 x 24 on AVX2: 5320 ms by the reference loops, 11 ms by products.
  private func lacksBlockedVolumes(_ x: Tensor) -> Bool {
    x.rank == 5 && Self.preferredLayout == .blocked(8)
  }

  private func paddedShape(_ shape: [Int], for descriptor: codn_convolution) -> [Int] {
    let inputs = descriptor.input_channels / descriptor.groups
    return [Int(descriptor.output_channels), Int(inputs)] + shape.dropFirst(2)
  }

  /// The plain weights with zeros for the channels that fill blocks up.
  private func padded(_ weight: Tensor, for descriptor: codn_convolution) -> Tensor {
    let shape = paddedShape(weight.shape, for: descriptor)
    if shape == weight.shape { return weight.plain }
    let result = Tensor(repeating: 0, shape: shape)
    copyRows(from: weight.plain, to: result)
    return result
  }

  private func padded(_ bias: Tensor, to count: Int) -> Tensor {
    bias.count == count
      ? bias.plain
      : Tensor(bias.values + [Float](repeating: 0, count: count - bias.count), shape: [count])
  }

  /// Copies the output channels and input channels that both weights have.
  private func copyRows(from source: Tensor, to target: Tensor) {
    let (sourceRow, targetRow) =
      (source.shape[1] * source.spatialCount, target.shape[1] * target.spatialCount)
    withExtendedLifetime((source, target)) {
      for row in 0..<min(source.shape[0], target.shape[0]) {
        (target.storage.pointer + row * targetRow).update(
          from: source.storage.pointer + row * sourceRow,
          count: min(sourceRow, targetRow)
        )
      }
    }
  }

  private func require(_ status: Int32, _ what: String, _ first: [Int], _ second: [Int]) {
    precondition(status == CODN_OK, "oneDNN refused the \(what) of \(first) and \(second)")
  }
}
