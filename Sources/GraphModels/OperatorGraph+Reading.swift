import Foundation
import Support

extension OperatorGraph {
  /// Reads an ONNX file; weights stay in the mapped file until they are used.
  ///
  /// Field numbers are those of `onnx.proto`. Weights in files of their own are read from the model's
  /// folder and nowhere else.
  /// - Parameter path: The file.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `GraphModelsError.damagedModel` when it is no
  ///   such file or contradicts itself, `.unsupportedOpset` for operators of an unknown version,
  ///   `.unsupportedForm` for types that are not known.
  public init(contentsOf path: String) throws {
    try self.init(
      try MappedFile.open(path),
      path: path,
      folder: URL(fileURLWithPath: path).deletingLastPathComponent()
    )
  }

  /// Reads the bytes of an ONNX file.
  /// - Parameters:
  ///   - data: The file's bytes.
  ///   - path: Where they came from, for messages.
  ///   - folder: Where weights in files of their own lie; nil when there must be none.
  /// - Throws: As `init(contentsOf:)`.
  public init(_ data: Data, path: String, folder: URL? = nil) throws {
    let parser = ONNXParser(data: data, folder: folder)
    do {
      self = try parser.model()
    } catch let fault as ProtobufFault {
      throw GraphModelsError.damagedModel(path: path, reason: fault.reason)
    } catch GraphModelsError.unsupportedOpset(_, let domain, let version) {
      throw GraphModelsError.unsupportedOpset(path: path, domain: domain, version: version)
    }
  }
}

/// Turns messages into a graph.
///
/// A class, so that weights in files of their own are opened once.
private final class ONNXParser {
  private let file: ProtobufFile
  private var data: Data { file.data }
  private let folder: URL?
  private var externalFiles: [String: Data] = [:]

  /// Graphs inside of graphs.
  private static let maximumDepth = 8
  /// Dimensions of a tensor.
  private static let maximumRank = 16

  init(data: Data, folder: URL?) {
    file = ProtobufFile(data)
    self.folder = folder
  }

  func model() throws -> OperatorGraph {
    var graphs: [Range<Int>] = []
    var (formatVersion, producer, producerVersion, text) = (0, "", "", "")
    var opsets: [String: Int] = [:]
    var metadata: [String: String] = [:]
    try file.forEachField(file.all) { field in
      switch field.number {
      case 1: formatVersion = try field.integer()
      case 2: producer = try field.text(in: data)
      case 3: producerVersion = try field.text(in: data)
      case 6: text = try field.text(in: data)
      case 7: graphs.append(try field.bytes())
      case 8:
        var (domain, version) = ("", 0)
        try file.forEachField(try field.bytes()) { part in
          switch part.number {
          case 1: domain = try part.text(in: data)
          case 2: version = try part.integer()
          default: break
          }
        }
        opsets[domain == "ai.onnx" ? "" : domain] = version
      case 14:
        let pair = try entry(try field.bytes())
        metadata[pair.key] = pair.value
      default: break
      }
    }
    guard graphs.count == 1 else {
      throw ProtobufFault(reason: "it is no ONNX model: it holds \(graphs.count) graphs")
    }
    guard let opset = opsets.removeValue(forKey: "") else {
      if let (domain, version) = opsets.min(by: { $0.key < $1.key }) {
        throw GraphModelsError.unsupportedOpset(path: "", domain: domain, version: version)
      }
      throw ProtobufFault(reason: "it does not say which version of ONNX's operators it uses")
    }
    guard OperatorGraph.knownOpsets.contains(opset) else {
      throw GraphModelsError.unsupportedOpset(path: "", domain: "", version: opset)
    }
    var result = try graph(graphs[0], depth: 0)
    result.opset = opset
    result.otherOpsets = opsets
    result.formatVersion = formatVersion
    result.producer = (producer, producerVersion)
    result.documentation = text
    result.metadata = metadata
    return result
  }

  private func entry(_ range: Range<Int>) throws -> (key: String, value: String) {
    var result = (key: "", value: "")
    try file.forEachField(range) { part in
      switch part.number {
      case 1: result.key = try part.text(in: data)
      case 2: result.value = try part.text(in: data)
      default: break
      }
    }
    return result
  }

  private func graph(_ range: Range<Int>, depth: Int) throws -> OperatorGraph {
    guard depth < Self.maximumDepth else {
      throw ProtobufFault(reason: "graphs lie within graphs more than \(depth) deep")
    }
    var result = OperatorGraph(name: "")
    try file.forEachField(range) { field in
      switch field.number {
      case 1: result.nodes.append(try node(try field.bytes(), depth: depth))
      case 2: result.name = try field.text(in: data)
      case 5:
        let (name, tensor) = try tensor(try field.bytes())
        guard result.constants.updateValue(tensor, forKey: name) == nil else {
          throw ProtobufFault(reason: "the constant \(name) is there twice")
        }
      case 11: result.inputs.append(try declaration(try field.bytes(), depth: depth))
      case 12: result.outputs.append(try declaration(try field.bytes(), depth: depth))
      case 15:
        throw GraphModelsError.unsupportedForm(
          operator: "constant",
          node: result.name,
          reason: "sparse tensors are not known"
        )
      default: break
      }
    }
    // Before version 4 of the format constants had to be declared as inputs, too.
    let constants = result.constants
    result.inputs.removeAll { constants[$0.name] != nil }
    return result
  }

