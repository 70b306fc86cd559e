import Support

/// Loops over stored values, specialised for each function.
enum ElementLoops {
  /// y = f(x); keeps the layout unless padding lanes would not stay 0.
  static func map<Function: UnaryFunction>(_ x: Tensor, _ function: Function) -> Tensor {
    let source = fillsItsLayout(x) || function.value(0) == 0 ? x.detached : x.plain
    let result = source.emptyLike()
    let (from, to) = (source.storage, result.storage)
    EngineThreads.forEachRange(to.count, itemCost: 4) { range in
      let (x, y) = (from.pointer, to.pointer)
      for place in range { y[place] = function.value(x[place]) }
    }
    return result
  }

  /// dL/dx of y = f(x).
  static func gradient<Function: UnaryFunction>(
    _ gradient: Tensor,
    x: Tensor,
    y: Tensor,
    _ function: Function
  ) -> Tensor {
    // Padding lanes may hold what they will in the operands, not in the result.
    let layout = fillsItsLayout(y) ? y.layout : .plain
    let operands = [gradient.relaid(layout), x.relaid(layout), y.relaid(layout)]
    let result = operands[1].emptyLike()
    let (gs, xs, ys) = (operands[0].storage, operands[1].storage, operands[2].storage)
    let to = result.storage
    EngineThreads.forEachRange(to.count, itemCost: 4) { range in
      let (g, x, y, dx) = (gs.pointer, xs.pointer, ys.pointer, to.pointer)
      for place in range { dx[place] = function.gradient(g[place], x[place], y[place]) }
    }
    return result
  }

  /// y = f(a, b), broadcast.
  static func map<Function: BinaryFunction>(
    _ a: Tensor,
    _ b: Tensor,
    shape: [Int],
    _ function: Function.Type
  ) -> Tensor {
    let aligned = AlignedOperands([a, b], shape: shape, keepsZero: keepsZero(a, b, function))
    let result = empty(shape, aligned.layout)
    let (left, right, to) =
      (aligned.operands[0].storage, aligned.operands[1].storage, result.storage)
    let steps = aligned.nest.innerSteps
    aligned.nest.run { place, offsets, count in
      let (a, b) = (left.pointer + offsets[0], right.pointer + offsets[1])
      let y = to.pointer + place
      switch (steps[0], steps[1]) {
      case (1, 1): for i in 0..<count { y[i] = Function.value(a[i], b[i]) }
      case (1, 0):
        let second = b[0]
        for i in 0..<count { y[i] = Function.value(a[i], second) }
      case (0, 1):
        let first = a[0]
        for i in 0..<count { y[i] = Function.value(first, b[i]) }
      default:
        for i in 0..<count { y[i] = Function.value(a[i * steps[0]], b[i * steps[1]]) }
      }
    }
    return result
  }

  /// g · ∂f/∂a or g · ∂f/∂b, of the broadcast shape.
  static func gradient<Function: BinaryFunction>(
    _ gradient: Tensor,
    _ a: Tensor,
    _ b: Tensor,
    ofLeft: Bool,
    _ function: Function.Type
  ) -> Tensor {
    let shape = gradient.shape
    let aligned = AlignedOperands([gradient, a, b], shape: shape, keepsZero: false)
    let result = empty(shape, aligned.layout)
    let storages = aligned.operands.map(\.storage)
    let (gs, left, right, to) = (storages[0], storages[1], storages[2], result.storage)
    let steps = aligned.nest.innerSteps
    aligned.nest.run { place, offsets, count in
      let (g, a, b) =
        (gs.pointer + offsets[0], left.pointer + offsets[1], right.pointer + offsets[2])
      let y = to.pointer + place
      if ofLeft {
        for i in 0..<count {
          y[i] = Function.leftGradient(g[i * steps[0]], a[i * steps[1]], b[i * steps[2]])
        }
      } else {
        for i in 0..<count {
          y[i] = Function.rightGradient(g[i * steps[0]], a[i * steps[1]], b[i * steps[2]])
        }
      }
    }
    return result
  }

  /// Whether no lane of the layout is padding.
  static func fillsItsLayout(_ x: Tensor) -> Bool {
    guard case .blocked(let block) = x.layout else { return true }
    return x.shape[1] % block == 0
  }

  static func empty(_ shape: [Int], _ layout: TensorLayout = .plain) -> Tensor {
    Tensor(
      shape: shape,
      layout: layout,
      storage: AlignedBuffer(uninitializedCount: Tensor.storageCount(shape, layout))
    )
  }

  /// Whether the padding lanes stay 0: f(0, 0) = 0, with a lone number in its own place.
  private static func keepsZero<Function: BinaryFunction>(
    _ a: Tensor,
    _ b: Tensor,
    _ function: Function.Type
  ) -> Bool {
    func lane(_ x: Tensor) -> Float { x.rank == 0 ? x.scalar : 0 }
    return Function.value(lane(a), lane(b)) == 0
  }
}
