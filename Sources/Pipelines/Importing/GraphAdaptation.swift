import GraphModels

/// Graphs brought into the form that predictions take: one image, channels first, one result.
enum GraphAdaptation {
  private static let imageName = "lamina.image"
  private static let resultName = "lamina.scores"
  private static let splitName = "lamina.split"

  /// Joins the inputs of a graph whose channels come last to one whose channels come first.
  ///
  /// The channels of the new input are those of the old ones, those with fewer channels first; equal
  /// ones keep their order.
  /// - Parameters:
  ///   - graph: A graph with inputs `[N, axes..., channels]` and one such output.
  ///   - path: What it is called in messages.
  /// - Returns: A graph with one input `[N, channels, axes...]` and one such output.
  /// - Throws: `PipelinesError.unsupportedModel`.
  static func channelsFirst(
    _ graph: OperatorGraph,
    path: String
  ) throws(PipelinesError) -> OperatorGraph {
    func unsupported(_ reason: String) -> PipelinesError {
      .unsupportedModel(path: path, reason: reason)
    }
    let inputs = graph.inputs.filter { graph.constants[$0.name] == nil }
    let channels = inputs.map { $0.dimensions?.last?.size ?? 0 }
    guard let rank = inputs.first?.dimensions?.count, (3...5).contains(rank),
      inputs.allSatisfy({ $0.dimensions?.count == rank && $0.type == .float32 }),
      channels.allSatisfy({ (1...4096).contains($0) }), let output = graph.outputs.first,
      graph.outputs.count == 1, output.dimensions?.count == rank
    else { throw unsupported("its inputs and output are not images whose channels come last") }
    let order = inputs.indices.sorted { (channels[$0], $0) < (channels[$1], $1) }
    let axes = Array(1..<rank - 1)
    var result = graph
    var nodes: [OperatorGraph.Node] = []
    let parts = order.map { "lamina.part.\($0)" }
    if order.count > 1 {
      let sizes = order.map { channels[$0] }
      if graph.opset >= 13 {
        result.constants[splitName] = StoredTensor(integers: sizes)
        nodes.append(
          OperatorGraph.Node(
            "Split",
            inputs: [imageName, splitName],
            outputs: parts,
            attributes: ["axis": .integer(1)]
          )
        )
      } else {
        nodes.append(
          OperatorGraph.Node(
            "Split",
            inputs: [imageName],
            outputs: parts,
            attributes: ["axis": .integer(1), "split": .integers(sizes)]
          )
        )
      }
    }
    for (part, index) in zip(parts, order) {
      nodes.append(
        OperatorGraph.Node(
          "Transpose",
          inputs: [order.count > 1 ? part : imageName],
          outputs: [inputs[index].name],
          attributes: ["perm": .integers([0] + axes.map { $0 + 1 } + [1])]
        )
      )
    }
    nodes += graph.nodes
    nodes.append(
      OperatorGraph.Node(
        "Transpose",
        inputs: [output.name],
        outputs: [resultName],
        attributes: ["perm": .integers([0, rank - 1] + axes)]
      )
    )
    func moved(_ value: OperatorGraph.Value, _ count: OperatorGraph.Dimension, _ name: String)
      -> OperatorGraph.Value
    {
      let dimensions = value.dimensions ?? []
      return OperatorGraph.Value(
        name,
        dimensions: [dimensions[0], count] + axes.map { dimensions[$0] }
      )
    }
    result.nodes = nodes
    result.inputs = [moved(inputs[order[0]], .fixed(channels.reduce(0, +)), imageName)]
    result.outputs = [moved(output, output.dimensions?.last ?? .free("C"), resultName)]
    return result
  }

  /// Whether the last dimension of an image of this rank is its channels rather than the second.
  /// - Parameter value: An input.
  /// - Returns: Nil when neither is a number of channels that can be told from a size.
  static func hasChannelsLast(_ value: OperatorGraph.Value) -> Bool? {
    guard let dimensions = value.dimensions, (4...5).contains(dimensions.count) else { return nil }
    func isChannels(_ dimension: OperatorGraph.Dimension) -> Bool {
      dimension.size.map { (1...16).contains($0) } ?? false
    }
    let (second, last) = (isChannels(dimensions[1]), isChannels(dimensions[dimensions.count - 1]))
    return second == last ? nil : last
  }
}
