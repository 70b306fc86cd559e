import Support

/// NumPy's rules for operands of different shapes.
enum Broadcasting {
  /// The shape that all operands take: aligned at the last axis, an axis of 1 gives way.
  static func shape(_ shapes: [[Int]], for name: String) -> [Int] {
    let rank = shapes.map(\.count).max() ?? 0
    return (0..<rank).map { axis in
      var size = 1
      for shape in shapes {
        let own = axis - (rank - shape.count)
        guard own >= 0, shape[own] != 1 else { continue }
        precondition(
          size == 1 || size == shape[own],
          "\(name): the shapes \(shapes) cannot be broadcast together"
        )
        size = shape[own]
      }
      return size
    }
  }

  /// The steps of an operand along the axes of the result, 0 where it is repeated.
  static func steps(_ operand: [Int], in result: [Int]) -> [Int] {
    let own = rowMajorSteps(operand)
    let missing = result.count - operand.count
    return result.indices.map { axis in
      axis < missing || operand[axis - missing] == 1 ? 0 : own[axis - missing]
    }
  }

  /// The axes of the result that an operand of this shape was repeated along.
  static func repeatedAxes(_ operand: [Int], in result: [Int]) -> [Int] {
    let missing = result.count - operand.count
    return result.indices.filter { axis in
      axis < missing || (operand[axis - missing] == 1 && result[axis] != 1)
    }
  }
}

/// How the operands of an element-wise operation lie in memory, brought to one layout.
struct AlignedOperands {
  let operands: [Tensor]
  let layout: TensorLayout
  /// The loop over the stored values of the result.
  let nest: LoopNest

  /// - Parameters:
  ///   - tensors: Detached operands.
  ///   - shape: The result's shape.
  ///   - keepsZero: Whether the operation makes 0 of the zeros in the padding lanes.
  init(_ tensors: [Tensor], shape: [Int], keepsZero: Bool) {
    let offered = tensors.first { $0.layout != .plain && $0.shape == shape }?.layout ?? .plain
    layout = Self.fits(offered, tensors, shape, keepsZero) ? offered : .plain
    let (result, wanted) = (Self.storageShape(shape, layout), layout)
    operands = tensors.map { $0.rank == shape.count ? $0.relaid(wanted) : $0.plain }
    nest = LoopNest(
      shape: result,
      steps: operands.map {
        Broadcasting.steps(Self.storageShape($0.shape, $0.layout), in: result)
      }
    )
  }

  /// Blocks can stay when all operands have all channels, or one value.
  private static func fits(
    _ layout: TensorLayout,
    _ tensors: [Tensor],
    _ shape: [Int],
    _ keepsZero: Bool
  ) -> Bool {
    guard case .blocked(let block) = layout else { return false }
    return (keepsZero || shape[1] % block == 0)
      && tensors.allSatisfy {
        ($0.rank == shape.count && $0.shape[1] == shape[1]) || ($0.count == 1 && $0.rank == 0)
      }
  }

  private static func storageShape(_ shape: [Int], _ layout: TensorLayout) -> [Int] {
    guard case .blocked(let block) = layout else { return shape }
    return [shape[0], (shape[1] + block - 1) / block] + shape.dropFirst(2) + [block]
  }
}