  private func node(_ range: Range<Int>, depth: Int) throws -> OperatorGraph.Node {
    var (name, operatorName, domain) = ("", "", "")
    var (inputs, outputs): ([String], [String]) = ([], [])
    var attributes: [String: OperatorGraph.Attribute] = [:]
    try file.forEachField(range) { field in
      switch field.number {
      case 1: inputs.append(try field.text(in: data))
      case 2: outputs.append(try field.text(in: data))
      case 3: name = try field.text(in: data)
      case 4: operatorName = try field.text(in: data)
      case 5:
        let (name, value) = try attribute(try field.bytes(), depth: depth)
        attributes[name] = value
      case 7: domain = try field.text(in: data)
      default: break
      }
    }
    return OperatorGraph.Node(
      operatorName,
      name: name,
      inputs: inputs,
      outputs: outputs,
      attributes: attributes,
      domain: domain == "ai.onnx" ? "" : domain
    )
  }

  private func attribute(
    _ range: Range<Int>,
    depth: Int
  ) throws -> (String, OperatorGraph.Attribute) {
    var (name, kind) = ("", 0)
    var number: Float?
    var integer: Int?
    var text: String?
    var single: OperatorGraph.Attribute?
    var numbers: [Float] = []
    var integers: [Int] = []
    var texts: [String] = []
    try file.forEachField(range) { field in
      switch field.number {
      case 1: name = try field.text(in: data)
      case 2: number = try field.number32()
      case 3: integer = try field.integer()
      case 4: text = try field.text(in: data)
      case 5: single = .tensor(try tensor(try field.bytes()).1)
      case 6: single = .graph(try graph(try field.bytes(), depth: depth + 1))
      case 7:
        let bytes = try field.fixedBytes(size: 4, in: data)
        numbers += bytes.withUnsafeBytes { raw in
          (0..<raw.count / 4).map { index in
            Float(
              bitPattern: UInt32(
                littleEndian: raw.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
              )
            )
          }
        }
      case 8: integers += try field.integers(in: data)
      case 9: texts.append(try field.text(in: data))
      case 20: kind = try field.integer()
      default: break
      }
    }
    if let single { return (name, single) }
    // Old writers leave the kind out.
    switch kind {
    case 1: return (name, .number(number ?? 0))
    case 2: return (name, .integer(integer ?? 0))
    case 3: return (name, .text(text ?? ""))
    case 6: return (name, .numbers(numbers))
    case 7: return (name, .integers(integers))
    case 8: return (name, .texts(texts))
    case 0:
      if let number { return (name, .number(number)) }
      if let integer { return (name, .integer(integer)) }
      if let text { return (name, .text(text)) }
      if !numbers.isEmpty { return (name, .numbers(numbers)) }
      if !integers.isEmpty { return (name, .integers(integers)) }
      return (name, .texts(texts))
    default: return (name, .other(kind: kind))
    }
  }

  // MARK: Declarations

  private func declaration(_ range: Range<Int>, depth: Int) throws -> OperatorGraph.Value {
    var name = ""
    var type: Range<Int>?
    try file.forEachField(range) { field in
      switch field.number {
      case 1: name = try field.text(in: data)
      case 2: type = try field.bytes()
      default: break
      }
    }
    guard let type else { return OperatorGraph.Value(name, dimensions: nil) }
    var element: Int?
    var dimensions: [OperatorGraph.Dimension]?
    var isSequence = false
    try file.forEachField(type) { field in
      if field.number == 4 { isSequence = true }
      guard field.number == 1 else { return }
      element = 0
      try file.forEachField(try field.bytes()) { part in
        switch part.number {
        case 1: element = try part.integer()
        case 2:
          var sizes: [OperatorGraph.Dimension] = []
          try file.forEachField(try part.bytes()) { dimension in
            if dimension.number == 1 { sizes.append(try self.dimension(try dimension.bytes())) }
          }
          dimensions = sizes
        default: break
        }
      }
    }
    // Sequences pass between nodes; what their tensors are is found when they are made.
    if isSequence, depth > 0 { return OperatorGraph.Value(name, dimensions: nil) }
    guard let element, let numbers = GraphNumberType(rawValue: element) else {
      throw GraphModelsError.unsupportedForm(
        operator: "input or output",
        node: name,
        reason: element.map { "its numbers have the type \($0) of ONNX" } ?? "it is no tensor"
      )
    }
    return OperatorGraph.Value(name, type: numbers, dimensions: dimensions)
  }

