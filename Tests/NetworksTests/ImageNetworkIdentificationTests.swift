import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite("Networks for images recognised by their weights")
struct ImageNetworkIdentificationTests {
  /// A file of weights under published names, and the fixture with the same network.
  struct Published: Sendable, CustomTestStringConvertible {
    let file: String
    let network: String
    var testDescription: String { file }
  }

  static let published = [
    ("dncnn-kair", "dncnn-plain"), ("dncnn-kair-bn", "dncnn-epsilon"),
    ("dncnn-saoyan", "dncnn-no-bias"), ("vdsr-older", "vdsr"), ("msrresnet-older", "msrresnet"),
    ("rrdb-esrgan", "rrdb-four"), ("rrdb-basicsr", "rrdb-four"), ("rrdb-sequence", "rrdb-four"),
    ("rrdb-basicsr-two", "rrdb-two"), ("rrdb-sequence-one", "rrdb-once"),
  ].map { Published(file: $0.0, network: $0.1) }

  /// Names that the engine shares with the published programs.
  static let shared = [
    "ffdnet", "ffdnet-3d", "vdsr", "vdsr-3d", "srcnn", "srcnn-3d", "fsrcnn", "fsrcnn-3d", "espcn",
    "espcn-3d", "edsr", "edsr-scaled", "edsr-3d", "msrresnet", "msrresnet-3d", "compact-sr",
    "cyclegan", "cyclegan-3d", "style-transfer", "rrdb-3d", "dncnn-plain", "dncnn-3d",
  ]

  private func weights(_ path: String) throws -> (StateDictionary, [String: Tensor]) {
    let stored = try Safetensors(contentsOf: Fixtures.path(path)).tensors
    var tensors: [String: Tensor] = [:]
    for (name, tensor) in stored where name.hasPrefix("weights.") {
      tensors[String(name.dropFirst("weights.".count))] = tensor
    }
    return (StateDictionary(tensors, format: .torch, path: path), stored)
  }

  private func hints(_ configuration: NetworkConfiguration) -> NetworkHints {
    var hints = NetworkHints(takesDefaults: true)
    if case .fsrcnn(let values) = configuration { hints.scale = values.scale }
    if case .edsr(let values) = configuration { hints.residualScale = values.residualScale }
    return hints
  }

  private func expectPrediction(
    _ path: String,
    _ configuration: NetworkConfiguration
  ) throws -> IdentifiedNetwork {
    let (dictionary, stored) = try weights(path)
    let found = try IdentifiedNetwork(dictionary, hints: hints(configuration))
    #expect(found.configuration == configuration)
    var random = RandomStream(seed: 1)
    let network = try found.configuration.makeNetwork(random: &random)
    try network.load(found.weights, from: path)
    let output = network(try #require(stored["input"]), in: .inference)
    let scale = Double(found.largestValue)
    expectClose(
      output,
      try #require(stored["output"]),
      Tolerance(absolute: 1e-5 * scale, relative: 1e-5)
    )
    return found
  }

  @Test("weights under published names predict what their program does", arguments: published)
  func publishedNames(_ test: Published) throws {
    let found = try expectPrediction(
      "restoration/names/\(test.file).safetensors",
      StoredImageNetworks.configuration(test.network)
    )
    #expect(found.largestValue == 1)
  }

  @Test("weights under the engine's names are recognised", arguments: shared)
  func sharedNames(_ name: String) throws {
    let found = try expectPrediction(
      "restoration/\(name).safetensors",
      StoredImageNetworks.configuration(name)
    )
    #expect(found.largestValue == (name.hasPrefix("edsr") || name == "style-transfer" ? 255 : 1))
  }

  @Test("what EDSR's and FSRCNN's weights do not tell is asked for")
  func undetermined() throws {
    let (fsrcnn, _) = try weights("restoration/fsrcnn.safetensors")
    let scale = #expect(throws: NetworksError.self) {
      try IdentifiedNetwork(fsrcnn, hints: NetworkHints(takesDefaults: true))
    }
    #expect(scale == .undetermined(network: "fsrcnn", what: ["the scale"]))
    let (edsr, _) = try weights("restoration/edsr.safetensors")
    #expect(throws: NetworksError.self) { try IdentifiedNetwork(edsr) }
    let found = try IdentifiedNetwork(edsr, hints: NetworkHints(takesDefaults: true))
    #expect(found.assumed == ["the scale of residuals (1.0)"])
  }

  @Test("seven layers without normalisation may be dilated and are asked for")
  func sevenLayers() throws {
    var random = RandomStream(seed: 4)
    let values = DnCNNConfiguration(depth: 7, features: 4, hasNormalization: false)
    let network = try NetworkConfiguration.dnCNN(values).makeNetwork(random: &random)
    let dictionary = StateDictionary(
      Dictionary(
        uniqueKeysWithValues: network.namedParameters.map { ($0.name, $0.parameter.value) }
      ),
      format: .torch,
      path: "seven"
    )
    #expect(throws: NetworksError.self) {
      try IdentifiedNetwork(dictionary, hints: NetworkHints(takesDefaults: true))
    }
    let plain = NetworkHints(dilations: [1, 1, 1, 1, 1, 1, 1])
    #expect(try IdentifiedNetwork(dictionary, hints: plain).configuration == .dnCNN(values))
    let dilated = NetworkHints(dilations: [1, 2, 3, 4, 3, 2, 1])
    #expect(throws: NetworksError.self) { try IdentifiedNetwork(dictionary, hints: dilated) }
  }

  @Test("a chain that lacks a layer is of no known network")
  func incomplete() throws {
    var (dictionary, _) = try weights("restoration/names/dncnn-kair.safetensors")
    dictionary.tensors["model.2.weight"] = nil
    #expect(throws: NetworksError.self) { try IdentifiedNetwork(dictionary) }
    (dictionary, _) = try weights("restoration/names/rrdb-esrgan.safetensors")
    dictionary.tensors["RRDB_trunk.1.RDB2.conv3.weight"] = nil
    #expect(throws: LayersError.self) { try IdentifiedNetwork(dictionary) }
  }
}
