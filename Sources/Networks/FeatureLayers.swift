import Layers
import Tensors

/// Which normalisation a network applies to feature maps; a value for configurations.
public enum FeatureNormalization: Codable, Sendable, Hashable {
  /// None.
  case none
  /// Over samples and space, with running statistics for prediction, scale and shift.
  case batch
  /// Over space, for each sample; with a learned scale and shift, or without.
  case instance(isAffine: Bool)
  /// Over space and groups of neighbouring channels, for each sample, with scale and shift.
  case group(groups: Int)

  /// Whether the number of channels can be normalised so.
  func fits(channels: Int) -> Bool {
    if case .group(let groups) = self { groups > 0 && channels % groups == 0 } else { true }
  }

  /// The layer, or nil for none.
  func layer(channels: Int) -> (any Layer)? {
    switch self {
    case .none: nil
    case .batch: BatchNormalization(channels: channels)
    case .instance(let isAffine): InstanceNormalization(channels: channels, isAffine: isAffine)
    case .group(let groups): GroupNormalization(groups: groups, channels: channels)
    }
  }
}

/// Which activation a network applies to feature maps; a value for configurations.
public enum FeatureActivation: Codable, Sendable, Hashable {
  /// None.
  case none
  /// v for v > 0, else 0.
  case relu
  /// v for v > 0, else a multiple, 0 to 1.
  case leakyReLU(negativeSlope: Float)
  /// v for v > 0, else a learned multiple: one for all channels, or one for each.
  case parametricReLU(perChannel: Bool)
  /// v for v > 0, else α (eᵛ − 1).
  case elu(alpha: Float)
  /// x Φ(x).
  case gelu
  /// The approximation of GELU by a tanh.
  case tanhGELU
  /// x / (1 + e⁻ˣ).
  case silu

  /// Whether the values are in their range.
  var isPossible: Bool {
    switch self {
    case .leakyReLU(let slope): (0...1).contains(slope)
    case .elu(let alpha): alpha.isFinite
    default: true
    }
  }

  /// The layer for so many channels.
  func layer(channels: Int) -> ActivationLayer { ActivationLayer(self, channels: channels) }
}

/// An activation as a layer; the parametric one has a parameter, `weight`.
final class ActivationLayer: Layer {
  private let activation: FeatureActivation
  private let slope: ParametricReLU?

  init(_ activation: FeatureActivation, channels: Int) {
    self.activation = activation
    if case .parametricReLU(let perChannel) = activation {
      slope = ParametricReLU(channels: perChannel ? channels : 1)
    } else {
      slope = nil
    }
  }

  var ownParameters: [(name: String, parameter: Parameter)] { slope?.ownParameters ?? [] }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    switch activation {
    case .none: x
    case .relu: relu(x)
    case .leakyReLU(let negativeSlope): leakyReLU(x, negativeSlope: negativeSlope)
    case .parametricReLU: slope?(x, in: context) ?? x
    case .elu(let alpha): elu(x, alpha: alpha)
    case .gelu: gelu(x)
    case .tanhGELU: gelu(x, form: .tanh)
    case .silu: silu(x)
    }
  }
}
