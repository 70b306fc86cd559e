import Foundation
import GraphModels
import Tensors
import Testing

struct OperatorGraphTests {
  private static var example: OperatorGraph {
    var graph = OperatorGraph(
      name: "example",
      nodes: [
        OperatorGraph.Node(
          "Conv",
          inputs: ["x", "weight", ""],
          outputs: ["y"],
          attributes: [
            "pads": .integers([1, 1, 1, 1]), "auto_pad": .text("NOTSET"), "group": .integer(-1),
            "alpha": .number(0.25), "scales": .numbers([1, -2.5]), "names": .texts(["", "b"]),
            "value": .tensor(StoredTensor(integers: [3, -4])),
          ]
        )
      ],
      constants: [
        "weight": StoredTensor(Tensor((0..<9).map { Float($0) }, shape: [1, 1, 3, 3])),
        "shape": StoredTensor(integers: [0, -1], shape: [2]),
      ],
      inputs: [
        OperatorGraph.Value("x", dimensions: [.free("batch"), .fixed(1), .free(""), .free("")])
      ],
      outputs: [OperatorGraph.Value("y", type: .float16, dimensions: nil)]
    )
    graph.metadata = ["labels": "{}"]
    graph.producer = ("program", "1")
    graph.otherOpsets = ["ai.onnx.ml": 2]
    return graph
  }

  @Test func aWrittenGraphIsReadBack() throws {
    let graph = Self.example
    let read = try OperatorGraph(try graph.encoded(), path: "example.onnx")
    #expect(read.name == graph.name)
    #expect(read.opset == 17)
    #expect(read.otherOpsets == graph.otherOpsets)
    #expect(read.metadata == graph.metadata)
    #expect(read.producer == graph.producer)
    #expect(read.inputs == graph.inputs)
    #expect(read.outputs == graph.outputs)
    #expect(read.nodes.count == 1)
    #expect(read.nodes[0].inputs == ["x", "weight", ""])
    #expect(read.constants["weight"]?.tensor.values == (0..<9).map { Float($0) })
    #expect(read.constants["shape"]?.integers == [0, -1])
    #expect(
      "\(read.nodes[0].attributes.keys.sorted())" == "\(graph.nodes[0].attributes.keys.sorted())"
    )
    guard case .integers(let pads) = read.nodes[0].attributes["pads"],
      case .integer(let group) = read.nodes[0].attributes["group"],
      case .numbers(let scales) = read.nodes[0].attributes["scales"],
      case .texts(let names) = read.nodes[0].attributes["names"],
      case .tensor(let value) = read.nodes[0].attributes["value"]
    else {
      Issue.record("attributes came back as other kinds")
      return
    }
    #expect(pads == [1, 1, 1, 1])
    #expect(group == -1)
    #expect(scales == [1, -2.5])
    #expect(names == ["", "b"])
    #expect(value.integers == [3, -4])
    #expect(try read.encoded() == graph.encoded())
  }

  @Test func everyTruncationIsAnErrorOrAGraphWithoutItsEnd() throws {
    let data = try Self.example.encoded()
    for count in 0..<data.count {
      do {
        _ = try OperatorGraph(data.prefix(count), path: "short.onnx")
      } catch let error as GraphModelsError {
        #expect("\(error)".contains("short.onnx"))
      }
    }
  }
}
