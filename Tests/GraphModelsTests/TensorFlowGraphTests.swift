import Foundation
import GraphModels
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite("Frozen graphs of TensorFlow")
struct TensorFlowGraphTests {
  static let names = ["slices", "volume", "rows"]

  @Test("predictions equal TensorFlow's", arguments: names)
  func predictions(_ name: String) throws {
    let graph = try OperatorGraph(
      tensorFlow: TensorFlowGraph(contentsOf: Fixtures.path("tensorflow/\(name).pb")),
      output: "scores"
    )
    let network = try GraphNetwork(graph)
    let stored = try Safetensors(contentsOf: Fixtures.path("tensorflow/\(name).safetensors"))
    let input = try #require(stored.tensors["input"])
    let expected = try #require(stored.tensors["output"])
    // Of probabilities, in single precision on both sides.
    expectClose(
      network(input, in: .inference),
      expected,
      Tolerance(absolute: 2e-5, relative: 2e-5)
    )
  }

  @Test("a graph survives as an ONNX file", arguments: names)
  func written(_ name: String) throws {
    let graph = try OperatorGraph(
      tensorFlow: TensorFlowGraph(contentsOf: Fixtures.path("tensorflow/\(name).pb")),
      output: "scores"
    )
    let again = try GraphNetwork(OperatorGraph(graph.encoded(), path: "memory"))
    let stored = try Safetensors(contentsOf: Fixtures.path("tensorflow/\(name).safetensors"))
    let input = try #require(stored.tensors["input"])
    #expect(
      again(input, in: .inference).values == (try GraphNetwork(graph))(input, in: .inference).values
    )
  }

  @Test("inputs and outputs that are not there are named with those that are")
  func unknownNames() throws {
    let source = try TensorFlowGraph(contentsOf: Fixtures.path("tensorflow/rows.pb"))
    let input = #expect(throws: GraphModelsError.self) {
      try OperatorGraph(tensorFlow: source, input: "picture", output: "scores")
    }
    #expect(input?.description.contains("image") ?? false)
    #expect(throws: GraphModelsError.unfitInput(name: "no", reason: "the graph has no such output"))
    {
      try OperatorGraph(tensorFlow: source, output: "no")
    }
  }

  @Test("damaged files are refused or read, and nothing crashes")
  func damaged() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("tensorflow/rows.pb")))
    let folder = try TemporaryFolder()
    var random = RandomStream(seed: 9)
    var refused = 0
    for round in 0..<200 {
      var bytes = data
      if round % 2 == 0 {
        bytes = bytes.prefix(Int(random.uniform() * Double(data.count)))
      } else {
        for _ in 0..<4 {
          bytes[Int(random.uniform() * Double(data.count))] = UInt8(random.uniform() * 255)
        }
      }
      let path = folder.file("damaged.pb")
      try bytes.write(to: URL(fileURLWithPath: path))
      do {
        let graph = try OperatorGraph(
          tensorFlow: TensorFlowGraph(contentsOf: path),
          output: "scores"
        )
        _ = try GraphNetwork(graph).check(inputShape: [1, 1, 8, 8])
      } catch is any ClassifiedError {
        refused += 1
      }
    }
    #expect(refused > 50)
  }
}