  private func dimension(_ range: Range<Int>) throws -> OperatorGraph.Dimension {
    var result = OperatorGraph.Dimension.free("")
    try file.forEachField(range) { field in
      switch field.number {
      case 1:
        let size = try field.integer()
        // Some writers store −1 or 0 for a size that is free.
        result = size > 0 ? .fixed(size) : .free("")
      case 2: result = .free(try field.text(in: data))
      default: break
      }
    }
    return result
  }

  // MARK: Tensors

  func tensor(_ range: Range<Int>) throws -> (String, StoredTensor) {
    var (name, shape, kind, isExternal) = ("", [Int](), 0, false)
    var bytes: Data?
    var listed: [Int] = []
    var place: [String: String] = [:]
    func append(_ more: Data) { bytes = bytes.map { $0 + more } ?? more }
    try file.forEachField(range) { field in
      switch field.number {
      case 1: shape += try field.integers(in: data)
      case 2: kind = try field.integer()
      case 4: append(try field.fixedBytes(size: 4, in: data))
      case 5, 7, 11: listed += try field.integers(in: data)
      case 8: name = try field.text(in: data)
      case 9: bytes = data[try field.bytes()]
      case 10: append(try field.fixedBytes(size: 8, in: data))
      case 13:
        let pair = try entry(try field.bytes())
        place[pair.key] = pair.value
      case 14: isExternal = try field.integer() == 1
      default: break
      }
    }
    guard let type = GraphNumberType(rawValue: kind), type != .text else {
      throw GraphModelsError.unsupportedForm(
        operator: "constant",
        node: name,
        reason: kind == 8 ? "it holds texts" : "its numbers have the type \(kind) of ONNX"
      )
    }
    guard shape.count <= Self.maximumRank, let count = StoredTensor.count(shape) else {
      throw ProtobufFault(reason: "the constant \(name) has an impossible shape")
    }
    let content: Data
    if isExternal {
      content = try external(place, name: name, count: count, type: type)
    } else if let bytes {
      content = bytes
    } else {
      // Half precision is listed as its bits.
      content = StoredTensor.encoded(listed: listed, as: type)
    }
    do {
      return (name, try StoredTensor(type: type, shape: shape, bytes: content))
    } catch let fault as ProtobufFault {
      throw ProtobufFault(reason: "the constant \(name) does not fit itself: \(fault.reason)")
    }
  }

  /// The bytes of a constant in a file of its own.
  private func external(
    _ place: [String: String],
    name: String,
    count: Int,
    type: GraphNumberType
  ) throws -> Data {
    func refused(_ reason: String) -> ProtobufFault {
      ProtobufFault(reason: "the constant \(name) lies in another file: \(reason)")
    }
    guard let folder, let location = place["location"] else { throw refused("there is none") }
    let file: Data
    if let known = externalFiles[location] {
      file = known
    } else {
      let root = folder.resolvingSymlinksInPath().standardizedFileURL.path
      let target = folder.appendingPathComponent(location).resolvingSymlinksInPath()
        .standardizedFileURL.path
      guard !location.hasPrefix("/"), !location.split(separator: "/").contains(".."),
        target.hasPrefix(root == "/" ? root : root + "/")
      else { throw refused("\(location) is outside of the model's folder") }
      do {
        file = try Data(contentsOf: URL(fileURLWithPath: target), options: .mappedIfSafe)
      } catch {
        throw refused("\(location) cannot be read: \(OutputGuard.reason(of: error))")
      }
      externalFiles[location] = file
    }
    let offset = Int(place["offset"] ?? "0") ?? -1
    let (wanted, overflow) = count.multipliedReportingOverflow(by: type.size)
    let length = place["length"].map { Int($0) ?? -1 } ?? wanted
    guard !overflow, length == wanted, offset >= 0, offset <= file.count,
      length <= file.count - offset
    else { throw refused("\(length) bytes at \(offset) of \(location) are not its \(wanted)") }
    return file[file.startIndex + offset..<file.startIndex + offset + length]
  }
}

extension StoredTensor {
  /// Reads a tensor that a file of its own holds, as test data of ONNX do.
  /// - Parameters:
  ///   - data: The file's bytes.
  ///   - path: Where they came from, for messages.
  /// - Throws: `GraphModelsError`.
  package init(file data: Data, path: String) throws {
    do {
      self = try ONNXParser(data: data, folder: nil).tensor(data.startIndex..<data.endIndex).1
    } catch let fault as ProtobufFault {
      throw GraphModelsError.damagedModel(path: path, reason: fault.reason)
    }
  }
}
