import Tensors

extension OperatorGraph {
  /// Makes a graph of a network of ncnn.
  ///
  /// Known are the layers of networks that restore, enlarge or segment images: convolutions and transposed
  /// ones with their activations, normalisations, activations, sums and other arithmetic, concatenation,
  /// interpolation, sub-pixel shuffles and their reverse, padding and pooling.
  /// - Parameter source: The network.
  /// - Throws: `GraphModelsError.unsupportedOperator` for another layer, `.unsupportedForm` for a form of one
  ///   that is not known, `.unfitInput` when it has not one input and one output, or does not tell its
  ///   channels.
  public init(ncnn source: NCNNModel) throws {
    var converter = NCNNConverter(source)
    try converter.run()
    let outputs = try converter.outputs()
    self.init(
      name: "ncnn",
      nodes: converter.nodes,
      constants: converter.constants,
      inputs: [try converter.input()],
      outputs: outputs
    )
    producer = ("ncnn", "")
  }
}
