import Foundation
import Layers
import Support
import Tensors

/// A MeshNet from another program's folder: a description and weights.
///
/// Known are the two forms of the models of Brainchop (Masoud, Hu and Plis 2023): `model.json` of its
/// own kind with a state dictionary in `model.pth` (safetensors or PyTorch's), and a layers model of
/// TensorFlow.js, `model.json` with `model.bin`.
public struct MeshNetModel: Sendable {
  /// The values that define the network.
  public let configuration: MeshNetConfiguration
  /// The weights under our names.
  public let weights: Safetensors
  /// Tensors of the file that the description has no place for, as the program that made them leaves
  /// them out too; sorted.
  public let ignored: [String]
  /// Where the weights came from.
  public let path: String

  /// Reads a folder.
  /// - Parameter folder: Holds `model.json`, and `model.pth` or `model.bin`.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `NetworksError.unreadableModel` when the
  ///   description is not one of these kinds or asks for what MeshNet is not;
  ///   `LayersError.damagedWeights` or `.weightsMismatch` for weights that do not belong to it.
  public init(folder: String) throws {
    let description = folder + "/model.json"
    guard FileManager.default.fileExists(atPath: description) else {
      throw SupportError.notFound(path: description)
    }
    let data = try Self.contents(description, limit: 16 << 20)
    if let model = try? JSONDecoder().decode(SequenceDescription.self, from: data) {
      let weightsPath = folder + "/model.pth"
      let tensors = try StateDictionary(contentsOf: weightsPath).tensors
      guard let names = MeshNetNames(tensors) else {
        throw NetworksError.unreadableModel(
          path: weightsPath,
          reason: "its tensors are not those of a chain of convolutions"
        )
      }
      var configuration = try model.configuration(names, path: description)
      let stored = names.renamed(tensors)
      // What the description says has no bias gets none, whatever the file holds.
      var surplus: [String] = []
      if !configuration.hasOutputBias {
        surplus.append("layers.\(model.layers.count - 1).conv.bias")
      }
      configuration.dropoutProbability = 0
      self.configuration = configuration
      weights = Safetensors(tensors: stored.filter { !surplus.contains($0.key) })
      ignored = surplus.compactMap { names.stored[$0] }.sorted()
      path = weightsPath
    } else {
      let model = try KerasMeshNet(data, path: description)
      configuration = model.configuration
      weights = Safetensors(tensors: try model.tensors(in: folder))
      ignored = []
      path = folder + "/model.bin"
    }
  }

  /// Builds the network with its weights.
  /// - Returns: The network.
  /// - Throws: `NetworksError.invalidConfiguration`; `LayersError.weightsMismatch`.
  public func network() throws -> MeshNet {
    try configuration.check(network: "meshnet")
    let network = Parameter.withoutRandomWeights {
      var random = RandomStream(seed: 0)
      return MeshNet(configuration, random: &random)
    }
    try network.load(weights, from: path)
    return network
  }

  /// A file that is small by its nature.
  static func contents(_ path: String, limit: Int) throws -> Data {
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      let data = try handle.read(upToCount: limit + 1) ?? Data()
      guard data.count <= limit else {
        throw NetworksError.unreadableModel(path: path, reason: "it is larger than \(limit) bytes")
      }
      return data
    } catch let error as NetworksError {
      throw error
    } catch {
      throw SupportError.unreadable(path: path, reason: OutputGuard.reason(of: error))
    }
  }
}

/// Brainchop's own `model.json`.
private struct SequenceDescription: Decodable {
  struct Layer: Decodable {
    let inChannels: Int
    let outChannels: Int
    let kernelSize: Int
    let padding: Int
    let stride: Int
    let dilation: Int
    let bias: Bool?

    enum CodingKeys: String, CodingKey {
      case inChannels = "in_channels"
      case outChannels = "out_channels"
      case kernelSize = "kernel_size"
      case padding, stride, dilation, bias
    }
  }

  let layers: [Layer]
  let bnorm: Bool?
  let affine: Bool?
  let elu: Bool?
  let gelu: Bool?
  let bias: Bool?
  let dropout: Double?

  enum CodingKeys: String, CodingKey {
    case layers, bnorm, affine, elu, gelu, bias
    case dropout = "dropout_p"
  }

  /// The network; the channels are the file's where the description has placeholders.
  func configuration(_ names: MeshNetNames, path: String) throws -> MeshNetConfiguration {
    func unreadable(_ reason: String) -> NetworksError {
      .unreadableModel(path: path, reason: reason)
    }
    guard layers.count >= 2, layers.count == names.weights.count else {
      throw unreadable(
        "it describes \(layers.count) layers, the weights have \(names.weights.count)"
      )
    }
    let hasPlaceholders = layers.contains { $0.inChannels < 0 || $0.outChannels < 0 }
    for (index, layer) in layers.enumerated() {
      let shape = names.weights[index]
      let isLast = index == layers.count - 1
      guard layer.stride == 1, layer.padding == layer.dilation * (layer.kernelSize - 1) / 2,
        layer.kernelSize == (isLast ? 1 : layers[0].kernelSize), layer.dilation >= 1
      else { throw unreadable("its layer \(index) changes the size or has another window") }
      guard shape.count == 5, shape.dropFirst(2).allSatisfy({ $0 == layer.kernelSize }),
        hasPlaceholders || [layer.outChannels, layer.inChannels] == Array(shape.prefix(2))
      else { throw unreadable("its layer \(index) is not of the weights' shape \(shape)") }
      if !isLast, names.biases[index] != (layer.bias ?? bias ?? false) {
        throw unreadable("of its layer \(index) only the description or the file has a bias")
      }
    }
    var result = MeshNetConfiguration(
      inputChannels: names.weights[0][1],
      outputChannels: names.weights[layers.count - 1][0],
      features: names.weights.dropLast().map { $0[0] },
      dilations: layers.dropLast().map(\.dilation)
    )
    result.kernelSize = layers[0].kernelSize
    // A group for each channel: instance normalisation.
    result.normalization = bnorm == true ? .instance(isAffine: affine ?? false) : .none
    result.activation = elu == true ? .elu(alpha: 1) : gelu == true ? .tanhGELU : .relu
    result.hasBias = names.biases[0]
    result.hasOutputBias = layers[layers.count - 1].bias ?? bias ?? false
    guard names.biases.dropLast().allSatisfy({ $0 == result.hasBias }) else {
      throw unreadable("some of its hidden layers have a bias and others have none")
    }
    return result
  }
}
