import CKernels
import Support

/// Convolutions as products of gathered cells, and the gradients of weights of any convolution.
extension FastKernels {
  /// Whether the loops of CKernelsDirect.h serve better than oneDNN's.
  ///
  /// Few input channels are read plain, windows of one cell need no gathering, and bfloat16 would have
  /// to be widened; elsewhere packing the weights anew at each call costs more than it saves.
  func isDirectFaster(_ x: Tensor, kernel: [Int], shape: ConvolutionShape) -> Bool {
    guard shape.groups == 1, kernel.count == 2 || kernel.count == 3 else { return false }
    return x.shape[1] <= Self.plainChannelLimit || kernel.allSatisfy { $0 == 1 }
      || x.elementType == .bfloat16
  }

  /// Whether a data gradient scatters each cell into a window of its own.
  func isScattering(kernel: [Int], inputSize: [Int], gradientSize: [Int], shape: ConvolutionShape)
    -> Bool
  {
    (kernel.count == 2 || kernel.count == 3) && shape.groups == 1 && kernel == shape.stride
      && shape.padding.allSatisfy { $0 == 0 } && shape.dilation.allSatisfy { $0 == 1 }
      && zip(inputSize, zip(gradientSize, kernel)).allSatisfy { $0 == $1.0 * $1.1 }
  }

  /// A convolution, or with `isTransposed` the gradient of its input; `weight` is `[O, I, …]`.
  ///
  /// The result is of the input's type.
  func directConvolution(
    _ x: Tensor,
    weight: Tensor,
    bias: Tensor?,
    shape convolution: ConvolutionShape,
    isTransposed: Bool,
    outputSize: [Int]
  ) -> Tensor {
    let lanes = Self.preferredLayout.block
    let inputs = x.shape[1]
    let isPlain = inputs <= Self.plainChannelLimit
    let input = isPlain ? x.single.plain : x.relaid(Self.preferredLayout)
    let outputs = weight.shape[isTransposed ? 1 : 0]
    let output = empty([x.shape[0], outputs] + outputSize, Self.preferredLayout, x.elementType)
    var shape = ck_direct()
    shape.input_half = input.elementType == .bfloat16 ? 1 : 0
    shape.output_half = output.elementType == .bfloat16 ? 1 : 0
    shape.product_half = shape.input_half != 0 && ck_direct_multiplies_bf16() != 0 ? 1 : 0
    shape.batch = Int64(x.shape[0])
    shape.input_size = triple(Array(x.shape.dropFirst(2)), 1)
    shape.output_size = triple(outputSize, 1)
    shape.kernel = triple(Array(weight.shape.dropFirst(2)), 1)
    shape.stride = triple(convolution.stride, 1)
    shape.pad = triple(convolution.padding, 0)
    shape.dilation = triple(convolution.dilation, 1)
    shape.input_lanes = isPlain ? 1 : Int64(lanes)
    shape.input_blocks = Int64(isPlain ? inputs : (inputs + lanes - 1) / lanes)
    shape.output_blocks = Int64((outputs + lanes - 1) / lanes)
    shape.lanes = Int64(lanes)
    shape.transposed = isTransposed ? 1 : 0
    (shape.slope, shape.scale, shape.final_slope) = (1, 1, 1)
    ck_direct_plan(&shape, Int64(Parallelism.threadCount))
    let plain = weight.plain
    let weights = AlignedBuffer<Float>(uninitializedCount: Int(ck_direct_weight_count(&shape)))
    withExtendedLifetime(plain) {
      ck_direct_weights(
        &shape,
        plain.storage.pointer,
        weights.pointer,
        Int64(outputs),
        Int64(inputs)
      )
    }
    let units = Int(ck_direct_units(&shape))
    let workspace = Workspace(count: Int(ck_direct_workspace(&shape)), units: units)
    let addition = bias.map { filledUp($0, to: Int(shape.output_blocks) * lanes) }
    withExtendedLifetime((input, output, weights, addition)) {
      withBlockPointers(input, output) { from, to in
        shape.input = from
        shape.output = to
        shape.weights = UnsafeRawPointer(weights.pointer)
        shape.bias = addition.map { UnsafePointer($0.pointer) }
        let prepared = Shared(shape)
        EngineThreads.forEachUnit(units) { worker, unit in
          var shape = prepared.value
          ck_direct_run(&shape, Int64(unit), Int64(unit + 1), workspace.pointer(of: worker))
        }
      }
    }
    return output
  }

