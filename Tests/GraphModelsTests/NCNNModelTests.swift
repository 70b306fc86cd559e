import Foundation
import GraphModels
import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("Networks of ncnn")
struct NCNNModelTests {
  static let names = ["layers", "half", "pooled", "converted"]

  private static func model(_ name: String) throws -> NCNNModel {
    try NCNNModel(
      contentsOf: Fixtures.path("ncnn/\(name).param"),
      weights: Fixtures.path("ncnn/\(name).bin")
    )
  }

  @Test("predictions equal ncnn's", arguments: names)
  func predictions(_ name: String) throws {
    let graph = try OperatorGraph(ncnn: Self.model(name))
    let stored = try Safetensors(contentsOf: Fixtures.path("ncnn/\(name).safetensors")).tensors
    let input = try #require(stored["input"])
    #expect(graph.inputs.first?.dimensions?[1].size == input.shape[1])
    // In single precision on both sides.
    expectClose(
      try GraphNetwork(graph)(input, in: .inference),
      try #require(stored["output"]),
      Tolerance(absolute: 2e-5, relative: 2e-5)
    )
  }

  @Test("a graph survives as an ONNX file", arguments: names)
  func written(_ name: String) throws {
    let graph = try OperatorGraph(ncnn: Self.model(name))
    let again = try GraphNetwork(OperatorGraph(graph.encoded(), path: "memory"))
    let stored = try Safetensors(contentsOf: Fixtures.path("ncnn/\(name).safetensors")).tensors
    let input = try #require(stored["input"])
    #expect(
      again(input, in: .inference).values == (try GraphNetwork(graph))(input, in: .inference).values
    )
  }

  private func read(_ text: String, _ weights: Data) throws -> OperatorGraph {
    let folder = try TemporaryFolder()
    let (param, bin) = (folder.file("a.param"), folder.file("a.bin"))
    try Data(text.utf8).write(to: URL(fileURLWithPath: param))
    try weights.write(to: URL(fileURLWithPath: bin))
    return try OperatorGraph(ncnn: NCNNModel(contentsOf: param, weights: bin))
  }

  @Test("layers and weights that are not known are named")
  func unknown() throws {
    let strange = #expect(throws: GraphModelsError.self) {
      try read("7767517\n2 2\nInput a 0 1 a\nLSTM b 1 1 a b 0=2\n", Data())
    }
    #expect(strange == .unsupportedOperator(name: "LSTM", node: "b", opset: 17))
    let convolution = "7767517\n2 2\nInput a 0 1 a\nConvolution c 1 1 a b 0=1 1=1 6=1\n"
    let bytes = #expect(throws: GraphModelsError.self) {
      try read(convolution, Data([0x38, 0x4B, 0x0D, 0x00, 1, 0, 0, 0]))
    }
    #expect(bytes?.failure == .missingComponent)
    #expect(bytes?.description.contains("8-bit") ?? false)
    let table = #expect(throws: GraphModelsError.self) {
      try read(convolution, Data([1, 2, 3, 4, 1, 0, 0, 0]))
    }
    #expect(table?.failure == .missingComponent)
    #expect(throws: GraphModelsError.self) {
      try read("7767517\n1 1\nInput a 0 1 a\n", Data())
    }
  }

  @Test("widths without bound are refused before anything is made of them")
  func wide() throws {
    let convolution = "Convolution z 1 1 y0 z 0=1 1=1 6=3\n"
    let doubled = (0..<40).map { "Concat c\($0) 2 1 y\($0) y\($0) y\($0 + 1) 0=0\n" }.joined()
    let text = "7767517\n42 43\nInput y0 0 1 y0\n" + convolution + doubled
    var weights = Data(count: 4)
    weights.append(Data(count: 12))
    let wide = #expect(throws: GraphModelsError.self) { try read(text, weights) }
    #expect(wide?.description.contains("channels") ?? false)
    // Names that are written again and again: each is looked at once.
    let looped = (0..<60).map { "ReLU r\($0) 1 1 x x\n" }.joined()
    #expect(throws: GraphModelsError.self) {
      try read("7767517\n61 61\nInput x 0 1 x\n" + looped, Data())
    }
  }

  @Test("damaged files are refused or read, and nothing crashes")
  func damaged() throws {
    let text = try #require(
      String(
        data: Data(contentsOf: URL(fileURLWithPath: Fixtures.path("ncnn/layers.param"))),
        encoding: .utf8
      )
    )
    let weights = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("ncnn/layers.bin")))
    #expect(throws: GraphModelsError.self) { try read(text, weights.dropLast(4)) }
    #expect(throws: GraphModelsError.self) { try read(text, weights + Data(count: 4)) }
    #expect(throws: GraphModelsError.self) { try read("ncnn\n" + text, weights) }
    #expect(throws: GraphModelsError.self) { try read(String(text.dropLast(200)), weights) }
    // Numbers that are changed one by one: an error of ours, or a network that is checked when it runs.
    let digits = text.indices.filter { text[$0].isNumber }
    for place in digits.enumerated() where place.offset % 5 == 0 {
      var changed = text
      changed.replaceSubrange(place.element...place.element, with: "99999999999")
      do { _ = try read(changed, weights) } catch is any ClassifiedError {}
    }
  }
}
