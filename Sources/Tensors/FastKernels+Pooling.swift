import CKernels
import Support

extension FastKernels {
  package func maxPooling(
    _ x: Tensor,
    shape: PoolingShape
  ) -> (output: Tensor, positions: PoolingPositions) {
    precondition(
      shape.kernel.reduce(1, *) <= 256,
      "a pooling window \(shape.kernel) of over 256 cells"
    )
    let inputSize = Array(x.shape.dropFirst(2))
    let output = empty(Array(x.shape.prefix(2)) + shape.outputSize(inputSize), x.layout)
    let offsets = AlignedBuffer<UInt8>(uninitializedCount: output.storage.count)
    let window = window(shape, input: inputSize, output: Array(output.shape.dropFirst(2)))
    let (source, target) = (x.storage, output.storage)
    forEachOuter(of: x, window) { window, lanes, first, last in
      ck_max_pool(source.pointer, target.pointer, offsets.pointer, window, lanes, first, last)
    }
    return (output, PoolingPositions(offsets: offsets, layout: x.layout))
  }

  package func maxPoolingGradient(
    _ gradient: Tensor,
    positions: PoolingPositions,
    inputSize: [Int],
    shape: PoolingShape
  ) -> Tensor {
    let source = gradient.relaid(positions.layout)
    let result = empty(Array(source.shape.prefix(2)) + inputSize, positions.layout)
    let window = window(shape, input: inputSize, output: Array(source.shape.dropFirst(2)))
    let (from, to) = (source.storage, result.storage)
    forEachOuter(of: result, window) { window, lanes, first, last in
      ck_max_pool_gradient(
        from.pointer,
        positions.offsets.pointer,
        to.pointer,
        window,
        lanes,
        first,
        last
      )
    }
    return result
  }

  package func averagePooling(_ x: Tensor, shape: PoolingShape) -> Tensor {
    let inputSize = Array(x.shape.dropFirst(2))
    let output = empty(Array(x.shape.prefix(2)) + shape.outputSize(inputSize), x.layout)
    let window = window(shape, input: inputSize, output: Array(output.shape.dropFirst(2)))
    let (source, target) = (x.storage, output.storage)
    forEachOuter(of: x, window) { window, lanes, first, last in
      ck_average_pool(source.pointer, target.pointer, window, lanes, first, last)
    }
    return output
  }

  package func averagePoolingGradient(
    _ gradient: Tensor,
    inputSize: [Int],
    shape: PoolingShape
  ) -> Tensor {
    let result = empty(Array(gradient.shape.prefix(2)) + inputSize, gradient.layout)
    let window = window(shape, input: inputSize, output: Array(gradient.shape.dropFirst(2)))
    let (from, to) = (gradient.storage, result.storage)
    forEachOuter(of: result, window) { window, lanes, first, last in
      ck_average_pool_gradient(from.pointer, to.pointer, window, lanes, first, last)
    }
    return result
  }

  /// Runs a kernel over the tensor's outers (see CKernels.h), side by side.
  private func forEachOuter(
    of x: Tensor,
    _ window: ck_pooling,
    _ kernel:
      @Sendable (UnsafePointer<ck_pooling>, _ lanes: Int64, _ first: Int64, _ last: Int64)
      -> Void
  ) {
    let lanes = x.lanes
    EngineThreads.forEachRange(x.outerCount, itemCost: x.spatialCount * lanes) { range in
      withUnsafePointer(to: window) {
        kernel($0, Int64(lanes), Int64(range.lowerBound), Int64(range.upperBound))
      }
    }
  }

  /// Two-dimensional windows are three-dimensional ones of depth 1.
  private func window(_ shape: PoolingShape, input: [Int], output: [Int]) -> ck_pooling {
    func triple(_ values: [Int], _ filler: Int64) -> (Int64, Int64, Int64) {
      let padded =
        [Int64](repeating: filler, count: 3 - values.count) + values.map { Int64($0) }
      return (padded[0], padded[1], padded[2])
    }
    return ck_pooling(
      input: triple(input, 1),
      output: triple(output, 1),
      kernel: triple(shape.kernel, 1),
      stride: triple(shape.stride, 1),
      pad: triple(shape.padding, 0)
    )
  }
}
