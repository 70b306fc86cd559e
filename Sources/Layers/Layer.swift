import Tensors

/// A part of a network: a function of a tensor, with parameters.
///
/// Layers are constant; what changes lives in their parameters. Names are joined with dots, as in
/// PyTorch's state dictionaries.
public protocol Layer: Sendable {
  /// Applies the layer.
  /// - Parameters:
  ///   - x: The input; each layer's documentation gives the layout.
  ///   - context: To train or to predict.
  /// - Returns: The output.
  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor

  /// The layer's own parameters by name.
  var ownParameters: [(name: String, parameter: Parameter)] { get }

  /// The layers inside by name.
  var children: [(name: String, layer: any Layer)] { get }
}

extension Layer {
  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] { [] }
  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] { [] }

  /// All parameters by dotted name, in a fixed order.
  public var namedParameters: [(name: String, parameter: Parameter)] {
    ownParameters
      + children.flatMap { child in
        child.layer.namedParameters.map { (child.name + "." + $0.name, $0.parameter) }
      }
  }

  /// The number of trainable values.
  public var trainableCount: Int {
    namedParameters.lazy.filter(\.parameter.isTrainable)
      .reduce(0) { $0 + $1.parameter.shape.reduce(1, *) }
  }
}
