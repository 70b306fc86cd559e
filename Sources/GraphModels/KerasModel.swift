import Foundation
import Support
import Tensors

/// A model of Keras, sequential or functional: its layers, and its weights by name.
///
/// `init(layersModel:)` reads what TensorFlow.js keeps in a folder, `init(savedModel:)` HDF5 and Keras'
/// own format; `OperatorGraph.init(keras:)` makes a graph of it.
public struct KerasModel: Sendable {
  /// A layer.
  public struct Layer: Sendable {
    /// The layer's name.
    public let name: String
    /// Its class, such as "Conv2D".
    public let className: String
    /// Its arguments.
    let values: KerasValues
    /// The layers that feed it, in order.
    public let feeders: [String]
  }

  /// The layers, each after those that feed it.
  public let layers: [Layer]
  /// The names of the layers whose results come out.
  public let outputs: [String]
  /// Weights by "layer/weight", in Keras' order of axes.
  public let weights: [String: Tensor]
  /// Where the model came from, for messages.
  public let path: String

  /// A model of a description in JSON and weights, which may get their names with the layers known.
  init(
    description: Data,
    weights: [String: Tensor],
    path: String,
    naming: ([Layer], [String: Tensor]) -> [String: Tensor] = { $1 }
  ) throws {
    func damaged(_ reason: String) -> GraphModelsError {
      .damagedModel(path: path, reason: reason)
    }
    guard let model = try? JSONDecoder().decode(KerasValues.self, from: description) else {
      throw damaged("its description is not JSON")
    }
    self.path = path
    (layers, outputs) = try Self.layers(of: model, damaged)
    self.weights = naming(layers, weights)
  }

  /// The largest description and the largest file of weights that are believed.
  private static let maximumBytes = (description: 64 << 20, weights: 4 << 30)

  /// Reads a layers model of TensorFlow.js.
  /// - Parameter path: Its `model.json`; the files of weights lie beside it.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `GraphModelsError.damagedModel` when the
  ///   description is no layers model, or weights do not fill it.
  public init(layersModel path: String) throws {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    func damaged(_ reason: String) -> GraphModelsError {
      .damagedModel(path: path, reason: reason)
    }
    let data = try Self.contents(path, limit: Self.maximumBytes.description)
    guard let file = try? JSONDecoder().decode(KerasValues.self, from: data),
      let model = file["modelTopology"]?["model_config"] ?? file["modelTopology"],
      let manifest = file["weightsManifest"]?.items
    else { throw damaged("it is no layers model of TensorFlow.js") }
    (layers, outputs) = try Self.layers(of: model, damaged)
    let folder = (path as NSString).deletingLastPathComponent
    var weights: [String: Tensor] = [:]
    for group in manifest {
      let files = group["paths"]?.items?.compactMap(\.text) ?? []
      var bytes = Data()
      for file in files {
        guard !file.contains("/"), file != "..", !file.isEmpty else {
          throw damaged("it names the file \(file)")
        }
        var place = (folder as NSString).appendingPathComponent(file)
        // Some downloads have one file of this name, whatever the description says.
        if manifest.count == 1, files.count == 1, !FileManager.default.fileExists(atPath: place) {
          place = (folder as NSString).appendingPathComponent("model.bin")
        }
        bytes += try Self.contents(place, limit: Self.maximumBytes.weights)
      }
      try Self.read(group["weights"]?.items ?? [], bytes, into: &weights, damaged)
    }
    self.weights = weights
  }

  private static func contents(_ path: String, limit: Int) throws -> Data {
    let data = try MappedFile.open(path)
    guard data.count <= limit else {
      throw GraphModelsError.damagedModel(path: path, reason: "it is larger than \(limit) bytes")
    }
    return data
  }

