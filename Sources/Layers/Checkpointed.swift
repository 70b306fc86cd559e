import Tensors

/// A layer whose inner values are not kept for the backward pass but computed again.
///
/// See `checkpointed(_:_:)`. Random numbers, such as dropout's, are the same both times, and running
/// statistics follow the first run alone. Names of parameters are those of the layer inside.
public final class Checkpointed: Layer {
  private let layer: any Layer

  /// Wraps a layer.
  /// - Parameter layer: The layer; its parameters are its only tracked tensors.
  public init(_ layer: any Layer) { self.layer = layer }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] { layer.ownParameters }
  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] { layer.children }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: What the layer takes.
  ///   - context: To train or to predict.
  /// - Returns: What the layer returns.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    guard context.mode == .training else { return layer(x, in: context) }
    let (layer, replay) = (layer, context.replay)
    return checkpointed(x) { x, isAgain in layer(x, in: isAgain ? replay : context) }
  }
}
