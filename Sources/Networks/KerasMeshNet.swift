import Foundation
import Tensors

/// A MeshNet as a layers model of TensorFlow.js: a chain of convolutions and activations of Keras.
///
/// Maps are `[N, D, H, W, C]` there and windows `[d, h, w, I, O]`; axes keep their order.
struct KerasMeshNet {
  let configuration: MeshNetConfiguration
  private let path: String
  /// Names, shapes and our names of the stored tensors in the file's order.
  private let stored: [(name: String, shape: [Int], own: String)]
  private let files: [String]

  /// The largest shard that is believed.
  private static let maximumBytes = 1 << 30

  init(_ data: Data, path: String) throws {
    func unreadable(_ reason: String) -> NetworksError {
      .unreadableModel(path: path, reason: reason)
    }
    guard let file = try? JSONDecoder().decode(LayersModel.self, from: data) else {
      throw unreadable("it is neither a chain of layers nor a layers model of TensorFlow.js")
    }
    let chain = try Self.chain(file.modelTopology.modelConfig.config.layers, unreadable)
    var convolutions: [LayersModel.Layer] = []
    var activations: [String] = []
    for layer in chain {
      let values = layer.config
      switch layer.className {
      case "InputLayer", "Dropout", "SpatialDropout3D": continue
      case "Conv3D":
        let window = values.kernelSize ?? []
        guard values.strides == [1, 1, 1], values.padding == "same" || window == [1, 1, 1],
          values.dataFormat == "channels_last", (values.groups ?? 1) == 1, window.count == 3,
          Set(window).count == 1, Set(values.dilationRate ?? []).count == 1
        else { throw unreadable("its layer \(values.name) is no convolution of a MeshNet") }
        convolutions.append(layer)
        activations.append(values.activation ?? "linear")
      case "Activation":
        guard activations.last == "linear", let name = values.activation else {
          throw unreadable("its layer \(values.name) follows no convolution")
        }
        activations[activations.count - 1] = name
      default:
        throw unreadable("its layer \(values.name) is of the class \(layer.className)")
      }
    }
    guard convolutions.count >= 2, let last = convolutions.last?.config,
      last.kernelSize == [1, 1, 1], activations.last == "linear",
      Set(activations.dropLast()).count == 1, let activation = activations.first,
      let known = Self.activations[activation],
      Set(convolutions.dropLast().map { $0.config.kernelSize?.first ?? 0 }).count == 1
    else { throw unreadable("its layers are not those of a MeshNet (\(activations))") }

    let manifest = file.weightsManifest
    let weights = manifest.flatMap(\.weights)
    var stored: [(name: String, shape: [Int], own: String)] = []
    var inputs = 0
    for weight in weights {
      guard weight.dtype == "float32", weight.quantization == nil else {
        throw unreadable("its tensor \(weight.name) is quantised or not in single precision")
      }
      let parts = weight.name.split(separator: "/")
      guard parts.count >= 2,
        let index = convolutions.firstIndex(where: { $0.config.name == parts[parts.count - 2] }),
        let kind = ["kernel": "weight", "bias": "bias"][String(parts[parts.count - 1])]
      else { throw unreadable("its tensor \(weight.name) belongs to no convolution") }
      stored.append((weight.name, weight.shape, "layers.\(index).conv.\(kind)"))
      if index == 0, kind == "weight", weight.shape.count == 5 { inputs = weight.shape[3] }
    }
    let hidden = convolutions.dropLast().map(\.config)
    var configuration = MeshNetConfiguration(
      inputChannels: inputs,
      outputChannels: last.filters ?? 0,
      features: hidden.map { $0.filters ?? 0 },
      dilations: hidden.map { $0.dilationRate?.first ?? 0 }
    )
    configuration.kernelSize = hidden[0].kernelSize?.first ?? 0
    configuration.activation = known
    configuration.hasBias = hidden[0].useBias ?? true
    configuration.hasOutputBias = last.useBias ?? true
    self.configuration = configuration
    self.stored = stored
    self.path = path
    files = manifest.flatMap(\.paths)
  }

  private static let activations: [String: FeatureActivation] = [
    "relu": .relu, "elu": .elu(alpha: 1), "gelu": .gelu, "swish": .silu, "silu": .silu,
  ]

  /// The layers from the input on, each fed by the one before it alone.
  private static func chain(
    _ layers: [LayersModel.Layer],
    _ unreadable: (String) -> NetworksError
  ) throws -> [LayersModel.Layer] {
    for (index, layer) in layers.enumerated() where index > 0 {
      guard layer.feeders.isEmpty || layer.feeders == [layers[index - 1].config.name] else {
        throw unreadable("its layer \(layer.config.name) is not fed by the layer before it alone")
      }
    }
    return layers
  }

