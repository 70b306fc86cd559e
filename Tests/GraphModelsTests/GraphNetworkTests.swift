import Foundation
import GraphModels
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

struct GraphNetworkTests {
  /// relu(conv(x) + 1), and a node of an unknown operator that no output needs.
  private static func graph(_ change: (inout OperatorGraph) -> Void = { _ in }) -> OperatorGraph {
    var graph = OperatorGraph(
      name: "small",
      nodes: [
        OperatorGraph.Node(
          "Conv",
          name: "first",
          inputs: ["x", "w"],
          outputs: ["a"],
          attributes: ["pads": .integers([1, 1, 1, 1])]
        ),
        OperatorGraph.Node("Guess", inputs: ["a"], outputs: ["unused"]),
        OperatorGraph.Node("Add", inputs: ["a", "one"], outputs: ["b"]),
        OperatorGraph.Node("Relu", inputs: ["b"], outputs: ["y"]),
      ],
      constants: [
        "w": StoredTensor(Tensor((0..<18).map { Float($0) / 9 - 1 }, shape: [1, 2, 3, 3])),
        "one": StoredTensor(Tensor([1], shape: [])),
      ],
      inputs: [
        OperatorGraph.Value("x", dimensions: [.free("batch"), .fixed(2), .free("h"), .free("w")])
      ],
      outputs: [OperatorGraph.Value("y", dimensions: nil)]
    )
    change(&graph)
    return graph
  }

  /// Kernels count, also those in nodes; single numbers, scales of resizing, sizes and what no output
  /// needs do not.
  @Test func weightsAreCounted() throws {
    #expect(try GraphNetwork(Self.graph()).weightCount == 18)
    let graph = Self.graph { graph in
      graph.constants["idle"] = StoredTensor(Tensor(repeating: 1, shape: [100]))
      graph.constants["scales"] = StoredTensor(Tensor([1, 1, 2, 2], shape: [4]))
      graph.nodes[3] = OperatorGraph.Node("Relu", inputs: ["c"], outputs: ["d"])
      graph.nodes.insert(
        OperatorGraph.Node(
          "Constant",
          inputs: [],
          outputs: ["factors"],
          attributes: ["value": .tensor(StoredTensor(Tensor([2, 3], shape: [1, 2, 1, 1])))]
        ),
        at: 3
      )
      graph.nodes.insert(
        OperatorGraph.Node("Mul", inputs: ["b", "factors"], outputs: ["c"]),
        at: 4
      )
      graph.nodes.append(
        OperatorGraph.Node("Resize", inputs: ["d", "", "scales"], outputs: ["y"])
      )
    }
    #expect(try GraphNetwork(graph).weightCount == 18 + 2)
  }

  @Test func whatNoOutputNeedsNeedNotBeKnown() throws {
    let network = try GraphNetwork(Self.graph())
    #expect(try network.check(inputShape: [3, 2, 5, 4]) == [3, 1, 5, 4])
  }

  @Test func aNetworkOfAGraphRunsInPlans() throws {
    let network = try GraphNetwork(Self.graph())
    var random = RandomStream(seed: 3)
    let x = Tensor((0..<2 * 36).map { _ in Float(random.normal()) }, shape: [1, 2, 6, 6])
    try network.check(inputShape: x.shape)
    let planned = try PlannedNetwork(network)
    expectClose(
      planned(x),
      network(x, in: .inference),
      Tolerance(absolute: 1e-5, relative: 1e-5)
    )
  }

