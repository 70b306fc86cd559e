import GraphModels
import Support
import Tensors
import TestSupport
import Testing

/// Operands that do not fit their operator are an error before anything is computed.
struct OperandCheckTests {
  struct Misfit: Sendable, CustomTestStringConvertible {
    let name: String
    let shapes: [[Int]]
    var attributes: [String: OperatorGraph.Attribute] = [:]
    /// Whole numbers in the place of operands, by place.
    var integers: [Int: [Int]] = [:]
    var testDescription: String { "\(name) \(shapes) \(integers)" }
  }

  static let misfits: [Misfit] = [
    // A mask of other queries, too many keys, heads that do not divide, keys without values.
    Misfit(name: "Attention", shapes: [[1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 4], [2, 5]]),
    Misfit(name: "Attention", shapes: [[1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 4], [3, 6]]),
    Misfit(name: "Attention", shapes: [[1, 3, 3, 4], [1, 2, 5, 4], [1, 2, 5, 4]]),
    Misfit(name: "Attention", shapes: [[1, 3, 4], [1, 5, 4], [1, 5, 4]]),
    Misfit(
      name: "Attention",
      shapes: [[1, 3, 4], [1, 5, 4], [1, 5, 4]],
      attributes: ["q_num_heads": .integer(3), "kv_num_heads": .integer(1)]
    ),
    Misfit(name: "Attention", shapes: [[1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 4, 4]]),
    Misfit(
      name: "Attention",
      shapes: [[1, 1, 2, 4], [1, 1, 2, 4], [1, 1, 2, 4], [2, 2], [1, 1, 1, 3], [1, 1, 1, 4]]
    ),
    Misfit(name: "RotaryEmbedding", shapes: [[1, 2, 3, 4], [1, 3, 3], [1, 3, 3]]),
    Misfit(name: "RotaryEmbedding", shapes: [[1, 3, 8], [1, 3, 2], [1, 3, 2]]),
    Misfit(
      name: "RotaryEmbedding",
      shapes: [[1, 1, 2, 4], [3, 2], [3, 2], [1, 2]],
      integers: [3: [0, 3]]
    ),
    Misfit(name: "RMSNormalization", shapes: [[2, 3], [4]]),
    Misfit(name: "SwiGLU", shapes: [[2, 3], [3]]),
    Misfit(name: "CenterCropPad", shapes: [[2, 3], [2]], integers: [1: [-1, 3]]),
    Misfit(name: "CenterCropPad", shapes: [[2, 3], [1]], integers: [1: [3]]),
    Misfit(name: "Col2Im", shapes: [[1, 4, 5], [2], [2]], integers: [1: [3, 3], 2: [2, 2]]),
    Misfit(name: "Col2Im", shapes: [[1, 4, 4], [2], [2]], integers: [1: [3, 3], 2: [0, 2]]),
    Misfit(
      name: "Col2Im",
      shapes: [[1, 4, 4], [2], [2]],
      attributes: ["pads": .integers([.max, 0, 0, 0])],
      integers: [1: [3, 3], 2: [2, 2]]
    ),
    Misfit(name: "DeformConv", shapes: [[1, 2, 3, 3], [1, 2, 2, 2], [1, 8, 3, 3]]),
    Misfit(
      name: "DeformConv",
      shapes: [[1, 2, 3, 3], [1, 2, 2, 2], [1, 8, 2, 2]],
      attributes: ["group": .integer(.max)]
    ),
    Misfit(
      name: "DeformConv",
      shapes: [[1, 2, 3, 3], [1, 2, 2, 2], [1, 8, 2, 2]],
      attributes: ["dilations": .integers([9, 9])]
    ),
    Misfit(
      name: "NegativeLogLikelihoodLoss",
      shapes: [[2, 3], [2]],
      integers: [1: [0, 3]]
    ),
    Misfit(name: "SoftmaxCrossEntropyLoss", shapes: [[2, 3], [3]], integers: [1: [0, 1, 2]]),
    Misfit(name: "DFT", shapes: [[2, 3]]),
    Misfit(name: "DFT", shapes: [[2, 4, 3]]),
    Misfit(name: "DFT", shapes: [[2, 4, 1], []], integers: [1: [.max]]),
    Misfit(name: "STFT", shapes: [[1, 4, 1], [], [5]], integers: [1: [1]]),
    Misfit(name: "STFT", shapes: [[1, 4, 1], [], [2]], integers: [1: [0]]),
    Misfit(name: "HannWindow", shapes: [[]], integers: [0: [-1]]),
    Misfit(name: "CumProd", shapes: [[2], []], integers: [1: [1]]),
    Misfit(name: "SplitToSequence", shapes: [[4], [2]], integers: [1: [1, 2]]),
    Misfit(name: "SplitToSequence", shapes: [[4], []], integers: [1: [0]]),
    Misfit(name: "Loop", shapes: [[], []], integers: [0: [1], 1: [1]]),
    Misfit(name: "Scan", shapes: [[2]], attributes: ["num_scan_inputs": .integer(1)]),
    Misfit(name: "If", shapes: [[2]], integers: [0: [1, 0]]),
  ]

  @Test(arguments: misfits)
  func misfitsAreRefused(_ misfit: Misfit) throws {
    var graph = OperatorGraph(
      name: "misfit",
      inputs: [OperatorGraph.Value("unused", dimensions: nil)],
      outputs: [OperatorGraph.Value("y", dimensions: nil)],
      opset: 25
    )
    let names = misfit.shapes.indices.map { "x\($0)" }
    for (place, shape) in misfit.shapes.enumerated() {
      graph.constants[names[place]] =
        misfit.integers[place].map { StoredTensor(integers: $0, shape: shape) }
        ?? StoredTensor(Tensor(repeating: 1, shape: shape))
    }
    graph.nodes = [
      OperatorGraph.Node(
        misfit.name,
        inputs: names,
        outputs: ["y"],
        attributes: misfit.attributes
      )
    ]
    let error = #expect(throws: GraphModelsError.self) { try GraphNetwork(graph) }
    switch error {
    case .invalidNode(let name, _, _), .unsupportedForm(let name, _, _):
      #expect(name == misfit.name)
    default: Issue.record("\(String(describing: error))")
    }
  }
}
