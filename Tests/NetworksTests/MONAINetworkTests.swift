import Foundation
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

/// A network of which another program computed a prediction, with weights that are drawn from their names.
struct DrawnNetwork: Sendable, CustomTestStringConvertible {
  /// The fixture's name.
  let name: String
  let configuration: NetworkConfiguration
  var names = StateDictionaryNames.pyTorch
  /// Where the fixture lies.
  var folder = "monai"
  var testDescription: String { name }

  static let all: [DrawnNetwork] =
    unets + basicUNets + dynUNets + segResNets + supervisedSegResNets + others

  private static var unets: [DrawnNetwork] {
    var flat = MONAIUNetConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      features: [4, 6, 8],
      strides: [2, 2],
      dimensions: 3
    )
    flat.strides = [[1, 2, 2], [2, 2, 2]]
    flat.kernelSize = [1, 3, 3]
    flat.style = MONAIUnitStyle(normalization: .batch, activation: .relu, hasBias: false)
    var ordered = MONAIUNetConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      features: [4, 6],
      strides: [2],
      dimensions: 2,
      residualUnits: 1
    )
    ordered.style = MONAIUnitStyle(
      normalization: .group(groups: 2),
      activation: .elu(alpha: 1),
      dropoutProbability: 0.1,
      order: "AN"
    )
    return [
      DrawnNetwork(
        name: "unet-2d",
        configuration: .monaiUNet(
          MONAIUNetConfiguration(
            inputChannels: 2,
            outputChannels: 3,
            features: [4, 8, 12],
            strides: [2, 2],
            dimensions: 2,
            residualUnits: 2
          )
        )
      ),
      DrawnNetwork(name: "unet-3d", configuration: .monaiUNet(flat)),
      DrawnNetwork(name: "unet-order", configuration: .monaiUNet(ordered)),
    ]
  }

  private static var basicUNets: [DrawnNetwork] {
    func basic(
      _ input: Int,
      _ output: Int,
      _ features: [Int],
      _ dimensions: Int,
      _ change: (inout BasicUNetConfiguration) -> Void = { _ in }
    ) -> NetworkConfiguration {
      var values = BasicUNetConfiguration(
        inputChannels: input,
        outputChannels: output,
        features: features,
        dimensions: dimensions
      )
      change(&values)
      return .basicUNet(values)
    }
    return [
      DrawnNetwork(name: "basic-2d", configuration: basic(1, 3, [4, 4, 6, 8, 10, 5], 2)),
      DrawnNetwork(
        name: "basic-interpolated",
        configuration: basic(1, 2, [2, 2, 4, 4, 6, 4], 3) {
          $0.upsampling = .interpolated
          $0.style = MONAIUnitStyle(normalization: .group(groups: 2), activation: .relu)
        }
      ),
      DrawnNetwork(
        name: "basic-shuffled",
        configuration: basic(2, 2, [4, 4, 6, 6, 8, 4], 2) { $0.upsampling = .shuffled }
      ),
    ]
  }

  private static var dynUNets: [DrawnNetwork] {
    var uneven = DynUNetConfiguration(
      inputChannels: 2,
      outputChannels: 3,
      features: [4, 4, 6, 8],
      strides: [[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2]]
    )
    uneven.kernelSizes[0] = [1, 3, 3]
    uneven.hasResidualBlocks = true
    uneven.supervisedLevels = 2
    var wide = DynUNetConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      features: [4, 6, 8],
      strides: [[1, 1], [2, 2], [2, 2]]
    )
    wide.kernelSizes[1] = [5, 5]
    wide.normalization = .batch
    wide.activation = .parametricReLU(perChannel: false)
    wide.hasUpsamplingBias = true
    return [("dynunet-3d", uneven), ("dynunet-2d", wide)].map {
      DrawnNetwork(
        name: $0.0,
        configuration: .dynUNet($0.1),
        names: $0.1.stateDictionaryNames
      )
    }
  }

  private static var segResNets: [DrawnNetwork] {
    var transposed = SegResNetConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      initialFeatures: 4,
      blocksDown: [1, 1],
      blocksUp: [1],
      dimensions: 2
    )
    transposed.normalization = .batch
    transposed.activation = .elu(alpha: 1)
    transposed.upsampling = .transposed
    var shuffled = transposed
    shuffled.normalization = .group(groups: 2)
    shuffled.activation = .relu
    shuffled.upsampling = .shuffled
    return [
      DrawnNetwork(
        name: "segresnet-3d",
        configuration: .segResNet(
          SegResNetConfiguration(
            inputChannels: 2,
            outputChannels: 3,
            blocksDown: [1, 2, 1],
            blocksUp: [1, 2]
          )
        )
      ),
      DrawnNetwork(name: "segresnet-transposed", configuration: .segResNet(transposed)),
      DrawnNetwork(name: "segresnet-shuffled", configuration: .segResNet(shuffled)),
    ]
  }

  private static var supervisedSegResNets: [DrawnNetwork] {
    var uneven = SegResNetDSConfiguration(
      inputChannels: 2,
      outputChannels: 3,
      initialFeatures: 4,
      blocksDown: [1, 2, 1, 1],
      blocksUp: [1, 2, 1],
      resolution: [1, 1.3, 5]
    )
    uneven.supervisedLevels = 1
    var interpolated = SegResNetDSConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      initialFeatures: 4,
      blocksDown: [1, 1, 1],
      dimensions: 2,
      resolution: [3, 1]
    )
    interpolated.normalization = .instance(isAffine: true)
    interpolated.activation = .leakyReLU(negativeSlope: 0.01)
    interpolated.upsampling = .interpolated
    var shuffled = SegResNetDSConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      initialFeatures: 4,
      blocksDown: [0, 1],
      dimensions: 2
    )
    shuffled.normalization = .group(groups: 2)
    shuffled.upsampling = .shuffled
    return [
      DrawnNetwork(name: "segresnetds-3d", configuration: .segResNetDS(uneven)),
      DrawnNetwork(name: "segresnetds-interpolated", configuration: .segResNetDS(interpolated)),
      DrawnNetwork(name: "segresnetds-shuffled", configuration: .segResNetDS(shuffled)),
    ]
  }

  private static var others: [DrawnNetwork] {
    [
      DrawnNetwork(
        name: "vnet-2d",
        configuration: .vNet(VNetConfiguration(inputChannels: 2, outputChannels: 3, dimensions: 2))
      ),
      DrawnNetwork(
        name: "attention-2d",
        configuration: .attentionUNet(
          AttentionUNetConfiguration(
            inputChannels: 1,
            outputChannels: 3,
            features: [4, 6, 8],
            strides: [2, 2],
            dimensions: 2
          )
        )
      ),
    ]
  }

  /// The fixture's tensors, and its state dictionary.
  func stored() throws -> (tensors: [String: Tensor], weights: StateDictionary) {
    let path = Fixtures.path("\(folder)/\(name).safetensors")
    let file = try Safetensors(contentsOf: path)
    let list = try #require(file.metadata["tensors"])
    let entries = try JSONDecoder().decode([Entry].self, from: Data(list.utf8))
    var weights: [String: Tensor] = [:]
    for entry in entries { weights[entry.name] = Self.drawn(entry.source, entry.shape) }
    var tensors = file.tensors
    if let text = file.metadata["input"] {
      let shape = try JSONDecoder().decode([Int].self, from: Data(text.utf8))
      tensors["input"] = (Self.drawn("input", [shape.reduce(1, *)]) * 8).reshaped(shape)
    }
    return (tensors, StateDictionary(weights, format: .torch, path: path))
  }

  /// A name, the name that the values are drawn by if it is another, and a shape.
  private struct Entry: Decodable {
    let name: String
    let source: String
    let shape: [Int]

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      name = try container.decode(String.self)
      source = (try? container.decode(String.self)) ?? name
      shape = try container.decode([Int].self)
    }
  }

  /// The numbers that the generator of the fixtures draws for a name.
  static func drawn(_ name: String, _ shape: [Int]) -> Tensor {
    var seed: UInt32 = 2_166_136_261
    for byte in name.utf8 { seed = (seed ^ UInt32(byte)) &* 16_777_619 }
    let count = shape.reduce(1, *)
    let kind = name.split(separator: ".").last ?? ""
    let deviation = (6 / Double(count / shape[0])).squareRoot()
    let values = (0..<count).map { index -> Float in
      var u = UInt32(index) &* 2_654_435_761 &+ seed
      u = (u ^ (u >> 15)) &* 2_246_822_519
      u = (u ^ (u >> 13)) &* 3_266_489_917
      u ^= u >> 16
      let v = Double(u) / 4_294_967_296 * 2 - 1
      if shape.count > 1 { return Float(v * deviation) }
      if kind == "weight" { return Float(0.2 * v + (count == 1 ? 0.25 : 1)) }
      return Float(kind == "running_var" ? 0.5 * v + 1 : v * 0.1)
    }
    return Tensor(values, shape: shape)
  }

  func network() throws -> any Network {
    var random = RandomStream(seed: 1)
    return try Parameter.withoutRandomWeights { try configuration.makeNetwork(random: &random) }
  }
}

