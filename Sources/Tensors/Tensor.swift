import Support

/// An n-dimensional array of single-precision numbers, with value semantics.
///
/// Images and feature maps have the shape `[N, C, H, W]` or `[N, C, D, H, W]`. A tensor may lie in
/// memory in a blocked layout; whoever reads `values` sees row-major order all the same. A tensor
/// that came from tracked operands remembers how, so that `gradients(of:)` can go back.
public struct Tensor: Sendable {
  /// The size of each dimension.
  public let shape: [Int]
  /// How the values lie in `storage`.
  package let layout: TensorLayout
  /// The values; shared between copies, never written once shared.
  package let storage: AlignedBuffer<Float>
  /// How the tensor came about, when gradients are wanted.
  package let node: GradientNode?

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

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }

  /// The number of dimensions.
  public var rank: Int { shape.count }

  /// The values in row-major order, copied.
  public var values: [Float] { plain.withElements { Array($0) } }

  /// Hands out the stored values, in the order of the layout, for as long as the body runs.
  ///
  /// `storage.elements` of a temporary would be read after the temporary is gone.
  package func withElements<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(storage) { try body(storage.elements) }
  }

  /// The only value of a tensor of one element.
  /// - Precondition: The tensor has one element.
  public var scalar: Float {
    precondition(count == 1, "the shape \(shape) is not one value")
    return withElements { $0[0] }
  }

  /// The same values without a past.
  public var detached: Tensor { Tensor(shape: shape, layout: layout, storage: storage) }

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
  package var outerCount: Int { storage.count / max(1, spatialCount * lanes) }

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
    if layout == wanted { return detached }
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
    let source = plain
    let result = Tensor(shape: newShape, storage: source.storage)
    let oldShape = shape
    return result.recorded(from: [self]) { gradient in [gradient.reshaped(oldShape)] }
  }
}
