import Foundation
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite("MeshNet")
struct MeshNetTests {
  static let fixtures: [(name: String, configuration: MeshNetConfiguration)] = {
    var elu = MeshNetConfiguration(
      inputChannels: 1,
      outputChannels: 3,
      features: [5, 5, 5],
      dilations: [1, 4, 2]
    )
    elu.activation = .elu(alpha: 1)
    var gelu = MeshNetConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      features: [6, 6],
      dilations: [2, 3]
    )
    gelu.activation = .tanhGELU
    gelu.normalization = .instance(isAffine: false)
    gelu.hasBias = false
    var batch = MeshNetConfiguration(
      inputChannels: 2,
      outputChannels: 2,
      features: [4, 6],
      dilations: [1, 2]
    )
    batch.normalization = .batch
    return [("meshnet-elu", elu), ("meshnet-gelu", gelu), ("meshnet-batch", batch)]
  }()

  @Test(
    "predictions equal PyTorch's, whatever takes a place in the sequence",
    arguments: [0, 1, 2]
  )
  func predictions(_ index: Int) throws {
    let (name, values) = Self.fixtures[index]
    let test = DrawnNetwork(name: name, configuration: .meshNet(values))
    let (stored, weights) = try test.stored()
    let names = try #require(MeshNetNames(weights.tensors))
    let network = try #require(try test.network() as? MeshNet)
    try network.load(Safetensors(tensors: names.renamed(weights.tensors)), from: name)
    let input = try #require(stored["input"])
    let expected = try #require(stored["output"])
    let close = MONAINetworkTests.tolerance(expected)
    expectClose(network(input, in: .inference), expected, close, "layer by layer")
    expectClose(try PlannedNetwork(network)(input), expected, close, "planned")
    let features = network.features(of: input, in: .inference)
    expectClose(network.scores(of: features, in: .inference), expected, close, "in two parts")
  }

  @Test("labels are those of the largest scores, slab by slab")
  func labels() throws {
    let (name, values) = Self.fixtures[0]
    let test = DrawnNetwork(name: name, configuration: .meshNet(values))
    let (_, weights) = try test.stored()
    let names = try #require(MeshNetNames(weights.tensors))
    let network = try #require(try test.network() as? MeshNet)
    try network.load(Safetensors(tensors: names.renamed(weights.tensors)), from: name)
    // More cells than one slab takes.
    let size = [5, 512, 640]
    var random = RandomStream(seed: 3)
    let cells = size.reduce(1, *)
    let x = Tensor((0..<cells).map { _ in Float(random.normal()) }, shape: [1, 1] + size)
    let predictor = MeshNetPredictor(network)
    var slabs: [[Int]] = []
    predictor.forEachSlab(of: x) { scores, first in slabs.append([first] + scores.shape) }
    #expect(slabs == [[0, 1, 3, 3, 512, 640], [3, 1, 3, 2, 512, 640]])
    let scores = try PlannedNetwork(network)(x).values
    let expected = (0..<cells).map { cell in
      UInt16((0..<3).max { scores[$0 * cells + cell] < scores[$1 * cells + cell] } ?? 0)
    }
    // Rounding may decide between scores that are all but equal.
    let labels = predictor.labels(of: x)
    #expect(zip(labels, expected).count { $0 != $1 } <= cells / 100_000)
  }

  @Test("layers are ordered by numbers, not by letters")
  func order() throws {
    var tensors: [String: Tensor] = [:]
    for layer in 0..<12 {
      tensors["model.\(2 * layer).weight"] = Tensor(
        repeating: Float(layer),
        shape: [layer + 2, layer + 1, 3, 3, 3]
      )
      tensors["model.\(2 * layer).bias"] = Tensor(repeating: 0, shape: [layer + 2])
    }
    let names = try #require(MeshNetNames(tensors))
    #expect(names.weights.map { $0[0] } == Array(2...13))
    #expect(names.biases.allSatisfy { $0 } && !names.hasScales)
    #expect(names.stored["layers.11.conv.weight"] == "model.22.weight")
    tensors["model.2.weight"] = Tensor(repeating: 0, shape: [3, 7, 3, 3, 3])
    #expect(MeshNetNames(tensors) == nil)
  }

  /// A folder with a description and weights of two hidden layers.
  private func folder(
    _ description: String,
    weights: Data,
    as name: String
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try Data(description.utf8).write(to: URL(fileURLWithPath: folder.file("model.json")))
    try weights.write(to: URL(fileURLWithPath: folder.file(name)))
    return folder
  }

  private static func layer(_ input: Int, _ output: Int, _ kernel: Int, _ dilation: Int) -> String {
    """
    {"in_channels": \(input), "out_channels": \(output), "kernel_size": \(kernel), \
    "padding": \(dilation * (kernel - 1) / 2), "stride": 1, "dilation": \(dilation)}
    """
  }

  private static func sequence(hasOutputBias: Bool) -> Safetensors {
    var tensors: [String: Tensor] = [:]
    for (index, shape) in [[2, 1, 3, 3, 3], [2, 2, 3, 3, 3], [3, 2, 1, 1, 1]].enumerated() {
      let name = "model.\(3 * index)"
      tensors[name + ".weight"] = DrawnNetwork.drawn(name + ".weight", shape)
    }
    if hasOutputBias { tensors["model.6.bias"] = Tensor(repeating: 1, shape: [3]) }
    return Safetensors(tensors: tensors)
  }

  @Test("a description with placeholders takes the channels of the file, and leaves a bias out")
  func placeholders() throws {
    let description = """
      {"bnorm": true, "gelu": true, "dropout_p": 0, "layers": [\(Self.layer(-1, 5, 3, 2)), \
      \(Self.layer(5, 5, 3, 1)), \(Self.layer(5, -1, 1, 1))]}
      """
    let weights = try Self.sequence(hasOutputBias: true).encoded()
    let folder = try folder(description, weights: weights, as: "model.pth")
    let model = try MeshNetModel(folder: folder.path)
    #expect(model.configuration.features == [2, 2])
    #expect(model.configuration.dilations == [2, 1])
    #expect(model.configuration.normalization == .instance(isAffine: false))
    #expect(model.configuration.activation == .tanhGELU)
    #expect(model.ignored == ["model.6.bias"])
    #expect(try model.network().namedParameters.count == 3)
  }

  @Test("a description that contradicts its weights is refused")
  func contradictions() throws {
    let weights = try Self.sequence(hasOutputBias: false).encoded()
    let good = [Self.layer(1, 2, 3, 2), Self.layer(2, 2, 3, 1), Self.layer(2, 3, 1, 1)]
    func read(_ layers: [String]) throws {
      let text = "{\"bnorm\": false, \"layers\": [\(layers.joined(separator: ", "))]}"
      let folder = try folder(text, weights: weights, as: "model.pth")
      _ = try withExtendedLifetime(folder) { try MeshNetModel(folder: folder.path) }
    }
    try read(good)
    for bad in [
      Array(good.dropFirst()), [good[0], good[0], good[2]],
      [good[0].replacingOccurrences(of: "\"stride\": 1", with: "\"stride\": 2"), good[1], good[2]],
      [
        good[0].replacingOccurrences(of: "\"padding\": 2", with: "\"padding\": 1"), good[1],
        good[2],
      ],
    ] {
      let error = #expect(throws: NetworksError.self) { try read(bad) }
      #expect(error?.failure == .damagedInput)
    }
  }

  @Test("a layers model of TensorFlow.js is turned to our order of axes")
  func layersModel() throws {
    func convolution(_ name: String, _ filters: Int, _ kernel: Int, from feeder: String) -> String {
      """
      {"class_name": "Conv3D", "config": {"name": "\(name)", "filters": \(filters), "kernel_size": \
      [\(kernel), \(kernel), \(kernel)], "strides": [1, 1, 1], "dilation_rate": [1, 1, 1], \
      "padding": "same", "data_format": "channels_last", "activation": "linear", "use_bias": true}, \
      "name": "\(name)", "inbound_nodes": [[["\(feeder)", 0, 0, {}]]]}
      """
    }
    let layers = [
      """
      {"class_name": "InputLayer", "config": {"name": "input"}, "name": "input", "inbound_nodes": []}
      """,
      convolution("a", 2, 3, from: "input"),
      """
      {"class_name": "Activation", "config": {"name": "act", "activation": "elu"}, "name": "act", \
      "inbound_nodes": [[["a", 0, 0, {}]]]}
      """,
      convolution("b", 3, 1, from: "act"),
    ]
    let shapes = [
      ("a/kernel", [3, 3, 3, 1, 2]), ("a/bias", [2]), ("b/kernel", [1, 1, 1, 2, 3]),
      ("b/bias", [3]),
    ]
    let weights = shapes.map {
      "{\"name\": \"\($0.0)\", \"shape\": \($0.1), \"dtype\": \"float32\"}"
    }.joined(separator: ", ")
    let text = """
      {"modelTopology": {"model_config": {"class_name": "Functional", "config": {"layers": \
      [\(layers.joined(separator: ", "))]}}}, "weightsManifest": [{"paths": ["shard.bin"], \
      "weights": [\(weights)]}]}
      """
    // 54 + 2 + 6 + 3 numbers, each its place.
    var data = Data()
    for value in 0..<65 {
      withUnsafeBytes(of: Float(value).bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
    let folder = try folder(text, weights: data, as: "model.bin")
    let model = try MeshNetModel(folder: folder.path)
    #expect(model.configuration.activation == .elu(alpha: 1))
    let kernel = try #require(model.weights.tensors["layers.0.conv.weight"])
    #expect(kernel.shape == [2, 1, 3, 3, 3])
    // The second output of window cell 5 lies at 5 · 2 + 1.
    #expect(kernel.values[27 + 5] == 11)
    let last = try #require(model.weights.tensors["layers.1.conv.weight"])
    #expect(last.values == [56, 59, 57, 60, 58, 61])
    #expect(try model.network().configuration.outputChannels == 3)

    let short = try self.folder(text, weights: data.dropLast(4), as: "model.bin")
    #expect(throws: NetworksError.self) { try MeshNetModel(folder: short.path) }
    let long = try self.folder(text, weights: data + [0, 0, 0, 0], as: "model.bin")
    #expect(throws: NetworksError.self) { try MeshNetModel(folder: long.path) }
  }

  @Test("Brainchop's models are read and loaded")
  func brainchop() throws {
    guard let root = Fixtures.developmentData("brainchop/meshnet") else {
      print("skipped: no shared/data/brainchop beside the checkout")
      return
    }
    let expected = [
      "mindgrab": (15, 2), "model11_gw_ae": (11, 3), "model18cls": (21, 18),
      "model20chan3cls": (20, 3), "model21_104class": (21, 104), "model30chan18cls": (30, 18),
      "model30chan50cls": (30, 50), "model5_gw_ae": (5, 3), "subcortical": (30, 18),
    ]
    for (name, (channels, classes)) in expected {
      let model = try MeshNetModel(folder: root + "/" + name)
      #expect(model.configuration.features.allSatisfy { $0 == channels }, "\(name)")
      #expect(model.configuration.outputChannels == classes, "\(name)")
      #expect(model.ignored == (name == "mindgrab" ? ["model.25.bias"] : []), "\(name)")
      _ = try model.network()
    }
  }
}
