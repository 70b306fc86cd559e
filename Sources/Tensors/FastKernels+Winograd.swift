import CKernels
import Support

/// Stride-1 convolutions with windows of 3 by Winograd's filtering, and their gradients.
extension FastKernels {
  /// Cells below which direct convolutions are as fast, and exact to a digit more.
  private static let fewestWinogradCells = 512

  /// Whether Winograd's filtering applies and saves time by a model of its cost.
  ///
  /// Costs are in multiply-adds of the product: 36 instead of 144 a tile, transforms, and the
  /// weights, which are transformed at every call and come from memory at about one a dozen
  /// products.
  func isWinogradFaster(
    batch: Int,
    size: [Int],
    inputs: Int,
    outputs: Int,
    kernel: [Int],
    shape: ConvolutionShape
  ) -> Bool {
    guard size.count == 2 || size.count == 3, shape.groups == 1, inputs > 4, outputs > 4,
      kernel.suffix(2) == [3, 3], kernel.count == 2 || kernel[0] == 3 || kernel[0] == 1,
      shape.padding == kernel.map({ $0 / 2 }), shape.stride.allSatisfy({ $0 == 1 }),
      shape.dilation.allSatisfy({ $0 == 1 })
    else { return false }
    let lanes = Self.preferredLayout.block
    func filled(_ channels: Int) -> Double { Double((channels + lanes - 1) / lanes * lanes) }
    let depth = size.count == 3 ? size[0] : 1
    let (height, width) = (size[size.count - 2], size[size.count - 1])
    let cells = batch * depth * height * width
    guard cells >= Self.fewestWinogradCells else { return false }
    let pairs = filled(inputs) * filled(outputs) * Double(kernel.count == 3 ? kernel[0] : 1)
    let tiles = Double(batch * depth * ((height + 3) / 4) * ((width + 3) / 4))
    let weightCost = 24.0
    let winograd =
      tiles * 36 * (pairs + 12 * (filled(inputs) + filled(outputs))) + weightCost * 36 * pairs
    let direct = Double(cells) * 9 * pairs + weightCost * 9 * pairs
    return winograd < 0.9 * direct
  }

  /// A convolution, or with `isTransposed` the gradient of its input.
  ///
  /// `weight` is the convolution's own in both cases, `[O, I, …]`; the result is of the input's type.
  func winogradConvolution(
    _ x: Tensor,
    weight: Tensor,
    bias: Tensor?,
    isTransposed: Bool
  ) -> Tensor {
    let input = x.relaid(Self.preferredLayout)
    let outputs = weight.shape[isTransposed ? 1 : 0]
    let inputs = x.shape[1]
    let size = Array(x.shape.dropFirst(2))
    let output = empty([x.shape[0], outputs] + size, Self.preferredLayout, x.elementType)
    let lanes = Self.preferredLayout.block
    var shape = ck_winograd()
    shape.input_half = x.elementType == .bfloat16 ? 1 : 0
    shape.output_half = shape.input_half
    shape.batch = Int64(x.shape[0])
    shape.depth = Int64(size.count == 3 ? size[0] : 1)
    shape.height = Int64(size[size.count - 2])
    shape.width = Int64(size[size.count - 1])
    shape.input_blocks = Int64((inputs + lanes - 1) / lanes)
    shape.output_blocks = Int64((outputs + lanes - 1) / lanes)
    shape.lanes = Int64(lanes)
    shape.depth_taps = Int64(weight.rank == 5 ? weight.shape[2] : 1)
    shape.dilation = (1, 1, 1)
    (shape.slope, shape.scale, shape.final_slope) = (1, 1, 1)
    ck_winograd_plan(&shape, Int64(Parallelism.threadCount))

    let plain = weight.plain
    let weights = AlignedBuffer<Float>(uninitializedCount: Int(ck_winograd_weight_count(&shape)))
    let packing = Shared(shape)
    let blocks = Int(shape.output_blocks)
    EngineThreads.forEachUnit((blocks + 1) / 2) { _, pair in
      var shape = packing.value
      ck_winograd_weights(
        &shape,
        plain.storage.pointer,
        weights.pointer,
        Int64(outputs),
        Int64(inputs),
        isTransposed ? 1 : 0,
        Int64(2 * pair),
        Int64(min(2 * pair + 2, blocks))
      )
    }
    let units = Int(ck_winograd_units(&shape))
    let workspace = Workspace(count: Int(ck_winograd_workspace(&shape)), units: units)
    let addition = bias.map { filledUp($0, to: Int(shape.output_blocks) * lanes) }
    withExtendedLifetime((input, output, plain, weights, addition)) {
      withBlockPointers(input, output) { from, to in
        shape.input = from
        shape.output = to
        shape.weights = UnsafePointer(weights.pointer)
        shape.bias = addition.map { UnsafePointer($0.pointer) }
        let prepared = Shared(shape)
        EngineThreads.forEachUnit(units) { worker, unit in
          var shape = prepared.value
          ck_winograd_run(&shape, Int64(unit), Int64(unit + 1), workspace.pointer(of: worker))
        }
      }
    }
    return output
  }

