import Layers
public import Networks
import Support
import Tensors

/// What an exported network needs that is no part of the network.
public struct GraphExportOptions: Sendable {
  /// Of detectors of two stages: the least probability of a finding, one for all classes or one for each.
  public var leastScores = [0.05]
  /// Of networks that write sentences: the most words.
  public var maximumWords = 40

  /// Creates the options with the values that their declarations show.
  public init() {}
}

extension OperatorGraph {
  /// Writes a network down as a graph of ONNX's operators, version 17.
  ///
  /// The network is traced. Weights keep their names, as in a state dictionary. The number of samples and the
  /// steps of a sequence are free where traces of other numbers give the same graph; spatial sizes are where
  /// no step of the network is known to depend on them, in multiples of the network's `sizeMultiple`. A network
  /// that is a graph already, of a file, is returned as the file has it.
  ///
  /// Detectors of two stages take one image and give `boxes`, `[D, 4]` in pixels of the input, their `labels`
  /// from 0, `scores` and, with a mask head, `masks` of probabilities within the boxes, by falling score.
  /// Networks that write sentences give the likeliest word after each (no beams) as `tokens`, `[N, words]`,
  /// filled up with marks of the end, and `attention`, `[N, words, places]`.
  /// - Parameters:
  ///   - network: The network.
  ///   - inputShape: The input that is traced, `[N, C, H, W]` or with depth.
  ///   - name: The graph's name.
  ///   - inputName: The name of its input.
  ///   - outputName: The name of its output, where there is one.
  ///   - options: What detectors and writers of sentences need beside the network.
  /// - Returns: The graph.
  /// - Throws: `GraphModelsError.notExportable` when a step has no counterpart.
  /// - Precondition: The network takes an input of this shape.
  public static func exported(
    from network: any Network,
    inputShape: [Int],
    name: String = "network",
    inputName: String = "input",
    outputName: String = "output",
    options: GraphExportOptions = GraphExportOptions()
  ) throws -> OperatorGraph {
    let input = GraphInput(name: inputName, shape: inputShape)
    switch network {
    case let network as GraphNetwork:
      var graph = network.graph
      graph.name = name
      return graph
    case let network as RegionNetwork:
      var export = try RegionExport(network, input, options, name: name)
      return try export.graph()
    case let network as CaptionNetwork:
      return try CaptionExport(network, options).graph(input, name: name)
    default:
      let isSequence = network is SignalClassifier || network is ClipClassifier
      return try input.freed(isSequence ? [[0, 2], [2], [0]] : [[0]]) {
        try $0.exporter(of: network, name, outputName, fixesSpace: isSequence)
      }
    }
  }

  /// Writes a layer of one input and one output down, of whose sizes only the number of samples may be free:
  /// a network that makes images of vectors, for one.
  /// - Parameters:
  ///   - layer: The layer.
  ///   - inputShape: The input that is traced, `[N, ...]`.
  ///   - name: The graph's name.
  ///   - inputName: The name of its input.
  ///   - outputName: The name of its output.
  /// - Returns: The graph.
  /// - Throws: `GraphModelsError.notExportable` when a step has no counterpart.
  /// - Precondition: The layer takes an input of this shape.
  package static func exported(
    layer: any Layer,
    inputShape: [Int],
    name: String,
    inputName: String,
    outputName: String
  ) throws -> OperatorGraph {
    try GraphInput(name: inputName, shape: inputShape).freed([[0]]) {
      try $0.exporter(of: layer, name, outputName, fixesSpace: true)
    }
  }

  /// Whether another graph computes the same with the same weights, which neither holds.
  fileprivate func isSame(as other: OperatorGraph) throws -> Bool {
    guard constants.keys == other.constants.keys else { return false }
    for (name, tensor) in constants {
      guard let twin = other.constants[name], twin.type == tensor.type,
        twin.shape == tensor.shape, twin.bytes == tensor.bytes
      else { return false }
    }
    func plain(_ graph: OperatorGraph) -> OperatorGraph {
      OperatorGraph(name: "", nodes: graph.nodes, opset: graph.opset)
    }
    return try plain(self).encoded() == plain(other).encoded()
  }
}

/// The input of a network that is written down.
struct GraphInput {
  let name: String
  let shape: [Int]
  /// Axes whose sizes are free.
  private(set) var freeAxes: Set<Int> = []

  init(name: String, shape: [Int]) {
    self.name = name
    self.shape = shape
  }

  private init(_ other: GraphInput, axes: [Int], extra: Int) {
    name = other.name
    freeAxes = Set(axes)
    // Axes of one value look like none.
    shape = other.shape.enumerated().map { axis, size in
      axes.contains(axis) ? max(2, size) + extra : size
    }
  }

  /// Finds sizes that may be any: other sizes give the same graph.
  /// - Parameters:
  ///   - choices: Axes that may be free together, the best choice first.
  ///   - export: Writes the network down for an input.
  /// - Returns: The graph.
  /// - Throws: What `export` throws.
  func freed(
    _ choices: [[Int]],
    _ export: (GraphInput) throws -> GraphExporter
  ) throws -> OperatorGraph {
    for axes in choices {
      let first = try export(GraphInput(self, axes: axes, extra: 0))
      let second = try export(GraphInput(self, axes: axes, extra: 1))
      if try first.graph.isSame(as: second.graph) { return first.finished }
    }
    return try export(self).finished
  }

  /// Writes a layer of one output down for this input.
  /// - Parameters:
  ///   - layer: The layer.
  ///   - name: The graph's name.
  ///   - outputName: The name of its output.
  ///   - fixesSpace: Whether spatial sizes are those of the trace, whatever its steps.
  /// - Returns: The graph with its declarations.
  /// - Throws: `GraphModelsError.notExportable`.
  func exporter(
    of layer: any Layer,
    _ name: String,
    _ outputName: String,
    fixesSpace: Bool
  ) throws -> GraphExporter {
    var exporter = GraphExporter(layer, name: name)
    let shapes = try exporter.write(inputs: [(self.name, shape)]) {
      [(outputName, layer($0[0], in: .inference))]
    }
    let isFixed = exporter.fixesSpace || fixesSpace
    func declared(_ name: String, isInput: Bool, _ shape: [Int]) -> OperatorGraph.Value {
      OperatorGraph.Value(name, dimensions: dimensions(ofInput: isInput, shape, isFixed))
    }
    exporter.declare(
      inputs: [declared(self.name, isInput: true, shape)],
      outputs: [declared(outputName, isInput: false, shapes[0])]
    )
    return exporter
  }

  /// The declaration of sizes.
  func dimensions(
    ofInput isInput: Bool,
    _ shape: [Int],
    _ fixesSpace: Bool
  ) -> [OperatorGraph.Dimension] {
    shape.enumerated().map { axis, size in
      if axis == 0 { return freeAxes.contains(0) ? .free("batch") : .fixed(size) }
      if axis == 2, isInput, freeAxes.contains(2) { return .free("steps") }
      if axis == 1 || fixesSpace { return .fixed(size) }
      let place = axis + 3 - shape.count
      return .free(isInput && place >= 0 ? ["depth", "height", "width"][place] : "")
    }
  }
}
