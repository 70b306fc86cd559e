import CKernels
import Support

/// What a sampling point outside the image sees.
public enum GridPadding: String, Codable, Hashable, Sendable, CaseIterable {
  /// Zeros.
  case zeros
  /// The nearest point of the image.
  case border
}

/// Samples feature maps at given points, as PyTorch's `grid_sample` does.
///
/// A coordinate g of −1 to 1 along an axis of n cells is the place ((g + 1) n − 1)/2, or, with corners
/// aligned, (g + 1)(n − 1)/2. Nearest rounds halves to the even cell, and its gradient for the grid
/// is 0; so is that of coordinates which `border` moves into the image.
/// - Parameters:
///   - x: `[N, C, H, W]` or `[N, C, D, H, W]`.
///   - grid: `[N, H', W', 2]` or `[N, D', H', W', 3]`; the first coordinate runs along W.
///   - interpolation: Nearest or linear.
///   - padding: What points outside see.
///   - alignCorners: Whether ±1 are the centres of the border cells instead of their outer faces.
/// - Returns: `[N, C, H', W']` or with depth.
/// - Precondition: The shapes fit; the interpolation is not cubic.
public func gridSampled(
  _ x: Tensor,
  grid: Tensor,
  interpolation: FeatureInterpolation = .linear,
  padding: GridPadding = .zeros,
  alignCorners: Bool = false
) -> Tensor {
  let axes = x.rank - 2
  precondition(
    (2...3).contains(axes) && grid.rank == x.rank && grid.shape[0] == x.shape[0]
      && grid.shape.last == axes && x.count > 0,
    "the grid \(grid.shape) does not fit \(x.shape)"
  )
  precondition(interpolation != .cubic, "grids are sampled nearest or linearly")
  let sampler = GridSampler(
    inputShape: x.shape,
    outputSize: Array(grid.shape[1...axes]),
    nearest: interpolation == .nearest,
    border: padding == .border,
    alignCorners: alignCorners
  )
  return operation("grid-sample", on: [x, grid], shape: sampler.outputShape) { operands in
    let (x, grid) = (operands[0], operands[1])
    let points = grid.plain
    if Kernels.current.isReference {
      let reference = GridSamplingReference(sampler)
      let input = x.detached
      return reference.value(input, points).recorded(from: [x, grid]) { gradient in
        let back = reference.gradients(gradient, x: input, grid: points)
        return [back.x, back.grid]
      }
    }
    // Scattered reads want the channels of a cell side by side.
    let wantsBlocks = x.layout == .plain && x.shape[1] >= FastKernels.preferredLayout.block
    let input = wantsBlocks ? x.relaid(FastKernels.preferredLayout) : x.detached
    let (needsInput, needsGrid) = (x.isTracked, grid.isTracked)
    return sampler.value(input, points).recorded(from: [x, grid]) { gradient in
      let arriving = gradient.relaid(input.layout)
      return [
        needsInput ? sampler.inputGradient(arriving, points) : nil,
        needsGrid ? sampler.gridGradient(arriving, input, points) : nil,
      ]
    }
  }
}

/// One way to sample, and its fast path.
struct GridSampler: Sendable {
  let inputShape: [Int]
  let outputSize: [Int]
  let nearest: Bool
  let border: Bool
  let alignCorners: Bool

  var outputShape: [Int] { Array(inputShape.prefix(2)) + outputSize }

  private var points: Int { outputSize.reduce(1, *) }

  private func shape(lanes: Int) -> ck_grid {
    ck_grid(
      input: leadingOnes(Array(inputShape.dropFirst(2))),
      axes: Int64(outputSize.count),
      points: Int64(points),
      outer: Int64((inputShape[1] + lanes - 1) / lanes),
      lanes: Int64(lanes),
      aligns_corners: alignCorners ? 1 : 0,
      repeats_border: border ? 1 : 0,
      nearest: nearest ? 1 : 0
    )
  }

  private func empty(_ shape: [Int], _ layout: TensorLayout) -> Tensor {
    Tensor(
      shape: shape,
      layout: layout,
      storage: AlignedBuffer(uninitializedCount: Tensor.storageCount(shape, layout))
    )
  }

  /// Corners of a point's cell.
  private var corners: Int { nearest ? 1 : 1 << outputSize.count }

  func value(_ x: Tensor, _ grid: Tensor) -> Tensor {
    let result = empty(outputShape, x.layout)
    let shape = shape(lanes: x.lanes)
    let (source, places, target) = (x.storage, grid.storage, result.storage)
    EngineThreads.forEachRange(
      inputShape[0] * points,
      itemCost: 16 + corners * inputShape[1]
    ) { range in
      var shape = shape
      ck_grid_sample(
        source.pointer,
        places.pointer,
        target.pointer,
        &shape,
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return result
  }

  func inputGradient(_ gradient: Tensor, _ grid: Tensor) -> Tensor {
    let result = empty(inputShape, gradient.layout)
    let shape = shape(lanes: gradient.lanes)
    let (arriving, places, target) = (gradient.storage, grid.storage, result.storage)
    EngineThreads.forEachRange(
      inputShape[0] * Int(shape.outer),
      itemCost: points * (16 + corners * gradient.lanes)
    ) { range in
      var shape = shape
      ck_grid_sample_input_gradient(
        arriving.pointer,
        places.pointer,
        target.pointer,
        &shape,
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return result
  }

  func gridGradient(_ gradient: Tensor, _ x: Tensor, _ grid: Tensor) -> Tensor {
    let result = grid.emptyLike()
    let shape = shape(lanes: x.lanes)
    let (source, places) = (x.storage, grid.storage)
    let (arriving, target) = (gradient.storage, result.storage)
    EngineThreads.forEachRange(
      inputShape[0] * points,
      itemCost: 16 + corners * inputShape[1]
    ) { range in
      var shape = shape
      ck_grid_sample_grid_gradient(
        source.pointer,
        places.pointer,
        arriving.pointer,
        target.pointer,
        &shape,
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return result
  }
}
