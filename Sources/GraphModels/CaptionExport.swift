import Layers
import Networks
import Support
import Tensors

/// A network that writes sentences as one graph, in which a loop adds the likeliest word until all
/// sentences have ended.
struct CaptionExport {
  private let network: CaptionNetwork
  private let maximumWords: Int

  /// Added to the scores of marks that no sentence holds.
  private static let never: Float = -1e30

  init(_ network: CaptionNetwork, _ options: GraphExportOptions) {
    self.network = network
    maximumWords = options.maximumWords
  }

  func graph(_ input: GraphInput, name: String) throws -> OperatorGraph {
    try input.freed([[0]]) { input in
      var exporter = GraphExporter(network, name: name)
      try write(input, to: &exporter)
      return exporter
    }
  }

  private func write(_ input: GraphInput, to exporter: inout GraphExporter) throws {
    let shapes = try exporter.write(inputs: [(input.name, input.shape)]) { inputs in
      let places = network.places(of: inputs[0], in: .inference)
      let state = network.begin(places, in: .inference)
      return [("places", places), ("first_hidden", state.hidden), ("first_cell", state.cell)]
    }
    let loop = try body(shapes, &exporter)
    // One mark of the start for each image.
    let whole = exporter.node("Shape", ["places"])
    let count = exporter.node(
      "Slice",
      [whole, exporter.constant([0], "start"), exporter.constant([1], "end")]
    )
    func filled(_ value: Int) -> String {
      exporter.node(
        "ConstantOfShape",
        [count],
        ["value": .tensor(StoredTensor(integers: [value]))]
      )
    }
    let (start, ended) = (filled(CaptionNetwork.startToken), filled(0))
    let most = exporter.constant(StoredTensor(integers: [maximumWords], shape: []), "words")
    let isOpen = exporter.node(
      "Cast",
      [exporter.constant(StoredTensor(integers: [1], shape: []), "open")],
      ["to": .integer(GraphNumberType.bool.rawValue)]
    )
    let results = exporter.nodes(
      "Loop",
      [most, isOpen, start, ended, "first_hidden", "first_cell"],
      ["body": .graph(loop)],
      results: 6
    )
    _ = exporter.node(
      "Transpose",
      [results[4]],
      ["perm": .integers([1, 0])],
      result: "tokens"
    )
    _ = exporter.node(
      "Transpose",
      [results[5]],
      ["perm": .integers([1, 0, 2])],
      result: "attention"
    )
    let samples: OperatorGraph.Dimension =
      input.freeAxes.contains(0) ? .free("batch") : .fixed(input.shape[0])
    exporter.declare(
      inputs: [
        OperatorGraph.Value(
          input.name,
          dimensions: input.dimensions(ofInput: true, input.shape, exporter.fixesSpace)
        )
      ],
      outputs: [
        OperatorGraph.Value("tokens", type: .int64, dimensions: [samples, .free("words")]),
        OperatorGraph.Value(
          "attention",
          dimensions: [samples, .free("words"), .fixed(shapes[0][1])]
        ),
      ]
    )
  }

  /// What is done for each word.
  private func body(
    _ shapes: [[Int]],
    _ exporter: inout GraphExporter
  ) throws -> OperatorGraph {
    let configuration = network.configuration
    let samples = shapes[0][0]
    let word = [samples, configuration.wordFeatures]
    func scalar(_ name: String, _ type: GraphNumberType) -> OperatorGraph.Value {
      OperatorGraph.Value(name, type: type, dimensions: [])
    }
    func row(_ name: String) -> OperatorGraph.Value {
      OperatorGraph.Value(name, type: .int64, dimensions: [.free("")])
    }
    func state(_ name: String) -> OperatorGraph.Value {
      OperatorGraph.Value(name, dimensions: [.free(""), .fixed(configuration.width)])
    }
    return try exporter.body(
      "word",
      inputs: [
        scalar("turn", .int64), scalar("was_open", .bool), row("last_token"), row("had_ended"),
        state("hidden"), state("cell"),
      ]
    ) { exporter in
      let table = exporter.constant(network.wordTable, hint: "words")
      let vectors = exporter.node("Gather", [table, "last_token"], ["axis": .integer(0)])
      try exporter.write(
        inputs: [
          (vectors, word), ("places", shapes[0]), ("hidden", shapes[1]), ("cell", shapes[2]),
        ]
      ) { inputs in
        let step = network.step(
          word: inputs[0],
          inputs[1],
          from: CaptionNetwork.State(hidden: inputs[2], cell: inputs[3]),
          in: .inference
        )
        return [
          ("word_scores", step.scores), ("looked", step.attention),
          ("next_hidden", step.state.hidden), ("next_cell", step.state.cell),
        ]
      }
      var marks = [Float](repeating: 0, count: configuration.outputChannels)
      for mark in [CaptionNetwork.startToken, CaptionNetwork.unknownToken]
      where mark < marks.count { marks[mark] = Self.never }
      let allowed = exporter.node(
        "Add",
        ["word_scores", exporter.constant(Tensor(marks, shape: [marks.count]), hint: "marks")]
      )
      let best = exporter.node(
        "ArgMax",
        [allowed],
        ["axis": .integer(1), "keepdims": .integer(0)]
      )
      let end = exporter.constant([CaptionNetwork.endToken], "end")
      let had = exporter.node(
        "Cast",
        ["had_ended"],
        ["to": .integer(GraphNumberType.bool.rawValue)]
      )
      let token = exporter.node("Where", [had, end, best], result: "token")
      let ended = exporter.node(
        "Cast",
        [exporter.node("Equal", [token, end])],
        ["to": .integer(GraphNumberType.int64.rawValue)],
        result: "has_ended"
      )
      let all = exporter.node("ReduceMin", [ended], ["keepdims": .integer(0)])
      let isOpen = exporter.node(
        "Less",
        [all, exporter.constant(StoredTensor(integers: [1], shape: []), "one")],
        result: "is_open"
      )
      _ = exporter.node("Identity", [token], result: "word")
      _ = exporter.node("Identity", ["looked"], result: "place_shares")
      return [
        scalar(isOpen, .bool), row(token), row(ended), state("next_hidden"), state("next_cell"),
        row("word"),
        OperatorGraph.Value("place_shares", dimensions: [.free(""), .fixed(shapes[0][1])]),
      ]
    }
  }
}
