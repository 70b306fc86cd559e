import Foundation
import Support
import Tensors

/// A network of ncnn as its two files have it: layers as lines of text (`.param`), weights as bytes (`.bin`).
///
/// After ncnn's own description of the formats ("param and model file structure"). Weights are in single or
/// half precision; files of 8-bit integers are refused. `OperatorGraph.init(ncnn:)` makes a graph of it.
public struct NCNNModel: Sendable {
  /// A layer.
  struct Layer: Sendable {
    let kind: String
    let name: String
    let inputs: [String]
    let outputs: [String]
    /// Numbers by key; a list has one key.
    let values: [Int: [Double]]
    /// What the second file holds for it, in order.
    var weights: [StoredTensor] = []

    func number(_ key: Int, _ standard: Double = 0) -> Double { values[key]?.first ?? standard }

    func integer(_ key: Int, _ standard: Int = 0) -> Int {
      values[key]?.first.flatMap { Int(exactly: $0.rounded(.towardZero)) } ?? standard
    }
  }

  let layers: [Layer]
  /// The text file, for messages.
  public let path: String

  private static let magic = "7767517"
  /// Texts longer than this are none of a network.
  private static let maximumTextBytes = 16 << 20
  /// More layers than this are none of a network.
  private static let maximumLayers = 100_000
  private static let halfPrecision: UInt32 = 0x0130_6B47
  private static let eightBits: UInt32 = 0x000D_4B38
  private static let singlePrecision: UInt32 = 0x0002_C056

  /// Reads a network.
  /// - Parameters:
  ///   - path: The text file.
  ///   - weightsPath: The file of weights.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `GraphModelsError.damagedModel`,
  ///   `.unsupportedForm` for weights of 8-bit integers.
  public init(contentsOf path: String, weights weightsPath: String) throws {
    func damaged(_ reason: String) -> GraphModelsError { .damagedModel(path: path, reason: reason) }
    let text = try MappedFile.open(path)
    guard text.count <= Self.maximumTextBytes, let content = String(data: text, encoding: .utf8)
    else { throw damaged("it is no text of a reasonable length") }
    let lines = content.split(whereSeparator: \.isNewline)
      .map { $0.split(whereSeparator: \.isWhitespace) }.filter { !$0.isEmpty }
    guard lines.count > 2, lines[0] == [Self.magic[...]] else {
      throw damaged("it does not begin as a network of ncnn")
    }
    guard lines[1].count == 2, let count = Int(lines[1][0]), count == lines.count - 2,
      count <= Self.maximumLayers
    else { throw damaged("it has \(lines.count - 2) layers, not as many as it says") }
    var layers = try lines.dropFirst(2).map { parts in
      guard let layer = Self.layer(parts) else {
        throw damaged("a layer reads \(parts.joined(separator: " ").prefix(60))")
      }
      return layer
    }
    var reader = NCNNWeights(data: try MappedFile.open(weightsPath), path: weightsPath)
    for index in layers.indices { try layers[index].weights = reader.weights(of: layers[index]) }
    guard reader.isAtEnd else {
      throw GraphModelsError.damagedModel(
        path: weightsPath,
        reason: "it has more weights than the layers of \(path) take"
      )
    }
    self.layers = layers
    self.path = path
  }

  /// `kind name inputs outputs names… key=value…`; nil when it is no such line.
  private static func layer(_ parts: [Substring]) -> Layer? {
    guard parts.count >= 4, let inputs = Int(parts[2]), let outputs = Int(parts[3]), inputs >= 0,
      outputs >= 0, inputs < parts.count, outputs < parts.count,
      4 + inputs + outputs <= parts.count
    else { return nil }
    var values: [Int: [Double]] = [:]
    for part in parts.dropFirst(4 + inputs + outputs) {
      let sides = part.split(separator: "=", maxSplits: 1)
      guard sides.count == 2, let key = Int(sides[0]) else { return nil }
      let texts = sides[1].split(separator: ",")
      let numbers = texts.compactMap { Double($0) }
      guard numbers.count == texts.count else {
        // A text, which no layer of a graph needs.
        continue
      }
      // Lists have the keys −23300, −23301 and so on, and begin with their length.
      if key <= -23300 {
        guard let count = numbers.first, Int(exactly: count) == numbers.count - 1 else {
          return nil
        }
        values[-23300 - key] = Array(numbers.dropFirst())
      } else {
        values[key] = numbers
      }
    }
    return Layer(
      kind: String(parts[0]),
      name: String(parts[1]),
      inputs: parts[4..<4 + inputs].map(String.init),
      outputs: parts[4 + inputs..<4 + inputs + outputs].map(String.init),
      values: values
    )
  }

