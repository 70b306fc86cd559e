import Support
import Tensors

/// Which normalisation follows a convolution; a value for configurations.
public enum NormalizationKind: String, Codable, Sendable, CaseIterable {
  /// None.
  case none
  /// Over samples and space, with running statistics for prediction.
  case batch
  /// Over space, for each sample.
  case instance
}

/// Instance normalisation with a learned scale and shift, or without, and a leaky ReLU in the same
/// pass.
///
/// Ulyanov, Vedaldi and Lempitsky 2016. The same in training and prediction.
public final class InstanceNormalization: Layer {
  /// γ, `[channels]`, or nil for 1.
  public let weight: Parameter?
  /// β, `[channels]`, or nil for 0.
  public let bias: Parameter?
  /// Added to the variance.
  public let epsilon: Float
  /// Slope of the activation for negative values; 1 for none.
  public let negativeSlope: Float

  /// Creates a layer with scale 1 and shift 0.
  /// - Parameters:
  ///   - channels: Channels of input and output.
  ///   - epsilon: Added to the variance.
  ///   - negativeSlope: Slope of the activation for negative values; 1 for none.
  ///   - isAffine: Whether scale and shift are learned.
  public init(
    channels: Int,
    epsilon: Float = 1e-5,
    negativeSlope: Float = 1,
    isAffine: Bool = true
  ) {
    weight = isAffine ? Parameter(Tensor(repeating: 1, shape: [channels])) : nil
    bias = isAffine ? Parameter(Tensor(repeating: 0, shape: [channels])) : nil
    self.epsilon = epsilon
    self.negativeSlope = negativeSlope
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] {
    [("weight", weight), ("bias", bias)].compactMap { name, parameter in
      parameter.map { (name, $0) }
    }
  }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: `[N, channels, spatial…]`.
  ///   - context: To train or to predict.
  /// - Returns: The shape of `x`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    normalization(
      x,
      extent: .instance,
      scale: weight?.value(in: context),
      shift: bias?.value(in: context),
      epsilon: epsilon,
      negativeSlope: negativeSlope
    ).output
  }
}

/// Batch normalisation with a learned scale and shift, and a leaky ReLU in the same pass.
///
/// Ioffe and Szegedy 2015. While training, the running mean and unbiased variance follow the batches
/// with the momentum of PyTorch: running ← (1 − m) running + m batch.
public final class BatchNormalization: Layer {
  /// γ, `[channels]`.
  public let weight: Parameter
  /// β, `[channels]`.
  public let bias: Parameter
  /// Running mean, `[channels]`; not trainable.
  public let runningMean: Parameter
  /// Running unbiased variance, `[channels]`; not trainable.
  public let runningVariance: Parameter
  /// Added to the variance.
  public let epsilon: Float
  /// The share of a batch in the running statistics.
  public let momentum: Float
  /// Slope of the activation for negative values; 1 for none.
  public let negativeSlope: Float

  /// Creates a layer with scale 1, shift 0, running mean 0 and variance 1.
  /// - Parameters:
  ///   - channels: Channels of input and output.
  ///   - epsilon: Added to the variance.
  ///   - momentum: The share of a batch in the running statistics.
  ///   - negativeSlope: Slope of the activation for negative values; 1 for none.
  public init(
    channels: Int,
    epsilon: Float = 1e-5,
    momentum: Float = 0.1,
    negativeSlope: Float = 1
  ) {
    weight = Parameter(Tensor(repeating: 1, shape: [channels]))
    bias = Parameter(Tensor(repeating: 0, shape: [channels]))
    runningMean = Parameter(Tensor(repeating: 0, shape: [channels]), isTrainable: false)
    runningVariance = Parameter(Tensor(repeating: 1, shape: [channels]), isTrainable: false)
    self.epsilon = epsilon
    self.momentum = momentum
    self.negativeSlope = negativeSlope
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] {
    [
      ("weight", weight), ("bias", bias), ("running_mean", runningMean),
      ("running_var", runningVariance),
    ]
  }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: `[N, channels, spatial…]`.
  ///   - context: To train (batch statistics) or to predict (running statistics).
  /// - Returns: The shape of `x`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let stored =
      context.mode == .inference
      ? NormalizationStatistics(
        mean: runningMean.value.values,
        variance: runningVariance.value.values
      ) : nil
    let (output, statistics) = normalization(
      x,
      extent: .batch,
      scale: weight.value(in: context),
      shift: bias.value(in: context),
      epsilon: epsilon,
      negativeSlope: negativeSlope,
      statistics: stored
    )
    if context.mode == .training, !context.isAgain {
      let size = Float(x.count / x.shape[1])
      let unbiased = size > 1 ? size / (size - 1) : 1
      follow(runningMean, statistics.mean, factor: 1)
      follow(runningVariance, statistics.variance, factor: unbiased)
    }
    return output
  }

  private func follow(_ running: Parameter, _ batch: [Float], factor: Float) {
    let values = zip(running.value.values, batch).map {
      (1 - momentum) * $0 + momentum * factor * $1
    }
    running.value = Tensor(values, shape: running.shape)
  }
}
