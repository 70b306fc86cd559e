import Foundation
import Support

/// A frozen graph of TensorFlow as its file has it: nodes with attributes, weights among them.
///
/// Field numbers are those of `graph.proto`, `node_def.proto`, `attr_value.proto` and `tensor.proto`.
/// Nothing of it is executed; `OperatorGraph.init(tensorFlow:…)` makes a graph of it.
public struct TensorFlowGraph: Sendable {
  /// An operation, a constant or a place where values come in.
  public struct Node: Sendable {
    /// The node's name.
    public let name: String
    /// The operation, such as "Conv2D".
    public let operation: String
    /// The names of its operands; the number of an output may follow after a colon.
    public let inputs: [String]
    let attributes: [String: Attribute]
  }

  /// A constant that shapes what an operation does.
  enum Attribute: Sendable {
    case text(String)
    case integer(Int)
    case number(Float)
    case truth(Bool)
    /// A type of numbers by TensorFlow's number.
    case type(Int)
    /// Sizes, −1 where they are free; nil when even their number is.
    case shape([Int]?)
    case tensor(StoredTensor)
    case integers([Int])
    /// A kind that is not looked at.
    case other
  }

  /// The nodes by name.
  public let nodes: [String: Node]
  /// Where the graph came from, for messages.
  public let path: String

  /// Reads a frozen graph (`.pb`).
  /// - Parameter path: The file.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `GraphModelsError.damagedModel`.
  public init(contentsOf path: String) throws {
    let data = try MappedFile.open(path)
    do {
      nodes = try TensorFlowParser(data: data).graph()
    } catch let fault as ProtobufFault {
      throw GraphModelsError.damagedModel(path: path, reason: fault.reason)
    }
    self.path = path
  }
}

/// Turns messages into nodes.
private struct TensorFlowParser {
  private let file: ProtobufFile
  private var data: Data { file.data }

  /// Dimensions of a tensor.
  private static let maximumRank = 16

  init(data: Data) { file = ProtobufFile(data) }

  func graph() throws -> [String: TensorFlowGraph.Node] {
    var nodes: [String: TensorFlowGraph.Node] = [:]
    try file.forEachField(file.all) { field in
      guard field.number == 1 else { return }
      let node = try self.node(try field.bytes())
      guard nodes.updateValue(node, forKey: node.name) == nil else {
        throw ProtobufFault(reason: "two nodes have the name \(node.name)")
      }
    }
    guard !nodes.isEmpty, nodes.values.contains(where: { $0.operation.hasPrefix("Placeholder") })
    else {
      throw ProtobufFault(reason: "it is no frozen graph of TensorFlow: it has no placeholder")
    }
    return nodes
  }

  private func node(_ range: Range<Int>) throws -> TensorFlowGraph.Node {
    var (name, operation) = ("", "")
    var inputs: [String] = []
    var attributes: [String: TensorFlowGraph.Attribute] = [:]
    try file.forEachField(range) { field in
      switch field.number {
      case 1: name = try field.text(in: data)
      case 2: operation = try field.text(in: data)
      case 3: inputs.append(try field.text(in: data))
      case 5:
        var key = ""
        var value: Range<Int>?
        try file.forEachField(try field.bytes()) { part in
          if part.number == 1 { key = try part.text(in: data) }
          if part.number == 2 { value = try part.bytes() }
        }
        if let value { attributes[key] = try attribute(value) }
      default: break
      }
    }
    guard !name.isEmpty, !operation.isEmpty else {
      throw ProtobufFault(reason: "a node has no name or no operation")
    }
    return TensorFlowGraph.Node(
      name: name,
      operation: operation,
      // "^name" says only that a node runs before.
      inputs: inputs.filter { !$0.hasPrefix("^") },
      attributes: attributes
    )
  }

  private func attribute(_ range: Range<Int>) throws -> TensorFlowGraph.Attribute {
    var result = TensorFlowGraph.Attribute.other
    try file.forEachField(range) { field in
      switch field.number {
      case 1:
        var integers: [Int] = []
        try file.forEachField(try field.bytes()) { part in
          if part.number == 3 { integers += try part.integers(in: data) }
        }
        result = .integers(integers)
      case 2:
        // Names of devices and serialised texts may be any bytes.
        result = .text(String(decoding: data[try field.bytes()].prefix(4096), as: UTF8.self))
      case 3: result = .integer(try field.integer())
      case 4: result = .number(try field.number32())
      case 5: result = .truth(try field.integer() != 0)
      case 6: result = .type(try field.integer())
      case 7: result = .shape(try shape(try field.bytes()))
      case 8: result = try tensor(try field.bytes()).map { .tensor($0) } ?? .other
      default: break
      }
    }
    return result
  }

