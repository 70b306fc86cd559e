import Foundation
import GraphModels
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

struct GraphExporterTests {
  /// The largest difference of two ways to compute the same, by the largest value.
  private static let tolerance = Tolerance(absolute: 1e-4, relative: 1e-4)

  private static func input(_ configuration: NetworkConfiguration, multiple: Int) -> Tensor {
    var random = RandomStream(seed: 5)
    let size = (max(8, multiple) + multiple - 1) / multiple * multiple
    let shape =
      [2, configuration.inputChannels] + [Int](repeating: 2 * size, count: configuration.dimensions)
    return Tensor((0..<shape.reduce(1, *)).map { _ in Float(random.normal()) }, shape: shape)
  }

  /// Networks with steps that the exporter does not write: what follows chosen regions, recurrence, codes and
  /// masks.
  private static let refused = [
    "faster-rcnn", "mask-rcnn", "signal-rnn", "clip-rnn", "caption-rnn", "vq-vae",
    "partial-conv-unet",
  ]

  @Test(arguments: refused)
  func whatHasNoCounterpartIsRefused(name: String) throws {
    let entry = try #require(NetworkCatalog.all.first { $0.name == name })
    var random = RandomStream(seed: 1)
    let network = try entry.example.makeNetwork(random: &random)
    let x = Self.input(entry.example, multiple: network.sizeMultiple)
    let error = #expect(throws: GraphModelsError.self) {
      try OperatorGraph.exported(from: network, inputShape: x.shape, name: name)
    }
    #expect(error?.description.contains("cannot be exported to ONNX") == true)
  }

  @Test(arguments: NetworkCatalog.all.map(\.name).filter { !refused.contains($0) })
  func everyNetworkOfTheCatalogueComesBackFromItsFile(name: String) throws {
    let entry = try #require(NetworkCatalog.all.first { $0.name == name })
    var random = RandomStream(seed: 1)
    let network = try entry.example.makeNetwork(random: &random)
    let x = Self.input(entry.example, multiple: network.sizeMultiple)
    let graph = try OperatorGraph.exported(from: network, inputShape: x.shape, name: name)
    let imported = try GraphNetwork(try OperatorGraph(try graph.encoded(), path: name))
    try imported.check(inputShape: x.shape)
    expectClose(imported(x, in: .inference), network(x, in: .inference), Self.tolerance, name)
    // A file holds a codec at one rate: its gains are constants there, and no bits are counted.
    let rates: Set = ["gain", "inverse_gain", "log_scale"]
    let named = network.namedParameters.filter { name != "image-codec" || !rates.contains($0.name) }
    // Running statistics count; normalisations without factors get ones and zeros in a file, few.
    let weights = named.reduce(0) { $0 + $1.parameter.shape.reduce(1, *) }
    // The zeros with which a recurrence through slices begins are constants too.
    let most = name == "convlstm-unet" ? .max : weights + weights / 20
    #expect((weights...most).contains(imported.weightCount), "\(name)")
    // Parameters keep their names.
    let parameters = Set(named.map(\.name))
    #expect(graph.constants.keys.filter { parameters.contains($0) }.count == parameters.count)
    if let folder = ProcessInfo.processInfo.environment["LAMINA_ONNX_EXPORTS"] {
      try Self.write(graph, x, network(x, in: .inference), to: folder, name)
    }
  }

  /// For `Tests/Fixtures/onnx/check_exports.py`, which compares with ONNX Runtime.
  private static func write(
    _ graph: OperatorGraph,
    _ x: Tensor,
    _ y: Tensor,
    to folder: String,
    _ name: String
  ) throws {
    let folder = URL(fileURLWithPath: folder)
    try graph.encoded().write(to: folder.appendingPathComponent(name + ".onnx"))
    try Safetensors(tensors: ["input": x, "output": y]).encoded()
      .write(to: folder.appendingPathComponent(name + ".safetensors"))
  }
}
