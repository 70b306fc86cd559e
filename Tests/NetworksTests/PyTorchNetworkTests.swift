import Foundation
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

/// A small network of which PyTorch computed prediction, loss and gradients.
struct StoredNetwork: Sendable, CustomTestStringConvertible {
  /// The fixture's name.
  let name: String
  let configuration: NetworkConfiguration
  /// The fixture's folder.
  var folder = "networks"
  var testDescription: String { name }

  static let all: [StoredNetwork] = [
    StoredNetwork(
      name: "plain-2d",
      configuration: .plainConvUNet(nnUNet(2, [4, 6, 9], [2, 1, 2], [1, 2]))
    ),
    StoredNetwork(
      name: "plain-3d",
      configuration: .plainConvUNet(uneven(hasBias: false))
    ),
    StoredNetwork(
      name: "residual-2d",
      configuration: .residualEncoderUNet(nnUNet(2, [4, 6, 6], [1, 2, 2], [1, 1]))
    ),
    StoredNetwork(
      name: "residual-3d",
      configuration: .residualEncoderUNet(uneven(hasBias: true))
    ),
    StoredNetwork(
      name: "classic",
      configuration: .classicUNet(
        ClassicUNetConfiguration(inputChannels: 3, outputChannels: 2, features: [4, 6, 9])
      )
    ),
    StoredNetwork(
      name: "rrdb",
      configuration: .rrdb(RRDBConfiguration(channels: 3, blocks: 1, features: 6, growth: 4))
    ),
    StoredNetwork(
      name: "dncnn",
      configuration: .dnCNN(DnCNNConfiguration(channels: 2, depth: 5, features: 6))
    ),
  ]

  /// Those that run through sequences; no other program's weights look like theirs.
  static let sequences: [StoredNetwork] = [
    StoredNetwork(
      name: "convlstm-unet",
      configuration: .convLSTMUNet(CaptionNetworkTests.slices)
    ),
    StoredNetwork(name: "caption", configuration: .captioner(CaptionNetworkTests.captioner)),
  ]

  private static func nnUNet(
    _ dimensions: Int,
    _ features: [Int],
    _ units: [Int],
    _ decoderUnits: [Int]
  ) -> NNUNetConfiguration {
    var configuration = NNUNetConfiguration(
      inputChannels: 2,
      outputChannels: 3,
      features: features,
      dimensions: dimensions,
      unitsPerStage: units,
      decoderUnitsPerStage: decoderUnits
    )
    configuration.hasDeepSupervision = true
    return configuration
  }

  private static func uneven(hasBias: Bool) -> NNUNetConfiguration {
    var configuration = nnUNet(3, [3, 5, 6], [1, 2, 1], [1, 1])
    configuration.kernelSizes = [[1, 3, 3], [3, 3, 3], [3, 1, 3]]
    configuration.strides = [[1, 1, 1], [1, 2, 2], [2, 2, 1]]
    configuration.hasBias = hasBias
    return configuration
  }

  /// The fixture's tensors; the state dictionary apart, under the names of the engine.
  func stored() throws -> (tensors: [String: Tensor], weights: Safetensors) {
    let path = Fixtures.path("\(folder)/\(name).safetensors")
    let names = StateDictionaryNames { stored in
      guard stored.hasPrefix("weights.") else { return stored }
      return StateDictionaryNames.pyTorch(String(stored.dropFirst("weights.".count)))
        .map { "weights." + $0 }
    }
    let file = try Safetensors(contentsOf: path, names: names)
    var weights: [String: Tensor] = [:]
    for (name, tensor) in file.tensors where name.hasPrefix("weights.") {
      weights[String(name.dropFirst("weights.".count))] = tensor
    }
    return (file.tensors, Safetensors(tensors: weights))
  }

  func network() throws -> any Network {
    var random = RandomStream(seed: 1)
    return try configuration.makeNetwork(random: &random)
  }

  /// The outputs of all heads.
  func outputs(_ network: any Network, _ x: Tensor, in context: Context) -> [Tensor] {
    switch network {
    case let network as PlainConvUNet: network.allScores(x, in: context)
    case let network as ResidualEncoderUNet: network.allScores(x, in: context)
    case let network as ConvLSTMUNet: network.allScores(x, in: context)
    default: [network(x, in: context)]
    }
  }
}

@Suite("Networks of PyTorch programs")
struct PyTorchNetworkTests {
  /// A dozen layers in single precision against PyTorch in double; normalised values are about 1.
  private static let close = Tolerance(absolute: 2e-5, relative: 2e-5)