  /// A transposed convolution with its bias, where windows do not overlap; nil elsewhere.
  func scatteredConvolution(
    _ x: Tensor,
    weight: Tensor,
    bias: Tensor?,
    shape: ConvolutionShape,
    outputSize: [Int]
  ) -> Tensor? {
    guard
      isScattering(
        kernel: Array(weight.shape.dropFirst(2)),
        inputSize: outputSize,
        gradientSize: Array(x.shape.dropFirst(2)),
        shape: shape
      )
    else { return nil }
    return directConvolution(
      x,
      weight: weight,
      bias: bias,
      shape: shape,
      isTransposed: true,
      outputSize: outputSize
    )
  }

  /// The gradient of the weights of a convolution of one group, `[O, I, …]`.
  func directWeightGradient(
    _ x: Tensor,
    gradient: Tensor,
    weightShape: [Int],
    shape convolution: ConvolutionShape
  ) -> Tensor {
    let lanes = Self.preferredLayout.block
    let inputs = weightShape[1]
    let isPlain = inputs <= Self.plainChannelLimit
    // Loops over few channels read borders as cells.
    let input =
      isPlain
      ? withBorders(x.single.plain, convolution.padding)
      : x.single.relaid(Self.preferredLayout)
    let arriving = gradient.single.relaid(Self.preferredLayout)
    var shape = ck_direct_gradient()
    shape.batch = Int64(x.shape[0])
    shape.input_size = triple(Array(input.shape.dropFirst(2)), 1)
    shape.output_size = triple(Array(gradient.shape.dropFirst(2)), 1)
    shape.kernel = triple(Array(weightShape.dropFirst(2)), 1)
    shape.stride = triple(convolution.stride, 1)
    shape.pad = isPlain ? (0, 0, 0) : triple(convolution.padding, 0)
    shape.dilation = triple(convolution.dilation, 1)
    shape.input_blocks = Int64(isPlain ? 0 : (inputs + lanes - 1) / lanes)
    shape.plain_inputs = Int64(isPlain ? inputs : 0)
    shape.output_blocks = Int64((weightShape[0] + lanes - 1) / lanes)
    shape.lanes = Int64(lanes)
    ck_direct_gradient_plan(&shape)
    let sums = zeros(Int(ck_direct_gradient_sums(&shape)))
    let result = empty(weightShape, .plain)
    shape.input = UnsafePointer(input.storage.pointer)
    shape.gradient = UnsafePointer(arriving.storage.pointer)
    shape.sums = sums.pointer
    let prepared = Shared(shape)
    withExtendedLifetime((input, arriving, sums)) {
      EngineThreads.forEachUnit(Int(ck_direct_gradient_units(&shape))) { _, unit in
        var shape = prepared.value
        ck_direct_gradient_run(&shape, Int64(unit))
      }
      EngineThreads.forEachUnit(Int(shape.output_blocks)) { _, block in
        var shape = prepared.value
        ck_direct_gradient_finish(
          &shape,
          result.storage.pointer,
          Int64(weightShape[0]),
          Int64(inputs),
          Int64(block)
        )
      }
    }
    return result
  }

  private func triple(_ values: [Int], _ filler: Int64) -> (Int64, Int64, Int64) {
    let v =
      [Int64](repeating: filler, count: 3 - values.count) + values.map { Int64($0) }
    return (v[0], v[1], v[2])
  }

  /// A plain tensor with zeros around.
  private func withBorders(_ x: Tensor, _ padding: [Int]) -> Tensor {
    if padding.allSatisfy({ $0 == 0 }) { return x }
    let filler = [Int](repeating: 0, count: 3 - padding.count)
    let pad = filler + padding
    let size = filler.map { _ in 1 } + x.shape.dropFirst(2)
    let grown = zip(size, pad).map { $0 + 2 * $1 }
    let result = Tensor(
      shape: Array(x.shape.prefix(2)) + grown.suffix(padding.count),
      storage: zeros(x.shape[0] * x.shape[1] * grown.reduce(1, *))
    )
    let (source, target) = (x.storage, result.storage)
    let rows = size[0] * size[1]
    EngineThreads.forEachRange(x.shape[0] * x.shape[1] * rows, itemCost: size[2]) { range in
      for row in range {
        let (plane, z, y) = (row / rows, row % rows / size[1], row % size[1])
        let place = ((plane * grown[0] + z + pad[0]) * grown[1] + y + pad[1]) * grown[2] + pad[2]
        (target.pointer + place).update(from: source.pointer + row * size[2], count: size[2])
      }
    }
    return result
  }
}