  @Test func anUnknownOperatorIsNamedWithItsNode() throws {
    let graph = Self.graph { graph in
      graph.nodes[3] = OperatorGraph.Node("Guess", name: "last", inputs: ["b"], outputs: ["y"])
    }
    #expect(
      throws: GraphModelsError.unsupportedOperator(name: "Guess", node: "last", opset: 17)
    ) { try GraphNetwork(graph) }
  }

  @Test func operatorsOfOtherDomainsAreNotMistakenForOurs() throws {
    let graph = Self.graph { $0.nodes[3].domain = "com.example" }
    #expect(
      throws: GraphModelsError.unsupportedOperator(
        name: "com.example.Relu",
        node: "y",
        opset: 17
      )
    ) { try GraphNetwork(graph) }
  }

  @Test func unknownAttributesAreRefused() throws {
    let graph = Self.graph { $0.nodes[0].attributes["turns"] = .integer(1) }
    #expect(
      throws: GraphModelsError.unsupportedForm(
        operator: "Conv",
        node: "first",
        reason: "its attribute turns is not known"
      )
    ) { try GraphNetwork(graph) }
  }

  @Test func valuesAreMadeOnceAndBeforeTheyAreRead() throws {
    let late = Self.graph { $0.nodes.swapAt(2, 3) }
    let twice = Self.graph { $0.nodes[2].outputs = ["a"] }
    let nowhere = Self.graph { $0.outputs[0].name = "z" }
    for graph in [late, twice, nowhere] {
      #expect(throws: GraphModelsError.self) { try GraphNetwork(graph) }
    }
  }

  @Test func inputsThatDoNotFitAreErrors() throws {
    let network = try GraphNetwork(Self.graph())
    for shape in [[1, 3, 5, 5], [1, 2, 5], [1, 2, 0, 4]] {
      #expect(throws: GraphModelsError.self) { try network.check(inputShape: shape) }
    }
    #expect(throws: GraphModelsError.unfitInput(name: "x", reason: "it is missing")) {
      try network.run([:])
    }
  }

  @Test func inputsWithFixedValuesAreNotPutIn() throws {
    let graph = Self.graph { graph in
      graph.constants["one"] = nil
      graph.inputs.append(OperatorGraph.Value("one", dimensions: []))
    }
    let network = try GraphNetwork(graph, fixed: ["one": GraphValue(Tensor([1], shape: []))])
    let x = Tensor(repeating: 0.5, shape: [1, 2, 4, 4])
    #expect(network.inputs.map(\.name) == ["x"])
    expectClose(
      network(x, in: .inference),
      try GraphNetwork(Self.graph())(x, in: .inference),
      Tolerance(absolute: 1e-6, relative: 1e-6)
    )
  }

  @Test func damagedFilesGiveErrorsAndNeverCrash() throws {
    let data = try Self.graph { $0.nodes.remove(at: 1) }.encoded()
    var random = RandomStream(seed: 11)
    var errors = 0
    for round in 0..<3000 {
      var damaged = data
      for _ in 0...Int(random.uniform() * 3) {
        let place = Int(random.uniform() * Double(data.count))
        damaged[place] = UInt8(truncatingIfNeeded: Int(random.uniform() * 256))
      }
      if round % 5 == 0 { damaged = damaged.prefix(Int(random.uniform() * Double(data.count))) }
      do {
        let network = try GraphNetwork(try OperatorGraph(damaged, path: "damaged.onnx"))
        try network.check(inputShape: [1, 2, 5, 4])
      } catch is GraphModelsError {
        errors += 1
      }
    }
    #expect(errors > 1000)
  }

  @Test func weightsInOtherFilesStayInTheModelsFolder() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("graph-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // A tensor as the format writes it: sizes, type, name, then where its bytes are.
    func model(_ location: String) -> Data {
      func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(content.count)] + content
      }
      let entry = field(1, Array("location".utf8)) + field(2, Array(location.utf8))
      let tensor: [UInt8] =
        [0x08, 2, 0x10, 1] + field(8, Array("w".utf8)) + field(13, entry) + [0x70, 1]
      let output = field(1, Array("w".utf8))
      let graph = field(5, tensor) + field(12, output)
      return Data([0x08, 8] + field(7, graph) + field(8, [0x10, 17]))
    }
    let weights = Data([0, 0, 128, 63, 0, 0, 0, 64])
    try weights.write(to: folder.appendingPathComponent("weights.bin"))
    let graph = try OperatorGraph(model("weights.bin"), path: "model.onnx", folder: folder)
    #expect(graph.constants["w"]?.tensor.values == [1, 2])
    for location in ["../weights.bin", "/etc/hostname", "missing.bin", "a/../../weights.bin"] {
      #expect(throws: GraphModelsError.self) {
        try OperatorGraph(model(location), path: "model.onnx", folder: folder)
      }
    }
    #expect(throws: GraphModelsError.self) {
      try OperatorGraph(model("weights.bin"), path: "model.onnx")
    }
  }
}
