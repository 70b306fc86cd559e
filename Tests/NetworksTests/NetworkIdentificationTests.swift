import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite("Networks recognised by their weights")
struct NetworkIdentificationTests {
  /// What names and shapes do not tell of a fixture's network.
  static func hints(_ configuration: NetworkConfiguration) -> NetworkHints {
    switch configuration {
    case .monaiUNet(let values):
      NetworkHints(
        strides: values.strides,
        normalization: values.style.normalization,
        activation: values.style.activation
      )
    case .basicUNet(let values):
      NetworkHints(
        normalization: values.style.normalization,
        activation: values.style.activation
      )
    case .dynUNet(let values):
      NetworkHints(normalization: values.normalization, activation: values.activation)
    case .segResNet(let values):
      NetworkHints(normalization: values.normalization, activation: values.activation)
    case .segResNetDS(let values):
      NetworkHints(normalization: values.normalization, activation: values.activation)
    case .vNet(let values): NetworkHints(activation: values.activation)
    case .attentionUNet(let values): NetworkHints(strides: values.strides.map { [$0] })
    default: NetworkHints(takesDefaults: true)
    }
  }

  /// Neither dropout nor the order of what follows a convolution leaves a trace in weights.
  static let recognizable = DrawnNetwork.all.filter { $0.name != "unet-order" }

  @Test("MONAI's networks are recognised", arguments: recognizable)
  func monai(_ test: DrawnNetwork) throws {
    let (_, weights) = try test.stored()
    let found = try IdentifiedNetwork(weights, hints: Self.hints(test.configuration))
    #expect(found.configuration == test.configuration)
    #expect(found.assumed.isEmpty)
  }

  @Test("prefixes of wrappers do not matter", arguments: ["module.", "net.model."])
  func prefixes(_ prefix: String) throws {
    for test in Self.recognizable.filter({ ["unet-2d", "dynunet-3d"].contains($0.name) }) {
      var (_, weights) = try test.stored()
      weights.tensors = Dictionary(
        uniqueKeysWithValues: weights.tensors.map { (prefix + $0.key, $0.value) }
      )
      let found = try IdentifiedNetwork(weights, hints: Self.hints(test.configuration))
      #expect(found.configuration == test.configuration, "\(test.name)")
    }
  }

  @Test("nnU-Net's networks and the classic U-Net are recognised", arguments: StoredNetwork.all)
  func others(_ test: StoredNetwork) throws {
    let (_, weights) = try test.stored()
    let dictionary = StateDictionary(weights.tensors, format: .torch, path: test.name)
    let hints = NetworkHints(takesDefaults: true)
    let found = try IdentifiedNetwork(dictionary, hints: hints)
    #expect(found.configuration == test.configuration)
  }

  @Test("what is not told is asked for")
  func undetermined() throws {
    let test = try #require(DrawnNetwork.all.first { $0.name == "unet-2d" })
    let (_, weights) = try test.stored()
    let error = #expect(throws: NetworksError.self) { try IdentifiedNetwork(weights) }
    #expect(
      error
        == .undetermined(
          network: "monai-unet",
          what: ["the strides (2)", "the normalisation (of instances)"]
        )
    )
    #expect(error?.failure == .missingComponent)
    let found = try IdentifiedNetwork(weights, hints: NetworkHints(takesDefaults: true))
    #expect(found.configuration == test.configuration)
    #expect(found.assumed.count == 2)
  }

  @Test("a MeshNet needs its dilations")
  func meshNet() throws {
    let (name, values) = MeshNetTests.fixtures[0]
    let test = DrawnNetwork(name: name, configuration: .meshNet(values))
    let (_, weights) = try test.stored()
    let defaults = NetworkHints(takesDefaults: true)
    #expect(throws: NetworksError.self) { try IdentifiedNetwork(weights, hints: defaults) }
    let found = try IdentifiedNetwork(
      weights,
      hints: NetworkHints(
        dilations: values.dilations,
        normalization: FeatureNormalization.none,
        activation: values.activation
      )
    )
    #expect(found.configuration == test.configuration)
  }

  @Test("weights that lack a tensor are refused with its name")
  func incomplete() throws {
    let test = try #require(DrawnNetwork.all.first { $0.name == "segresnet-3d" })
    var (_, weights) = try test.stored()
    weights.tensors["up_samples.0.0.conv.weight"] = nil
    let hints = Self.hints(test.configuration)
    let error = #expect(throws: LayersError.self) {
      try IdentifiedNetwork(weights, hints: hints)
    }
    #expect(
      error
        == .weightsMismatch(
          path: weights.path,
          missing: ["up_samples.0.0.conv.weight"],
          unused: [],
          misshapen: []
        )
    )
  }
}
