import Foundation
import GraphModels
import Support
import Tensors
import TestSupport
import Testing

/// Graphs within nodes: what no fixture shows.
struct LoopTests {
  private static func node(
    _ name: String,
    _ inputs: [String],
    _ outputs: [String],
    _ attributes: [String: OperatorGraph.Attribute] = [:]
  ) -> OperatorGraph.Node {
    OperatorGraph.Node(name, inputs: inputs, outputs: outputs, attributes: attributes)
  }

  /// next = state + 1, and whether it is below a limit.
  private static func body(_ change: (inout OperatorGraph) -> Void = { _ in }) -> OperatorGraph {
    var graph = OperatorGraph(
      name: "body",
      nodes: [
        node("Add", ["state", "one"], ["next"]),
        node("ReduceMax", ["next"], ["most"], ["keepdims": .integer(0)]),
        node("Less", ["most", "limit"], ["still"]),
      ],
      constants: [
        "one": StoredTensor(Tensor([1], shape: [])), "limit": StoredTensor(Tensor([5], shape: [])),
      ],
      inputs: ["turn", "on", "state"].map { OperatorGraph.Value($0, dimensions: nil) },
      outputs: ["still", "next"].map { OperatorGraph.Value($0, dimensions: nil) }
    )
    change(&graph)
    return graph
  }

  private static func graph(
    _ nodes: [OperatorGraph.Node],
    constants: [String: StoredTensor] = [:]
  ) -> OperatorGraph {
    OperatorGraph(
      name: "outer",
      nodes: nodes,
      constants: constants,
      inputs: [OperatorGraph.Value("x", dimensions: [.free("n")])],
      outputs: [OperatorGraph.Value("y", dimensions: nil)]
    )
  }

  private static func loop(
    _ inputs: [String] = ["", "start", "x"],
    _ body: OperatorGraph = body()
  ) -> OperatorGraph {
    graph(
      [node("Loop", inputs, ["y"], ["body": .graph(body)])],
      constants: [
        "start": StoredTensor(integers: [1], shape: []),
        "none": StoredTensor(integers: [0], shape: []),
        "many": StoredTensor(integers: [.max], shape: []),
      ]
    )
  }

  @Test func aLoopWhoseEndTheInputDecidesRunsButCannotBePlanned() throws {
    let network = try GraphNetwork(Self.loop())
    let x = Tensor([0.5, 2], shape: [2])
    let result = try network.run(["x": GraphValue(x)])
    // 3, 4, and 5, which is not below 5 any more.
    #expect(result["y"]?.tensor.values == [3.5, 5])
    let error = #expect(throws: GraphModelsError.self) {
      try GraphPlan(network, shapes: ["x": [2]])
    }
    #expect(error?.failure == .missingComponent)
    #expect(error?.description.contains("how often it runs depends on the values") == true)
  }

  @Test func aLoopThatRunsNeverGivesItsState() throws {
    let network = try GraphNetwork(Self.loop(["none", "", "x"]))
    let result = try network.run(["x": GraphValue(Tensor([0.5], shape: [1]))])
    #expect(result["y"]?.tensor.values == [0.5])
  }

  @Test func aLoopWithoutEndIsRefused() throws {
    let endless = Self.body {
      $0.nodes = [
        Self.node("Identity", ["state"], ["next"]), Self.node("Identity", ["on"], ["still"]),
      ]
    }
    // A body that does nothing ends no sooner.
    let idle = Self.body {
      $0.nodes = []
      $0.outputs = ["on", "state"].map { OperatorGraph.Value($0, dimensions: nil) }
    }
    for (count, body) in [("", endless), ("many", endless), ("", idle), ("many", idle)] {
      let network = try GraphNetwork(Self.loop([count, "", "x"], body))
      let error = #expect(throws: GraphModelsError.self) {
        try network.run(["x": GraphValue(Tensor([0.5], shape: [1]))])
      }
      #expect(error?.failure == .missingComponent)
      #expect(error?.description.contains("nodes within nodes") == true)
    }
  }

  @Test func aBodyOfOtherInputsIsRefused() throws {
    for change: (inout OperatorGraph) -> Void in [
      { $0.inputs.removeLast() }, { $0.outputs.removeLast() },
      { $0.nodes[0].inputs[0] = "nothing" }, { $0.nodes[0].operatorName = "Guess" },
    ] {
      let error = #expect(throws: GraphModelsError.self) {
        let network = try GraphNetwork(Self.loop(["", "start", "x"], Self.body(change)))
        _ = try network.run(["x": GraphValue(Tensor([0.5], shape: [1]))])
      }
      #expect(error != nil)
    }
  }

  @Test func branchesOfOtherShapesCannotBeDecidedByTheInput() throws {
    func branch(_ nodes: [OperatorGraph.Node]) -> OperatorGraph.Attribute {
      .graph(
        OperatorGraph(
          name: "branch",
          nodes: nodes,
          outputs: [OperatorGraph.Value("b", dimensions: nil)]
        )
      )
    }
    let network = try GraphNetwork(
      Self.graph([
        Self.node("ReduceSum", ["x"], ["sum"], ["keepdims": .integer(0)]),
        Self.node("Cast", ["sum"], ["c"], ["to": .integer(9)]),
        Self.node(
          "If",
          ["c"],
          ["y"],
          [
            "then_branch": branch([Self.node("Identity", ["x"], ["b"])]),
            "else_branch": branch([Self.node("Concat", ["x", "x"], ["b"], ["axis": .integer(0)])]),
          ]
        ),
      ])
    )
    let result = try network.run(["x": GraphValue(Tensor([0, 0], shape: [2]))])
    #expect(result["y"]?.shape == [4])
    let error = #expect(throws: GraphModelsError.self) {
      try GraphPlan(network, shapes: ["x": [2]])
    }
    #expect(error?.description.contains("its branches give other shapes") == true)
  }

  @Test func aSequenceIsNoTensor() throws {
    for nodes in [
      [Self.node("SequenceConstruct", ["x"], ["s"]), Self.node("Relu", ["s"], ["y"])],
      [Self.node("SequenceConstruct", ["x"], ["y"])],
      [Self.node("SequenceLength", ["x"], ["y"])],
      [
        Self.node("SequenceConstruct", ["x"], ["s"]),
        Self.node("SequenceInsert", ["s", "s"], ["t"]),
        Self.node("SequenceLength", ["t"], ["y"]),
      ],
      [
        Self.node("SequenceEmpty", [], ["s"]),
        Self.node("ConcatFromSequence", ["s"], ["y"], ["axis": .integer(0)]),
      ],
    ] {
      let error = #expect(throws: GraphModelsError.self) {
        _ = try GraphNetwork(Self.graph(nodes)).run(["x": GraphValue(Tensor([1], shape: [1]))])
      }
      #expect(error?.failure == .damagedInput)
    }
  }
}
