import Support
import Tensors

/// A value of a graph while it runs: numbers of the engine, whole numbers that are known, or a sequence.
///
/// Sizes, axes and indices are computed with whole numbers, exactly, while a network is traced; what
/// depends on the values of the input is a tensor, whole numbers too (exact up to 2²⁴).
public struct GraphValue: Sendable {
  enum Content: Sendable {
    case numbers(Tensor)
    case integers(IndexTensor)
    case sequence([GraphValue])
  }

  /// The type of the numbers, as the graph sees it.
  public let type: GraphNumberType
  let content: Content

  /// Creates a value of numbers.
  /// - Parameter tensor: The numbers.
  public init(_ tensor: Tensor) { self.init(.float32, tensor) }

  /// Creates a value of whole numbers.
  /// - Parameters:
  ///   - integers: The numbers.
  ///   - type: Their type; one without fractions.
  public init(_ integers: IndexTensor, type: GraphNumberType = .int64) {
    self.type = type
    content = .integers(integers)
  }

  /// Creates a value of a stored tensor.
  /// - Parameter stored: The tensor.
  public init(_ stored: StoredTensor) {
    type = stored.type
    content =
      stored.type.isFloating
      ? .numbers(stored.tensor) : .integers(IndexTensor(stored.integers, shape: stored.shape))
  }

  /// Numbers of a type; whole ones that are known are kept as such.
  init(_ type: GraphNumberType, _ tensor: Tensor) {
    self.type = type
    if type.isFloating || tensor.symbol != nil {
      content = .numbers(tensor)
    } else {
      content = .integers(
        IndexTensor(
          tensor.values.map { type.wrapped(Int(exactly: $0.rounded(.towardZero)) ?? 0) },
          shape: tensor.shape
        )
      )
    }
  }

  /// Whole numbers of a type.
  init(_ type: GraphNumberType, _ integers: [Int], _ shape: [Int]) {
    self.type = type
    content = .integers(IndexTensor(integers, shape: shape))
  }

  /// A sequence of tensors; only operators that take sequences ever see one.
  init(sequence: [GraphValue], _ type: GraphNumberType) {
    self.type = type
    content = .sequence(sequence)
  }

  /// The size of each dimension; the length of a sequence.
  public var shape: [Int] {
    switch content {
    case .numbers(let tensor): tensor.shape
    case .integers(let integers): integers.shape
    case .sequence(let items): [items.count]
    }
  }

  /// The numbers in single precision; none for a sequence.
  public var tensor: Tensor {
    switch content {
    case .numbers(let tensor): tensor
    case .sequence: Tensor([], shape: [0])
    case .integers(let integers):
      Tensor(integers.indices.map { Float($0) }, shape: integers.shape)
    }
  }

  /// The whole numbers; nil for fractions, and while they depend on a symbolic input.
  public var integers: IndexTensor? {
    if case .integers(let integers) = content { integers } else { nil }
  }

  /// The tensors of a sequence; nil for a tensor.
  var sequence: [GraphValue]? {
    if case .sequence(let items) = content { items } else { nil }
  }

  /// The number of dimensions.
  public var rank: Int { shape.count }
  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }
  var isSymbolic: Bool {
    if case .numbers(let tensor) = content { tensor.symbol != nil } else { false }
  }
}