@Suite("Networks of MONAI")
struct MONAINetworkTests {
  /// Of the largest score: single precision against MONAI's double, through some twenty layers.
  static func tolerance(_ expected: Tensor) -> Tolerance {
    Tolerance(absolute: 2e-5 * Double(expected.values.map(abs).max() ?? 1), relative: 1e-5)
  }

  @Test("predictions equal MONAI's from the same state dictionary", arguments: DrawnNetwork.all)
  func predictions(_ test: DrawnNetwork) throws {
    let (stored, weights) = try test.stored()
    let network = try test.network()
    try network.load(weights, names: test.names)
    let input = try #require(stored["input"])
    let expected = try #require(stored["output"])
    expectClose(
      network(input, in: .inference),
      expected,
      Self.tolerance(expected),
      "layer by layer"
    )
    expectClose(
      try PlannedNetwork(network)(input),
      expected,
      Tolerance(absolute: 1e-4 * Double(expected.values.map(abs).max() ?? 1), relative: 1e-4),
      "planned"
    )
  }

  @Test("what all names begin with is left out", arguments: ["module.", "_orig_mod.net.", "a.b."])
  func prefixes(_ prefix: String) throws {
    for name in ["unet-2d", "segresnet-transposed"] {
      let test = try #require(DrawnNetwork.all.first { $0.name == name })
      var (_, weights) = try test.stored()
      weights.tensors = Dictionary(
        uniqueKeysWithValues: weights.tensors.map { (prefix + $0.key, $0.value) }
      )
      try test.network().load(weights, names: test.names)
    }
  }

