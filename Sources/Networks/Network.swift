import Layers

/// A whole network: images in, scores out.
public protocol Network: Layer {
  /// Every spatial axis of the input must be a multiple of this.
  var sizeMultiple: Int { get }
}