  /// Reads weights in the order of the layers.
  private struct NCNNWeights {
    let data: Data
    let path: String
    private var place = 0

    init(data: Data, path: String) {
      self.data = data
      self.path = path
    }

    var isAtEnd: Bool { place == data.count }

    private func damaged(_ reason: String) -> GraphModelsError {
      .damagedModel(path: path, reason: reason)
    }

    private mutating func bytes(_ count: Int) throws -> Data {
      guard count >= 0, count <= data.count - place else { throw damaged("it ends too early") }
      let start = data.startIndex + place
      place += count
      return data[start..<start + count]
    }

    private mutating func tensor(
      _ count: Int,
      _ shape: [Int],
      _ type: GraphNumberType
    ) throws -> StoredTensor {
      guard count > 0, count <= 1 << 31, StoredTensor.count(shape) == count else {
        throw damaged("\(count) weights of the shape \(shape)")
      }
      let content = try bytes(count * type.size)
      // What follows begins at a multiple of four.
      _ = try bytes((4 - count * type.size % 4) % 4)
      do {
        return try StoredTensor(type: type, shape: shape, bytes: content)
      } catch let fault as ProtobufFault {
        throw damaged(fault.reason)
      }
    }

    /// Weights whose first four bytes tell their type.
    private mutating func flagged(_ count: Int, _ shape: [Int], _ layer: Layer) throws
      -> StoredTensor
    {
      let flag = try bytes(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      switch flag {
      case NCNNModel.halfPrecision: return try tensor(count, shape, .float16)
      case NCNNModel.singlePrecision, 0: return try tensor(count, shape, .float32)
      case NCNNModel.eightBits:
        throw GraphModelsError.unsupportedForm(
          operator: layer.kind,
          node: layer.name,
          reason: "its weights are 8-bit integers"
        )
      default:
        throw GraphModelsError.unsupportedForm(
          operator: layer.kind,
          node: layer.name,
          reason: "its weights are of a table, or the two files do not belong together"
        )
      }
    }

    mutating func weights(of layer: Layer) throws -> [StoredTensor] {
      switch layer.kind {
      case "Convolution", "ConvolutionDepthWise", "Deconvolution", "DeconvolutionDepthWise":
        let outputs = layer.integer(0)
        let width = layer.integer(1)
        let height = layer.integer(11, width)
        let groups = layer.kind.hasSuffix("DepthWise") ? layer.integer(7, 1) : 1
        let count = layer.integer(6)
        guard (1...1 << 20).contains(outputs), (1...1024).contains(width),
          (1...1024).contains(height), groups > 0, outputs % groups == 0,
          count > 0, count % (outputs * width * height) == 0
        else { throw damaged("the layer \(layer.name) has an impossible shape") }
        guard layer.integer(8) == 0 else {
          throw GraphModelsError.unsupportedForm(
            operator: layer.kind,
            node: layer.name,
            reason: "it computes with 8-bit integers"
          )
        }
        let inputs = count / (outputs * width * height)
        var found = [try flagged(count, [outputs, inputs, height, width], layer)]
        if layer.integer(5) != 0 { found.append(try tensor(outputs, [outputs], .float32)) }
        return found
      case "PReLU":
        let count = layer.integer(0)
        return [try tensor(count, count == 1 ? [1] : [count, 1, 1], .float32)]
      case "BatchNorm":
        let count = layer.integer(0)
        return try (0..<4).map { _ in try tensor(count, [count], .float32) }
      case "InstanceNorm":
        let count = layer.integer(0)
        return layer.integer(2, 1) == 0
          ? [] : try (0..<2).map { _ in try tensor(count, [count], .float32) }
      case "Scale":
        let count = layer.integer(0)
        guard count > 0 else {
          throw GraphModelsError.unsupportedForm(
            operator: layer.kind,
            node: layer.name,
            reason: "its scale comes from another layer"
          )
        }
        return try (0..<(layer.integer(1) == 0 ? 1 : 2)).map { _ in
          try tensor(count, [count, 1, 1], .float32)
        }
      default: return []
      }
    }
  }
}
