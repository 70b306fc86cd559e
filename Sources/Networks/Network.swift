import Layers
import Tensors

/// A whole network: images in, scores or images out.
public protocol Network: Layer {
  /// Every spatial axis of the input must be a multiple of this.
  var sizeMultiple: Int { get }
  /// What each spatial axis of the input must be a multiple of; one number stands for all axes.
  var axisMultiples: [Int] { get }
  /// How many times larger the output is than the input along each spatial axis.
  var outputScale: Int { get }
  /// The number of its weights, running statistics left out.
  var weightCount: Int { get }
}

extension Network {
  /// The same for all axes.
  public var axisMultiples: [Int] { [sizeMultiple] }

  /// The output has the input's size.
  public var outputScale: Int { 1 }

  /// The number of trainable values.
  public var weightCount: Int { trainableCount }
}

/// A network that gives scores at several resolutions, for training with deep supervision.
public protocol DeeplySupervisedNetwork: Network {
  /// Computes the class scores of every head.
  /// - Parameters:
  ///   - x: As the network takes it.
  ///   - context: To train or to predict.
  /// - Returns: Logits, the highest resolution first; one where the network has no further heads.
  func allScores(_ x: Tensor, in context: Context) -> [Tensor]
}
