import Support
import Tensors

/// A node with its operands while it runs.
struct NodeContext {
  let node: OperatorGraph.Node
  let opset: Int
  let operands: [GraphValue?]
  /// Runs a graph within a node with its inputs; it sees the values outside of it, too.
  let runGraph: (OperatorGraph, [GraphValue]) throws -> [GraphValue]

  /// The most numbers of one value: 8 GiB in single precision.
  static let maximumCount = 1 << 31

  // MARK: Errors

  func invalid(_ reason: String) -> GraphModelsError {
    .invalidNode(operator: node.operatorName, node: node.name, reason: reason)
  }

  func unsupported(_ reason: String) -> GraphModelsError {
    .unsupportedForm(operator: node.operatorName, node: node.name, reason: reason)
  }

  func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws {
    if !condition { throw invalid(reason()) }
  }

  // MARK: Operands

  func optional(_ index: Int) -> GraphValue? {
    index < operands.count ? operands[index] : nil
  }

  func operand(_ index: Int) throws -> GraphValue {
    guard let value = optional(index) else { throw invalid("operand \(index) is missing") }
    return value
  }

  func numbers(_ index: Int) throws -> Tensor { try operand(index).tensor }

  func optionalNumbers(_ index: Int) -> Tensor? { optional(index)?.tensor }

  /// Whole numbers that have to be known before the network runs.
  func integers(_ index: Int) throws -> [Int] {
    let value = try operand(index)
    guard let integers = value.integers?.indices else {
      throw unsupported("operand \(index) depends on the values of the input")
    }
    return integers
  }

  func optionalIntegers(_ index: Int) throws -> [Int]? {
    optional(index) == nil ? nil : try integers(index)
  }

  /// Numbers that have to be known before the network runs.
  func knownNumbers(_ index: Int) throws -> [Float] {
    let value = try operand(index)
    guard !value.isSymbolic else {
      throw unsupported("operand \(index) depends on the values of the input")
    }
    return value.tensor.values
  }

  // MARK: Attributes

  func integer(_ name: String, _ standard: Int) throws -> Int {
    guard let attribute = node.attributes[name] else { return standard }
    guard case .integer(let value) = attribute else {
      throw invalid("the attribute \(name) is no whole number")
    }
    return value
  }

  func flag(_ name: String, _ standard: Bool) throws -> Bool {
    try integer(name, standard ? 1 : 0) != 0
  }

  func number(_ name: String, _ standard: Float) throws -> Float {
    guard let attribute = node.attributes[name] else { return standard }
    guard case .number(let value) = attribute else {
      throw invalid("the attribute \(name) is no number")
    }
    return value
  }

  func text(_ name: String, _ standard: String) throws -> String {
    guard let attribute = node.attributes[name] else { return standard }
    guard case .text(let value) = attribute else {
      throw invalid("the attribute \(name) is no text")
    }
    return value
  }

  func integerList(_ name: String) throws -> [Int]? {
    guard let attribute = node.attributes[name] else { return nil }
    switch attribute {
    case .integers(let values): return values
    // An empty list has no kind in some old files.
    case .texts(let values) where values.isEmpty: return []
    default: throw invalid("the attribute \(name) is no list of whole numbers")
    }
  }

  func numberList(_ name: String) throws -> [Float]? {
    guard let attribute = node.attributes[name] else { return nil }
    guard case .numbers(let values) = attribute else {
      throw invalid("the attribute \(name) is no list of numbers")
    }
    return values
  }

  func textList(_ name: String) throws -> [String]? {
    guard let attribute = node.attributes[name] else { return nil }
    guard case .texts(let values) = attribute else {
      throw invalid("the attribute \(name) is no list of texts")
    }
    return values
  }

  // MARK: Shapes

  /// The place of an axis that may count from the back.
  func axis(_ axis: Int, rank: Int) throws -> Int {
    let place = axis < 0 ? axis + rank : axis
    guard (0..<rank).contains(place) else {
      throw invalid("there is no axis \(axis) among \(rank)")
    }
    return place
  }

  /// A shape whose size is believed.
  func bounded(_ shape: [Int]) throws -> [Int] {
    guard let count = StoredTensor.count(shape), count <= Self.maximumCount else {
      throw invalid("a value of the shape \(shape) is impossible or too large")
    }
    return shape
  }

  /// The shape that operands of these shapes take together, by NumPy's rules.
  func broadcast(_ shapes: [[Int]]) throws -> [Int] {
    let rank = shapes.map(\.count).max() ?? 0
    return try bounded(
      try (0..<rank).map { axis in
        var size = 1
        for shape in shapes {
          let own = axis - (rank - shape.count)
          guard own >= 0, shape[own] != 1 else { continue }
          guard size == 1 || size == shape[own] else {
            throw invalid("the shapes \(shapes) do not go together")
          }
          size = shape[own]
        }
        return size
      }
    )
  }

  /// Operands brought to one shape.
  func broadcasted(_ values: [GraphValue]) throws -> [GraphValue] {
    let shape = try broadcast(values.map(\.shape))
    return try values.map { value in
      value.shape == shape
        ? value : try rearranged([value]) { $0[0].broadcasted(to: shape) }
    }
  }

  /// Moves numbers without changing them; whole numbers stay exact.
  ///
  /// Whole numbers are moved as places, which stay exact in single precision below 2²⁴.
  func rearranged(
    _ values: [GraphValue],
    type: GraphNumberType? = nil,
    _ move: ([Tensor]) throws -> Tensor
  ) throws -> GraphValue {
    let type = type ?? values.first?.type ?? .float32
    let known = values.compactMap(\.integers)
    guard known.count == values.count else {
      return GraphValue(type, try move(values.map(\.tensor)))
    }
    var pool: [Int] = []
    var places: [Tensor] = []
    for value in known {
      places.append(
        Tensor(
          (0..<value.indices.count).map { Float(pool.count + $0) },
          shape: value.shape
        )
      )
      pool += value.indices
    }
    guard pool.count < 1 << 24 else {
      throw unsupported("\(pool.count) whole numbers are more than are moved at once")
    }
    let moved = try move(places)
    return GraphValue(type, moved.values.map { pool[Int($0)] }, moved.shape)
  }
}