  @Test("every name that does not fit is told, and nothing is loaded")
  func mismatch() throws {
    let test = try #require(DrawnNetwork.all.first { $0.name == "segresnet-3d" })
    var (_, weights) = try test.stored()
    weights.tensors["convInit.conv.weight"] = Tensor(repeating: 0, shape: [8, 2, 1, 1, 1])
    weights.tensors["surplus"] = Tensor(repeating: 0, shape: [1])
    weights.tensors["conv_final.2.conv.bias"] = nil
    let network = try test.network()
    let before = try network.weights.encoded()
    let error = #expect(throws: LayersError.self) { try network.load(weights) }
    #expect(
      error
        == .weightsMismatch(
          path: weights.path,
          missing: ["conv_final.2.conv.bias"],
          unused: ["surplus"],
          misshapen: ["convInit.conv.weight"]
        )
    )
    #expect(try network.weights.encoded() == before)
  }

  @Test("aliases of a DynUNet must agree")
  func aliases() throws {
    let test = try #require(DrawnNetwork.all.first { $0.name == "dynunet-3d" })
    var (_, weights) = try test.stored()
    let alias = "skip_layers.downsample.norm1.weight"
    #expect(test.names(alias) == "input_block.norm1.weight")
    let other = try #require(weights.tensors[alias])
    weights.tensors[alias] = Tensor(repeating: 3, shape: other.shape)
    let network = try test.network()
    #expect(throws: LayersError.self) { try network.load(weights, names: test.names) }
  }
}
