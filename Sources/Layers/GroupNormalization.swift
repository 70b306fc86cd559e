import Tensors

/// Group normalisation with a learned scale and shift for each channel.
///
/// Wu and He 2018. The same in training and prediction.
public final class GroupNormalization: Layer {
  /// Into how many groups the channels are split.
  public let groups: Int
  /// γ, `[channels]`.
  public let weight: Parameter
  /// β, `[channels]`.
  public let bias: Parameter
  /// Added to the variance.
  public let epsilon: Float

  /// Creates a layer with scale 1 and shift 0.
  /// - Parameters:
  ///   - groups: Into how many groups the channels are split.
  ///   - channels: Channels of input and output.
  ///   - epsilon: Added to the variance.
  /// - Precondition: The number of groups divides the channels.
  public init(groups: Int, channels: Int, epsilon: Float = 1e-5) {
    precondition(groups > 0 && channels % groups == 0, "\(channels) channels in \(groups) groups")
    self.groups = groups
    weight = Parameter(Tensor(repeating: 1, shape: [channels]))
    bias = Parameter(Tensor(repeating: 0, shape: [channels]))
    self.epsilon = epsilon
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] {
    [("weight", weight), ("bias", bias)]
  }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: `[N, channels, spatial…]`.
  ///   - context: To train or to predict.
  /// - Returns: The shape of `x`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    groupNormalization(
      x,
      groups: groups,
      scale: weight.value(in: context),
      shift: bias.value(in: context),
      epsilon: epsilon
    )
  }
}
