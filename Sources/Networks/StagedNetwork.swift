import Layers
import Tensors

/// A network that can be cut in two: feature maps at several resolutions, and what is made of them.
///
/// Explanations weigh the maps by the gradient of a score with respect to them.
public protocol StagedNetwork: Network {
  /// Finds features.
  /// - Parameters:
  ///   - x: As the network takes it.
  ///   - context: To train or to predict.
  /// - Returns: Feature maps, `[N, F, ...]`, the finest first.
  func maps(_ x: Tensor, in context: Context) -> [Tensor]

  /// Makes the output of them, without an input that the network adds to it.
  /// - Parameters:
  ///   - maps: What `maps` gave.
  ///   - context: To train or to predict.
  /// - Returns: What the network gives.
  func output(of maps: [Tensor], in context: Context) -> Tensor
}

extension PlainConvUNet: StagedNetwork {
  /// The outputs of the stages on the way down.
  /// - Parameters:
  ///   - x: As the network takes it.
  ///   - context: To train or to predict.
  /// - Returns: Full resolution first.
  public func maps(_ x: Tensor, in context: Context) -> [Tensor] { skips(of: x, in: context) }

  /// The way up, and the head of full resolution.
  /// - Parameters:
  ///   - maps: What `maps` gave.
  ///   - context: To train or to predict.
  /// - Returns: Logits.
  public func output(of maps: [Tensor], in context: Context) -> Tensor {
    decoder.scores(of: maps, allHeads: false, in: context)[0]
  }
}

extension ResidualEncoderUNet: StagedNetwork {
  /// The outputs of the stages on the way down.
  /// - Parameters:
  ///   - x: As the network takes it.
  ///   - context: To train or to predict.
  /// - Returns: Full resolution first.
  public func maps(_ x: Tensor, in context: Context) -> [Tensor] { skips(of: x, in: context) }

  /// The way up, and the head of full resolution.
  /// - Parameters:
  ///   - maps: What `maps` gave.
  ///   - context: To train or to predict.
  /// - Returns: Logits.
  public func output(of maps: [Tensor], in context: Context) -> Tensor {
    decoder.scores(of: maps, allHeads: false, in: context)[0]
  }
}