  /// The stored tensors under our names and in our order of axes.
  func tensors(in folder: String) throws -> [String: Tensor] {
    var bytes = Data()
    for file in files {
      guard !file.contains("/"), file != "..", !file.isEmpty else {
        throw NetworksError.unreadableModel(path: path, reason: "it names the file \(file)")
      }
      var place = folder + "/" + file
      // Brainchop's downloads have one file of this name, whatever the description says.
      if files.count == 1, !FileManager.default.fileExists(atPath: place) {
        place = folder + "/model.bin"
      }
      bytes += try MeshNetModel.contents(place, limit: Self.maximumBytes)
    }
    var result: [String: Tensor] = [:]
    var offset = 0
    for (name, shape, own) in stored {
      func damaged(_ reason: String) -> NetworksError {
        .unreadableModel(path: path, reason: "its tensor \(name) \(reason)")
      }
      var count = 1
      for size in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: size)
        guard size > 0, !overflow, product <= bytes.count / 4 else {
          throw damaged("of \(shape) needs more than the file holds")
        }
        count = product
      }
      guard offset + 4 * count <= bytes.count, shape.count == 1 || shape.count == 5 else {
        throw damaged("of \(shape) needs more than the file holds")
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
      let tensor = shape.count == 1 ? Tensor(values, shape: shape) : Self.turned(values, shape)
      guard result.updateValue(tensor, forKey: own) == nil else { throw damaged("comes twice") }
    }
    guard offset == bytes.count else {
      throw NetworksError.unreadableModel(
        path: path,
        reason: "\(bytes.count - offset) bytes of its weights belong to no tensor"
      )
    }
    return result
  }

  /// `[window, I, O]` as `[O, I, window]`.
  private static func turned(_ values: [Float], _ shape: [Int]) -> Tensor {
    let (inputs, outputs) = (shape[3], shape[4])
    let window = shape[0] * shape[1] * shape[2]
    var turned = [Float](repeating: 0, count: values.count)
    for cell in 0..<window {
      for input in 0..<inputs {
        for output in 0..<outputs {
          turned[(output * inputs + input) * window + cell] =
            values[(cell * inputs + input) * outputs + output]
        }
      }
    }
    return Tensor(turned, shape: [outputs, inputs] + shape.prefix(3))
  }
}

/// The parts of a layers model that matter here.
private struct LayersModel: Decodable {
  struct Topology: Decodable {
    let modelConfig: Model
    enum CodingKeys: String, CodingKey { case modelConfig = "model_config" }
  }
  struct Model: Decodable {
    let config: Graph
  }
  struct Graph: Decodable {
    let layers: [Layer]
  }
  struct Layer: Decodable {
    struct Values: Decodable {
      let name: String
      let filters: Int?
      let kernelSize: [Int]?
      let strides: [Int]?
      let dilationRate: [Int]?
      let padding: String?
      let dataFormat: String?
      let groups: Int?
      let activation: String?
      let useBias: Bool?

      enum CodingKeys: String, CodingKey {
        case name, filters, strides, padding, groups, activation
        case kernelSize = "kernel_size"
        case dilationRate = "dilation_rate"
        case dataFormat = "data_format"
        case useBias = "use_bias"
      }
    }

    let className: String
    let config: Values
    /// Names of the layers that feed this one.
    let feeders: [String]

    enum CodingKeys: String, CodingKey {
      case className = "class_name"
      case config
      case inbound = "inbound_nodes"
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      className = try container.decode(String.self, forKey: .className)
      config = try container.decode(Values.self, forKey: .config)
      // [[[name, node, tensor, arguments]]]: the first member of the innermost lists.
      var names: [String] = []
      if container.contains(.inbound) {
        var nodes = try container.nestedUnkeyedContainer(forKey: .inbound)
        while !nodes.isAtEnd {
          var node = try nodes.nestedUnkeyedContainer()
          while !node.isAtEnd {
            var link = try node.nestedUnkeyedContainer()
            names.append(try link.decode(String.self))
          }
        }
      }
      feeders = names
    }
  }
  struct Manifest: Decodable {
    struct Weight: Decodable {
      struct Quantization: Decodable {}
      let name: String
      let shape: [Int]
      let dtype: String
      let quantization: Quantization?
    }
    let paths: [String]
    let weights: [Weight]
  }

  let modelTopology: Topology
  let weightsManifest: [Manifest]
}
