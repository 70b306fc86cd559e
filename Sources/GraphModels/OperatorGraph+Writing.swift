import Foundation

extension OperatorGraph {
  /// The bytes of an ONNX file; the same graph gives the same bytes.
  /// - Returns: The file.
  /// - Throws: `GraphModelsError.notExportable` when it would be larger than the format allows.
  public func encoded() throws -> Data {
    var writer = ProtobufWriter()
    writer.integer(1, formatVersion)
    writer.text(2, producer.name)
    writer.text(3, producer.version)
    writer.text(6, documentation)
    writer.message(7) { write(to: &$0) }
    writer.message(8) { $0.integer(2, opset) }
    for (domain, version) in otherOpsets.sorted(by: { $0.key < $1.key }) {
      writer.message(8) { set in
        set.text(1, domain)
        set.integer(2, version)
      }
    }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      writer.message(14) { entry in
        entry.text(1, key)
        entry.text(2, value)
      }
    }
    guard writer.data.count <= Int(Int32.max) else {
      throw GraphModelsError.notExportable(
        operation: name,
        reason: "the file would have \(writer.data.count) bytes, and 2 GiB are allowed"
      )
    }
    return writer.data
  }

  private func write(to writer: inout ProtobufWriter) {
    for node in nodes { writer.message(1) { node.write(to: &$0) } }
    writer.text(2, name)
    for (name, tensor) in constants.sorted(by: { $0.key < $1.key }) {
      writer.message(5) { tensor.write(to: &$0, name: name) }
    }
    for value in inputs { writer.message(11) { value.write(to: &$0) } }
    for value in outputs { writer.message(12) { value.write(to: &$0) } }
  }
}

extension OperatorGraph.Node {
  fileprivate func write(to writer: inout ProtobufWriter) {
    for input in inputs { writer.element(1, input) }
    for output in outputs { writer.element(2, output) }
    writer.text(3, name)
    writer.text(4, operatorName)
    for (name, attribute) in attributes.sorted(by: { $0.key < $1.key }) {
      writer.message(5) { attribute.write(to: &$0, name: name) }
    }
    writer.text(7, domain)
  }
}

extension OperatorGraph.Attribute {
  fileprivate func write(to writer: inout ProtobufWriter, name: String) {
    writer.text(1, name)
    let kind: Int
    switch self {
    case .number(let value):
      writer.number(2, value)
      kind = 1
    case .integer(let value):
      writer.integer(3, value)
      kind = 2
    case .text(let value):
      writer.element(4, value)
      kind = 3
    case .tensor(let value):
      writer.message(5) { value.write(to: &$0, name: "") }
      kind = 4
    case .graph(let value):
      writer.message(6) { value.write(to: &$0) }
      kind = 5
    case .numbers(let values):
      writer.numbers(7, values)
      kind = 6
    case .integers(let values):
      writer.integers(8, values)
      kind = 7
    case .texts(let values):
      for value in values { writer.element(9, value) }
      kind = 8
    case .other(let value): kind = value
    }
    writer.integer(20, kind)
  }
}

extension OperatorGraph.Value {
  fileprivate func write(to writer: inout ProtobufWriter) {
    writer.text(1, name)
    writer.message(2) { type in
      type.message(1) { tensor in
        tensor.integer(1, self.type.rawValue)
        guard let dimensions else { return }
        tensor.message(2) { shape in
          for dimension in dimensions {
            shape.message(1) { size in
              switch dimension {
              case .fixed(let count): size.integer(1, count)
              case .free(let name): size.text(2, name)
              }
            }
          }
        }
      }
    }
  }
}

extension StoredTensor {
  fileprivate func write(to writer: inout ProtobufWriter, name: String) {
    writer.integers(1, shape)
    writer.integer(2, type.rawValue)
    writer.text(8, name)
    writer.bytes(9, bytes)
  }
}
