import CKernels
import Support

/// The mean of windows that are chosen so that the result has a given size.
///
/// Output cell i of m covers the input cells ⌊i n/m⌋ to ⌈(i + 1) n/m⌉ − 1 of n, as in PyTorch;
/// windows overlap where m does not divide n, and repeat cells where m > n.
/// - Parameters:
///   - x: `[N, C, spatial…]`.
///   - size: The spatial size of the result.
/// - Returns: `[N, C] + size`, in the layout of `x`.
/// - Precondition: One positive number for each spatial axis.
public func adaptiveAveragePooling(_ x: Tensor, to size: [Int]) -> Tensor {
  requireSpatial(x, size, "adaptive pooling")
  return operation(
    "adaptive-average-pool",
    on: [x],
    shape: Array(x.shape.prefix(2)) + size
  ) { operands in
    let x = operands[0]
    let input = Array(x.shape.dropFirst(2))
    if Kernels.current.isReference {
      let reference = SeparableReference(
        input: input,
        taps: zip(input, size).map { AdaptivePoolingReference.taps($0, $1) }
      )
      return reference.value(x.detached).recorded(from: [x]) { [reference.gradient($0)] }
    }
    let maps = zip(input, size).map { n, m in
      AxisMap(
        input: n,
        taps: (0..<m).map { cell in
          let window = cell * n / m..<((cell + 1) * n + m - 1) / m
          return window.map { ($0, 1 / Double(window.count)) }
        }
      )
    }
    return x.mapped(maps).recorded(from: [x]) { [$0.mapped(maps.map(\.transposed))] }
  }
}

/// The mean over space.
/// - Parameter x: `[N, C, spatial…]`.
/// - Returns: `[N, C, 1…]`, as many ones as there are spatial axes.
public func globalAveragePooling(_ x: Tensor) -> Tensor {
  adaptiveAveragePooling(x, to: [Int](repeating: 1, count: x.rank - 2))
}

/// The largest value of windows that are chosen so that the result has a given size.
///
/// The windows are those of `adaptiveAveragePooling`. Of equal values the first in row-major order
/// gets the gradient.
/// - Parameters:
///   - x: `[N, C, H, W]` or `[N, C, D, H, W]`.
///   - size: The spatial size of the result.
/// - Returns: `[N, C] + size`, in the layout of `x`.
/// - Precondition: One positive number for each of at most three spatial axes.
public func adaptiveMaxPooling(_ x: Tensor, to size: [Int]) -> Tensor {
  requireSpatial(x, size, "adaptive pooling")
  precondition(x.rank <= 5, "adaptive maxima of \(x.shape), which has more than three spatial axes")
  return operation(
    "adaptive-max-pool",
    on: [x],
    shape: Array(x.shape.prefix(2)) + size
  ) { operands in
    let x = operands[0]
    if Kernels.current.isReference {
      let (result, cells) = AdaptivePoolingReference.maxima(x.detached, to: size)
      let shape = x.shape
      return result.recorded(from: [x]) { gradient in
        [AdaptivePoolingReference.maximaGradient(gradient, cells: cells, shape: shape)]
      }
    }
    return adaptiveMaxima(x, to: size)
  }
}

private func adaptiveMaxima(_ x: Tensor, to size: [Int]) -> Tensor {
  let outputShape = Array(x.shape.prefix(2)) + size
  let result = Tensor(
    shape: outputShape,
    layout: x.layout,
    storage: AlignedBuffer(uninitializedCount: Tensor.storageCount(outputShape, x.layout))
  )
  let positions = AlignedBuffer<Int32>(uninitializedCount: result.storage.count)
  let (n, m) = (leadingOnes(Array(x.shape.dropFirst(2))), leadingOnes(size))
  let shape = ck_adaptive(input: n, output: m)
  let (outer, lanes, cost) = (x.outerCount, x.lanes, max(x.spatialCount, result.spatialCount))
  let (source, target) = (x.storage, result.storage)
  EngineThreads.forEachRange(outer, itemCost: cost * lanes) { range in
    var shape = shape
    ck_adaptive_max(
      source.pointer,
      target.pointer,
      positions.pointer,
      &shape,
      Int64(lanes),
      Int64(range.lowerBound),
      Int64(range.upperBound)
    )
  }
  let (inputShape, layout) = (x.shape, x.layout)
  return result.recorded(from: [x]) { gradient in
    let arriving = gradient.relaid(layout).storage
    let back = Tensor(
      shape: inputShape,
      layout: layout,
      storage: AlignedBuffer(uninitializedCount: Tensor.storageCount(inputShape, layout))
    )
    let target = back.storage
    EngineThreads.forEachRange(outer, itemCost: cost * lanes) { range in
      var shape = shape
      ck_adaptive_max_gradient(
        arriving.pointer,
        positions.pointer,
        target.pointer,
        &shape,
        Int64(lanes),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return [back]
  }
}

/// Depth, height and width for the kernels; missing leading axes are 1.
func leadingOnes(_ size: [Int]) -> (Int64, Int64, Int64) {
  let all = [Int64](repeating: 1, count: 3 - size.count) + size.map { Int64($0) }
  return (all[0], all[1], all[2])
}