  private func shape(_ range: Range<Int>) throws -> [Int]? {
    var sizes: [Int] = []
    var isUnknown = false
    try file.forEachField(range) { field in
      switch field.number {
      case 2:
        var size = 0
        try file.forEachField(try field.bytes()) { part in
          if part.number == 1 { size = try part.integer() }
        }
        sizes.append(size)
      case 3: isUnknown = try field.integer() != 0
      default: break
      }
    }
    guard sizes.count <= Self.maximumRank else {
      throw ProtobufFault(reason: "a tensor has \(sizes.count) dimensions")
    }
    return isUnknown ? nil : sizes
  }

  /// A tensor; nil where its numbers are none that are computed with.
  private func tensor(_ range: Range<Int>) throws -> StoredTensor? {
    var (kind, sizes) = (0, [Int]())
    var content: Data?
    var listed: [Int] = []
    var fixed: Data?
    func append(_ more: Data) { fixed = fixed.map { $0 + more } ?? more }
    try file.forEachField(range) { field in
      switch field.number {
      case 1: kind = try field.integer()
      case 2: sizes = try shape(try field.bytes()) ?? []
      case 4: content = data[try field.bytes()]
      case 5: append(try field.fixedBytes(size: 4, in: data))
      case 6: append(try field.fixedBytes(size: 8, in: data))
      case 7, 10, 11, 13: listed += try field.integers(in: data)
      default: break
      }
    }
    guard let type = Self.types[kind] else { return nil }
    guard let count = StoredTensor.count(sizes), count <= StoredTensor.maximumCount else {
      throw ProtobufFault(reason: "a constant has the impossible shape \(sizes)")
    }
    if let content { return try StoredTensor(type: type, shape: sizes, bytes: content) }
    var bytes = fixed ?? StoredTensor.encoded(listed: listed, as: type)
    // A list that ends early is filled up with its last number; an empty one with zeros.
    let size = type.size
    guard bytes.count <= count * size, count <= 1 << 24 || bytes.count == count * size else {
      throw ProtobufFault(reason: "a constant of the shape \(sizes) lists \(bytes.count) bytes")
    }
    let last = bytes.count >= size ? Data(bytes.suffix(size)) : Data(count: size)
    while bytes.count < count * size { bytes.append(last) }
    return try StoredTensor(type: type, shape: sizes, bytes: bytes)
  }

  /// TensorFlow's numbers of types (`types.proto`).
  private static let types: [Int: GraphNumberType] = [
    1: .float32, 2: .float64, 3: .int32, 4: .uint8, 5: .int16, 6: .int8, 9: .int64, 10: .bool,
    14: .bfloat16, 17: .uint16, 19: .float16, 22: .uint32, 23: .uint64,
  ]
}

extension TensorFlowGraph.Node {
  func text(_ key: String) -> String? {
    if case .text(let value) = attributes[key] { value } else { nil }
  }

  func integer(_ key: String) -> Int? {
    if case .integer(let value) = attributes[key] { value } else { nil }
  }

  func number(_ key: String) -> Float? {
    if case .number(let value) = attributes[key] { value } else { nil }
  }

  func truth(_ key: String) -> Bool? {
    if case .truth(let value) = attributes[key] { value } else { nil }
  }

  func integers(_ key: String) -> [Int]? {
    if case .integers(let value) = attributes[key] { value } else { nil }
  }

  /// The constant of a node of the operation "Const".
  var constant: StoredTensor? {
    if operation == "Const", case .tensor(let value) = attributes["value"] { value } else { nil }
  }

  /// The sizes that a placeholder has, −1 where they are free.
  var placeholderShape: [Int]? {
    if case .shape(let sizes) = attributes["shape"] { sizes } else { nil }
  }

  /// Whether the node's numbers are in single precision, as far as it says.
  var isFloat: Bool {
    if case .type(let type) = attributes["dtype"] ?? attributes["T"] { type == 1 } else { true }
  }
}