  /// The gradient of the weights, `[O, I, …]`.
  func winogradWeightGradient(_ x: Tensor, gradient: Tensor, weightShape: [Int]) -> Tensor {
    let input = x.relaid(Self.preferredLayout)
    let arriving = gradient.relaid(Self.preferredLayout)
    let lanes = Self.preferredLayout.block
    let size = Array(x.shape.dropFirst(2))
    var shape = ck_winograd_gradient()
    shape.input_half = input.elementType == .bfloat16 ? 1 : 0
    shape.gradient_half = arriving.elementType == .bfloat16 ? 1 : 0
    shape.batch = Int64(x.shape[0])
    shape.depth = Int64(size.count == 3 ? size[0] : 1)
    shape.height = Int64(size[size.count - 2])
    shape.width = Int64(size[size.count - 1])
    shape.input_blocks = Int64((weightShape[1] + lanes - 1) / lanes)
    shape.output_blocks = Int64((weightShape[0] + lanes - 1) / lanes)
    shape.lanes = Int64(lanes)
    shape.depth_taps = Int64(weightShape.count == 5 ? weightShape[2] : 1)
    ck_winograd_gradient_plan(&shape)
    let tiles = AlignedBuffer<Float>(
      uninitializedCount: Int(ck_winograd_gradient_tiles(&shape))
    )
    let products = zeros(Int(ck_winograd_gradient_products(&shape)))
    let result = empty(weightShape, .plain)
    shape.input = UnsafeRawPointer(input.rawPointer)
    shape.gradient = UnsafeRawPointer(arriving.rawPointer)
    shape.transformed = tiles.pointer
    shape.products = products.pointer
    let transforms = Int(ck_winograd_gradient_transform_units(&shape))
    let units = Int(ck_winograd_gradient_units(&shape))
    let prepared = Shared(shape)
    withExtendedLifetime((input, arriving, tiles, products)) {
      for chunk in 0..<ck_winograd_gradient_chunks(&shape) {
        EngineThreads.forEachUnit(transforms) { _, unit in
          var shape = prepared.value
          ck_winograd_gradient_transform(&shape, chunk, Int64(unit))
        }
        EngineThreads.forEachUnit(units) { _, unit in
          var shape = prepared.value
          ck_winograd_gradient_accumulate(&shape, chunk, Int64(unit))
        }
      }
      EngineThreads.forEachUnit(Int(shape.output_blocks)) { _, block in
        var shape = prepared.value
        ck_winograd_gradient_finish(
          &shape,
          result.storage.pointer,
          Int64(weightShape[0]),
          Int64(weightShape[1]),
          Int64(block)
        )
      }
    }
    return result
  }

  /// Zeros, written side by side.
  func zeros(_ count: Int) -> AlignedBuffer<Float> {
    let buffer = AlignedBuffer<Float>(uninitializedCount: count)
    EngineThreads.forEachRange(count) { range in
      (buffer.pointer + range.lowerBound).update(repeating: 0, count: range.count)
    }
    return buffer
  }

  /// The values with zeros behind them.
  func filledUp(_ values: Tensor, to count: Int) -> AlignedBuffer<Float> {
    let buffer = AlignedBuffer<Float>(repeating: 0, count: count)
    values.plain.withElements { elements in
      for (index, value) in elements.enumerated() { buffer.pointer[index] = value }
    }
    return buffer
  }

  /// Hands out a pointer for each block of channels (each channel of a plain tensor), sample by
  /// sample.
  func withBlockPointers(
    _ input: Tensor,
    _ output: Tensor,
    _ body: (
      UnsafePointer<UnsafeRawPointer?>?, UnsafePointer<UnsafeMutableRawPointer?>?
    ) -> Void
  ) {
    func blocks(_ x: Tensor) -> [UnsafeMutableRawPointer?] {
      let size = x.spatialCount * x.lanes * (x.elementType == .bfloat16 ? 2 : 4)
      return (0..<x.outerCount).map { x.rawPointer + $0 * size }
    }
    let (from, to) = (blocks(input).map { $0.map { UnsafeRawPointer($0) } }, blocks(output))
    from.withUnsafeBufferPointer { from in
      to.withUnsafeBufferPointer { to in body(from.baseAddress, to.baseAddress) }
    }
  }
}

extension Tensor {
  /// The first stored value, of either type.
  var rawPointer: UnsafeMutableRawPointer {
    if let halfStorage { return UnsafeMutableRawPointer(halfStorage.pointer) }
    return UnsafeMutableRawPointer(storage.pointer)
  }
}

/// Scratch memory for each worker of `EngineThreads.forEachUnit`.
struct Workspace: Sendable {
  private let buffer: AlignedBuffer<Float>
  private let stride: Int

  /// Memory of `count` numbers for each worker on so many units.
  init(count: Int, units: Int) {
    stride = (count + 15) / 16 * 16
    buffer = AlignedBuffer(
      uninitializedCount: stride * max(1, min(units, Parallelism.threadCount))
    )
  }

  /// The memory of one worker, aligned to 64 bytes.
  func pointer(of worker: Int) -> UnsafeMutablePointer<Float> {
    buffer.pointer + worker * stride
  }
}
