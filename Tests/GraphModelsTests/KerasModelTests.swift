import Foundation
import GraphModels
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite("Models of Keras")
struct KerasModelTests {
  static let names = ["unet", "volume", "dense"]

  static func model(_ name: String, _ form: String) throws -> KerasModel {
    let path = Fixtures.path("keras/\(name).\(form)")
    return form == "json"
      ? try KerasModel(layersModel: path) : try KerasModel(savedModel: path)
  }

  @Test("predictions equal Keras', from every format", arguments: names, ["h5", "keras", "json"])
  func predictions(_ name: String, _ form: String) throws {
    let graph = try OperatorGraph(keras: Self.model(name, form))
    let network = try GraphNetwork(graph)
    let stored = try Safetensors(contentsOf: Fixtures.path("keras/\(name).safetensors"))
    let input = try #require(stored.tensors["input"])
    let expected = try #require(stored.tensors["output"])
    // Of probabilities or values about 1, in single precision on both sides.
    expectClose(
      network(input, in: .inference),
      expected,
      Tolerance(absolute: 2e-5, relative: 2e-5)
    )
  }

  @Test("an unknown class of layers is named")
  func unknownLayer() throws {
    let folder = try TemporaryFolder()
    for (class_, failure) in [("LSTM", Failure.missingComponent), ("Conv2D", .damagedInput)] {
      let text = """
        {"modelTopology": {"model_config": {"class_name": "Sequential", "config": {"layers": [\
        {"class_name": "InputLayer", "config": {"name": "a", "batch_input_shape": [null, 4, 4, 1]}}, \
        {"class_name": "\(class_)", "config": {"name": "b"}}]}}}, "weightsManifest": []}
        """
      let path = folder.file("model.json")
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: GraphModelsError.self) {
        try OperatorGraph(keras: KerasModel(layersModel: path))
      }
      #expect(error?.failure == failure)
      #expect(error?.description.contains("b") ?? false)
    }
  }

  @Test(
    "damaged files are refused or read, and nothing crashes",
    arguments: ["h5", "keras", "json"]
  )
  func damaged(_ form: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("keras/dense." + form)))
    let folder = try TemporaryFolder()
    let path = folder.file("dense." + form)
    let weights = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("keras/dense.bin")))
    try weights.write(to: URL(fileURLWithPath: folder.file("dense.bin")))
    var random = RandomStream(seed: 7)
    func below(_ limit: Int) -> Int { min(limit - 1, Int(random.uniform() * Double(limit))) }
    for turn in 0..<100 {
      var bytes = data
      for _ in 0..<3 { bytes[below(bytes.count)] = UInt8(below(256)) }
      if turn % 3 == 0 { bytes = bytes.prefix(below(bytes.count)) }
      try bytes.write(to: URL(fileURLWithPath: path))
      _ = try? OperatorGraph(
        keras: form == "json" ? KerasModel(layersModel: path) : KerasModel(savedModel: path)
      )
    }
  }

  @Test("weights without a description, and other files, are refused")
  func refused() throws {
    #expect(throws: SupportError.self) { try KerasModel(savedModel: "/nowhere/model.h5") }
    let path = Fixtures.path("torch/state.pt")
    #expect(throws: GraphModelsError.self) { try KerasModel(savedModel: path) }
    #expect(throws: GraphModelsError.self) { try KerasModel(layersModel: path) }
  }
}
