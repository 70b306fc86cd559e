import Support

/// An n-dimensional array of numbers in single precision or bfloat16, with value semantics.
///
/// Images and feature maps have the shape `[N, C, H, W]` or `[N, C, D, H, W]`. A tensor may lie in
/// memory in a blocked layout; whoever reads `values` sees row-major order all the same. A tensor
/// that came from tracked operands remembers how, so that `gradients(of:)` can go back.
///
/// While a network is traced into a plan (`InferencePlan`), tensors that depend on its input are
/// symbolic: they have a shape and no values.
public struct Tensor: Sendable {
  /// The size of each dimension.
  public let shape: [Int]
  /// How the values lie in `storage`.
  package let layout: TensorLayout
  /// The values in single precision; empty when the tensor is symbolic or in bfloat16.
  ///
  /// Shared between copies, never written once shared.
  package let storage: AlignedBuffer<Float>
  /// The values in bfloat16, each the upper half of a single-precision number; nil in single precision.
  package let halfStorage: AlignedBuffer<UInt16>?
  /// The value of a trace that the tensor stands for; nil for a tensor with values.
  package let symbol: SymbolicValue?
  /// How the tensor came about, when gradients are wanted.
  package let node: GradientNode?

  /// A tensor in bfloat16.
  package init(
    shape: [Int],
    layout: TensorLayout = .plain,
    halfStorage: AlignedBuffer<UInt16>,
    node: GradientNode? = nil
  ) {
    precondition(
      halfStorage.count == Self.storageCount(shape, layout),
      "\(halfStorage.count) stored values for the shape \(shape) in layout \(layout)"
    )
    self.shape = shape
    self.layout = layout
    self.halfStorage = halfStorage
    self.node = node
    storage = AlignedBuffer(uninitializedCount: 0)
    symbol = nil
  }

  /// A tensor without values, which stands for a value of a trace.
  package init(shape: [Int], symbol: SymbolicValue) {
    self.shape = shape
    self.symbol = symbol
    layout = .plain
    halfStorage = nil
    node = nil
    storage = AlignedBuffer(uninitializedCount: 0)
  }

  package init(
    shape: [Int],
    layout: TensorLayout = .plain,
    storage: AlignedBuffer<Float>,
    node: GradientNode? = nil
  ) {
    precondition(
      storage.count == Self.storageCount(shape, layout),
      "\(storage.count) stored values for the shape \(shape) in layout \(layout)"
    )
    self.shape = shape
    self.layout = layout
    self.storage = storage
    self.node = node
    halfStorage = nil
    symbol = nil
  }

  /// Creates a tensor of values in row-major order.
  /// - Parameters:
  ///   - values: The values, the last index fastest.
  ///   - shape: The size of each dimension.
  /// - Precondition: As many values as the shape has elements.
  public init(_ values: [Float], shape: [Int]) {
    let count = shape.reduce(1, *)
    precondition(values.count == count, "\(values.count) values for the shape \(shape)")
    let storage = AlignedBuffer<Float>(uninitializedCount: count)
    values.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { storage.pointer.update(from: base, count: count) }
    }
    self.init(shape: shape, storage: storage)
  }

  /// Creates a tensor of equal values.
  /// - Parameters:
  ///   - value: The value of every element.
  ///   - shape: The size of each dimension.
  public init(repeating value: Float, shape: [Int]) {
    self.init(
      shape: shape,
      storage: AlignedBuffer(repeating: value, count: shape.reduce(1, *))
    )
  }

  /// The type of the numbers.
  public var elementType: ElementType { halfStorage == nil ? .float32 : .bfloat16 }

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }

  /// The number of dimensions.
  public var rank: Int { shape.count }

  /// The values in row-major order, copied.
  public var values: [Float] { single.plain.withElements { Array($0) } }

  /// Hands out the stored values, in the order of the layout, for as long as the body runs.
  ///
  /// `storage.elements` of a temporary would be read after the temporary is gone.
  /// - Precondition: The tensor is in single precision and not symbolic.
  package func withElements<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    requireValues()
    return try withExtendedLifetime(storage) { try body(storage.elements) }
  }

  /// The only value of a tensor of one element.
  /// - Precondition: The tensor has one element.
  public var scalar: Float {
    precondition(count == 1, "the shape \(shape) is not one value")
    return single.withElements { $0[0] }
  }

  /// The same values without a past.
  public var detached: Tensor {
    if symbol != nil { return self }
    if let halfStorage { return Tensor(shape: shape, layout: layout, halfStorage: halfStorage) }
    return Tensor(shape: shape, layout: layout, storage: storage)
  }

  /// Traps when the values cannot be read as single-precision numbers.
  private func requireValues() {
    precondition(
      symbol == nil,
      "a value of the shape \(shape) was read while a plan was traced; run the operation by operation(_:on:shape:_:)"
    )
    precondition(halfStorage == nil, "bfloat16 values of \(shape) were read as single precision")
  }

  /// Whether gradients can go back through the tensor.
  public var isTracked: Bool { node != nil }

  /// The product of the spatial dimensions of `[N, C, spatial…]`.
  package var spatialCount: Int { shape.dropFirst(2).reduce(1, *) }

  package static func storageCount(_ shape: [Int], _ layout: TensorLayout) -> Int {
    guard case .blocked(let block) = layout else { return shape.reduce(1, *) }
    precondition(shape.count >= 3, "only [N, C, spatial…] can be blocked, not \(shape)")
    let blocks = (shape[1] + block - 1) / block
    return shape[0] * blocks * block * shape.dropFirst(2).reduce(1, *)
  }

  /// The view of the kernels: outer x spatial x lanes (see CKernels.h).
  package var lanes: Int { max(1, layout.block) }

  /// Outer count of the kernels' view of `[N, C, spatial…]`.
  package var outerCount: Int {
    (halfStorage?.count ?? storage.count) / max(1, spatialCount * lanes)
  }

  /// A fresh tensor of the same shape and layout, values arbitrary.
  package func emptyLike() -> Tensor {
    Tensor(
      shape: shape,
      layout: layout,
      storage: AlignedBuffer(uninitializedCount: storage.count)
    )
  }

  /// The values in row-major storage, without a past; copies only a blocked tensor.
  package var plain: Tensor { relaid(.plain) }

  /// The values in another layout, without a past.
  package func relaid(_ wanted: TensorLayout) -> Tensor {
    if layout == wanted || symbol != nil { return detached }
    if elementType == .bfloat16 { return single.relaid(wanted).rounded }
    switch (layout, wanted) {
    case (.plain, .blocked(let block)): return Relayout.toBlocked(self, block: block)
    case (.blocked, .plain): return Relayout.toPlain(self)
    default: return Relayout.toPlain(self).relaid(wanted)
    }
  }

  /// The tensor with another shape of as many elements.
  /// - Parameter newShape: The shape.
  /// - Returns: The same values in row-major order.
  public func reshaped(_ newShape: [Int]) -> Tensor {
    precondition(
      newShape.reduce(1, *) == count,
      "\(shape) cannot be reshaped to \(newShape)"
    )
    return operation("reshape", on: [self], shape: newShape) { operands in
      let x = operands[0]
      let result = Tensor(shape: newShape, storage: x.plain.storage)
      let oldShape = x.shape
      return result.recorded(from: [x]) { gradient in [gradient.reshaped(oldShape)] }
    }
  }
}