  @Test(
    "predictions equal PyTorch's from the same state dictionary",
    arguments: StoredNetwork.all + StoredNetwork.sequences
  )
  func predictions(_ test: StoredNetwork) throws {
    let (stored, weights) = try test.stored()
    let network = try test.network()
    try network.load(weights, from: test.name)
    let input = try #require(stored["input"])
    let outputs = test.outputs(network, input, in: .inference)
    for (index, output) in outputs.enumerated() {
      let name = index == 0 ? "output" : "output.\(index)"
      expectClose(output, try #require(stored[name]), Self.close, name)
    }
    #expect(stored["output.\(outputs.count)"] == nil)
    expectClose(
      network(input, in: .inference),
      try #require(stored["output"]),
      Self.close,
      "the only result"
    )
  }

  @Test(
    "loss and gradients equal PyTorch's",
    arguments: StoredNetwork.all + StoredNetwork.sequences
  )
  func gradientsOfAll(_ test: StoredNetwork) throws {
    let (stored, weights) = try test.stored()
    let network = try test.network()
    try network.load(weights, from: test.name)
    let input = try #require(stored["input"])
    let losses = test.outputs(network, input, in: Context(.training)).map { ($0 * $0).mean }
    let loss = losses.dropFirst().reduce(losses[0]) { $0 + $1 }
    expectClose(loss, try #require(stored["loss"]), Self.close, "loss")
    let found = gradients(of: loss)
    for (name, parameter) in network.namedParameters where parameter.isTrainable {
      let expected = try #require(stored["gradients." + name], "\(name)")
      let gradient = try #require(found[parameter.key], "\(name)")
      // A bias before a normalisation has a gradient of 0 but for rounding, of the sum's own size.
      expectClose(gradient, expected, Tolerance(absolute: 5e-5, relative: 1e-4), name)
    }
  }

  @Test("a network without deep supervision lacks the other heads only")
  func heads() throws {
    let all = try #require(StoredNetwork.all.first { $0.name == "plain-2d" })
    guard case .plainConvUNet(var values) = all.configuration else { return }
    values.hasDeepSupervision = false
    let one = try StoredNetwork(name: "one", configuration: .plainConvUNet(values)).network()
    let names = Set(try all.network().namedParameters.map(\.name))
    #expect(
      names.subtracting(one.namedParameters.map(\.name))
        == ["decoder.seg_layers.0.weight", "decoder.seg_layers.0.bias"]
    )
    #expect(
      (one as? PlainConvUNet)?.allScores(
        Tensor(repeating: 1, shape: [1, 2, 8, 8]),
        in: .inference
      ).count == 1
    )
  }

  @Test("the size's multiple is that of the strides of all axes")
  func sizeMultiples() throws {
    let names = ["plain-2d", "plain-3d", "classic", "rrdb", "dncnn"]
    let multiples = try StoredNetwork.all.filter { names.contains($0.name) }
      .map { try $0.network().sizeMultiple }
    #expect(multiples == [4, 4, 4, 1, 1])
  }

  @Test("published networks have as many parameters as their authors say")
  func parameterCounts() throws {
    var random = RandomStream(seed: 1)
    let count = { (configuration: NetworkConfiguration) in
      try Parameter.withoutRandomWeights { try configuration.makeNetwork(random: &random) }
        .trainableCount
    }
    // 3·64·9+64, 23·3 dense blocks of 9·(64+96+128+160)·32 + 128 + 9·192·64 + 64,
    // four convolutions of 64·64·9+64, and 64·3·9+3: the 16.7 million of ESRGAN.
    #expect(try count(.rrdb(RRDBConfiguration())) == 16_697_987)
    // 9·64+64, fifteen of 64·64·9 + 128, 64·9+1.
    #expect(try count(.dnCNN(DnCNNConfiguration())) == 556_097)
  }

  static let impossible: [NetworkConfiguration] = {
    func nnUNet(_ change: (inout NNUNetConfiguration) -> Void) -> NetworkConfiguration {
      var values = NNUNetConfiguration(
        inputChannels: 1,
        outputChannels: 2,
        features: [4, 8],
        dimensions: 2,
        unitsPerStage: [1, 1],
        decoderUnitsPerStage: [1]
      )
      change(&values)
      return .plainConvUNet(values)
    }
    return [
      nnUNet { $0.inputChannels = 0 }, nnUNet { $0.outputChannels = -1 },
      nnUNet { $0.features = [4] }, nnUNet { $0.features = [4, 0] },
      nnUNet { $0.features = [8192, 8192] }, nnUNet { $0.kernelSizes = [] },
      nnUNet { $0.kernelSizes = [[3], [3]] }, nnUNet { $0.kernelSizes = [[3, 3], [3, 2]] },
      nnUNet { $0.kernelSizes = [[3, 3], [3, 3, 3]] }, nnUNet { $0.strides = [[1, 1]] },
      nnUNet { $0.strides = [[2, 2], [2, 2]] }, nnUNet { $0.strides = [[1, 1], [2, 0]] },
      nnUNet { $0.strides = [[1, 1], [2]] }, nnUNet { $0.unitsPerStage = [1] },
      nnUNet { $0.unitsPerStage = [1, 0] }, nnUNet { $0.decoderUnitsPerStage = [] },
      nnUNet { $0.decoderUnitsPerStage = [0] }, nnUNet { $0.negativeSlope = .nan },
      .classicUNet(ClassicUNetConfiguration(inputChannels: 0, outputChannels: 1, features: [4])),
      .classicUNet(ClassicUNetConfiguration(inputChannels: 1, outputChannels: 0, features: [4])),
      .classicUNet(ClassicUNetConfiguration(inputChannels: 1, outputChannels: 1, features: [])),
      .classicUNet(ClassicUNetConfiguration(inputChannels: 1, outputChannels: 1, features: [0])),
      .rrdb(RRDBConfiguration(channels: 0)), .rrdb(RRDBConfiguration(blocks: 0)),
      .rrdb(RRDBConfiguration(features: 0)), .rrdb(RRDBConfiguration(growth: 0)),
      .rrdb(RRDBConfiguration(blocks: 256, features: 1024, growth: 1024)),
      .dnCNN(DnCNNConfiguration(channels: 0)), .dnCNN(DnCNNConfiguration(depth: 1)),
      .dnCNN(DnCNNConfiguration(features: 0)),
    ]
  }()

  @Test("impossible configurations are refused", arguments: impossible.indices)
  func refused(_ index: Int) {
    var random = RandomStream(seed: 1)
    let error = #expect(throws: NetworksError.self) {
      try Self.impossible[index].makeNetwork(random: &random)
    }
    #expect(error?.failure == .damagedInput)
  }
}