  /// The tensors of one group of files, one after the other.
  private static func read(
    _ entries: [KerasValues],
    _ bytes: Data,
    into weights: inout [String: Tensor],
    _ damaged: (String) -> GraphModelsError
  ) throws {
    var offset = 0
    for entry in entries {
      guard let name = entry["name"]?.text, let shape = entry["shape"]?.integers else {
        throw damaged("a tensor has no name or shape")
      }
      guard entry["dtype"]?.text == "float32", entry["quantization"] == nil else {
        throw damaged("its tensor \(name) is quantised or not in single precision")
      }
      var count = 1
      for size in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: size)
        guard size >= 0, !overflow, product <= bytes.count / 4 else {
          throw damaged("its tensor \(name) of \(shape) needs more than the files hold")
        }
        count = product
      }
      guard offset + 4 * count <= bytes.count else {
        throw damaged("its tensor \(name) of \(shape) needs more than the files hold")
      }
      let start = offset
      let values = bytes.withUnsafeBytes { source in
        (0..<count).map {
          Float(
            bitPattern: UInt32(
              littleEndian: source.loadUnaligned(fromByteOffset: start + 4 * $0, as: UInt32.self)
            )
          )
        }
      }
      offset += 4 * count
      // "model/layer/weight:0" of nested names: the last two parts count.
      let parts = name.split(separator: "/").suffix(2).joined(separator: "/")
      let own = parts.split(separator: ":").first.map(String.init) ?? parts
      guard weights.updateValue(Tensor(values, shape: shape), forKey: own) == nil else {
        throw damaged("its tensor \(own) comes twice")
      }
    }
    guard offset == bytes.count else {
      throw damaged("\(bytes.count - offset) bytes of its weights belong to no tensor")
    }
  }

  /// The layers of a model's description, in the order of the description.
  private static func layers(
    of model: KerasValues,
    _ damaged: (String) -> GraphModelsError
  ) throws -> (layers: [Layer], outputs: [String]) {
    guard let kind = model["class_name"]?.text,
      let entries = model["config"]?["layers"]?.items ?? model["config"]?.items
    else { throw damaged("it describes no layers") }
    guard ["Sequential", "Functional", "Model"].contains(kind) else {
      throw damaged("it is a model of the class \(kind)")
    }
    var layers: [Layer] = []
    var known: Set<String> = []
    for entry in entries {
      guard let className = entry["class_name"]?.text, let values = entry["config"],
        let name = values["name"]?.text
      else { throw damaged("a layer has no class or no name") }
      var feeders: [String] = []
      if kind == "Sequential" {
        // The shape of the input may stand in the first layer itself.
        if layers.isEmpty, className != "InputLayer" {
          guard values["batch_input_shape"] != nil else {
            throw damaged("it does not tell the shape of its input")
          }
          layers.append(
            Layer(name: name + "_input", className: "InputLayer", values: values, feeders: [])
          )
        }
        feeders = layers.last.map { [$0.name] } ?? []
      } else {
        let nodes = entry["inbound_nodes"]?.items ?? []
        guard nodes.count <= 1 else { throw damaged("its layer \(name) is used more than once") }
        guard let links = nodes.first.map(Self.links) ?? [] else {
          throw damaged("its layer \(name) is fed by something unknown")
        }
        feeders = links
      }
      guard feeders.allSatisfy(known.contains) || kind == "Sequential" else {
        throw damaged("its layer \(name) stands before a layer that feeds it")
      }
      guard known.insert(name).inserted else { throw damaged("it has two layers \(name)") }
      layers.append(Layer(name: name, className: className, values: values, feeders: feeders))
    }
    guard let last = layers.last else { throw damaged("it has no layers") }
    // [[name, node, tensor], …], or one of them alone.
    let links = model["config"]?["output_layers"]?.items ?? []
    let outputs =
      links.first?.text.map { [$0] } ?? links.compactMap { $0.items?.first?.text }
    guard outputs.allSatisfy(known.contains) else { throw damaged("its outputs are no layers") }
    return (layers, outputs.isEmpty ? [last.name] : outputs)
  }

  /// The layers that a call of a layer names; nil when they are not first results of first calls.
  ///
  /// Keras 2 has a list of [name, node, tensor, arguments], Keras 3 a dictionary whose `args` are tensors
  /// or lists of them, each with `keras_history`.
  private static func links(_ call: KerasValues) -> [String]? {
    if let items = call.items {
      let names = items.compactMap { $0.items.flatMap(first) }
      return names.count == items.count ? names : nil
    }
    guard let arguments = call["args"]?.items else { return nil }
    let tensors = arguments.flatMap { $0.items ?? [$0] }
    let names = tensors.compactMap { $0["config"]?["keras_history"]?.items.flatMap(first) }
    return names.count == tensors.count ? names : nil
  }

  /// The layer of [name, 0, 0, …].
  private static func first(_ link: [KerasValues]) -> String? {
    guard link.count >= 3, link[1].integer == 0, link[2].integer == 0 else { return nil }
    return link[0].text
  }
}

/// A value of JSON.
enum KerasValues: Sendable, Decodable {
  case none
  case truth(Bool)
  case number(Double)
  case string(String)
  case list([KerasValues])
  case dictionary([String: KerasValues])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .none
    } else if let value = try? container.decode(Bool.self) {
      self = .truth(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([KerasValues].self) {
      self = .list(value)
    } else {
      self = .dictionary(try container.decode([String: KerasValues].self))
    }
  }

  /// The value of a key; nil for none and where there is no such key.
  subscript(_ key: String) -> KerasValues? {
    guard case .dictionary(let values) = self, let value = values[key] else { return nil }
    if case .none = value { return nil }
    return value
  }

  var text: String? { if case .string(let value) = self { value } else { nil } }
  var items: [KerasValues]? { if case .list(let value) = self { value } else { nil } }
  var truth: Bool? { if case .truth(let value) = self { value } else { nil } }
  var number: Double? { if case .number(let value) = self { value } else { nil } }
  var integer: Int? { number.flatMap { Int(exactly: $0) } }
  /// A list of whole numbers, or nil.
  var integers: [Int]? {
    guard let items else { return nil }
    let numbers = items.compactMap(\.integer)
    return numbers.count == items.count ? numbers : nil
  }
}
