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

/// A network that gives one vector for an image: scores of classes, or an embedding.
public protocol VectorNetwork: Network {
  /// Finds features.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: The last feature maps before anything is averaged, `[N, F, H′, W′]`.
  func features(_ x: Tensor, in context: Context) -> Tensor

  /// Sums the feature maps up.
  /// - Parameters:
  ///   - features: What `features` gave.
  ///   - context: To train or to predict.
  /// - Returns: What the last layer sees, `[N, E]`.
  func embedding(of features: Tensor, in context: Context) -> Tensor

  /// The last layer.
  /// - Parameters:
  ///   - embedding: What `embedding` gave.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  func scores(of embedding: Tensor, in context: Context) -> Tensor
}

extension VectorNetwork {
  /// Computes scores: features, their summary, and the last layer.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    scores(of: embedding(of: features(x, in: context), in: context), in: context)
  }

  /// Any size that is not too small for the strides will do.
  public var sizeMultiple: Int { 1 }
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
