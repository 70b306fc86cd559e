import Support
import Synchronization
import Tensors

/// A value that a network owns: a weight to be trained, or a running statistic.
///
/// The parameter is a reference, so that layers stay constant while their weights change; access is
/// locked, and the value itself is a tensor with value semantics.
public final class Parameter: Sendable {
  /// The name of its gradient.
  public let key = GradientKey()
  /// Whether an optimiser changes it; running statistics are not trainable.
  public let isTrainable: Bool
  /// Its shape, which never changes.
  public let shape: [Int]
  private let stored: Mutex<Tensor>

  /// Creates a parameter.
  /// - Parameters:
  ///   - value: The first value.
  ///   - isTrainable: Whether an optimiser changes it.
  public init(_ value: Tensor, isTrainable: Bool = true) {
    self.isTrainable = isTrainable
    shape = value.shape
    stored = Mutex(value.plain)
  }

  /// The value, without a past.
  /// - Precondition: A new value has the parameter's shape.
  public var value: Tensor {
    get { stored.withLock { $0 } }
    set {
      precondition(newValue.shape == shape, "\(newValue.shape) for a parameter of \(shape)")
      let plain = newValue.plain
      stored.withLock { $0 = plain }
    }
  }

  /// The value as a layer should use it: tracked while training.
  /// - Parameter context: The mode.
  /// - Returns: The value, a leaf of the gradient when training.
  public func value(in context: Context) -> Tensor {
    context.mode == .training && isTrainable ? value.tracked(by: key) : value
  }
}

extension Parameter {
  @TaskLocal private static var isToBeLoaded = false

  /// Builds a network that stored weights are loaded into at once: its own stay 0.
  ///
  /// Drawing the random weights of a large network takes seconds.
  /// - Parameter body: Builds the network.
  /// - Returns: What the body returns.
  public static func withoutRandomWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
    try $isToBeLoaded.withValue(true, operation: body)
  }

  /// Random weights whose variance keeps the scale of the activations.
  ///
  /// He et al. 2015, "Delving deep into rectifiers", equations 12 and 14.
  /// Normal with variance 2 / ((1 + a²) fanIn).
  /// - Parameters:
  ///   - shape: `[O, I, k…]`.
  ///   - fanIn: The number of inputs of one output.
  ///   - negativeSlope: a, the slope of the rectifier that follows.
  ///   - random: The stream to draw from.
  /// - Returns: A trainable parameter.
  public static func heNormal(
    _ shape: [Int],
    fanIn: Int,
    negativeSlope: Double = 0.01,
    random: inout RandomStream
  ) -> Parameter {
    if isToBeLoaded { return Parameter(Tensor(repeating: 0, shape: shape)) }
    let deviation = (2 / ((1 + negativeSlope * negativeSlope) * Double(fanIn))).squareRoot()
    let values = (0..<shape.reduce(1, *)).map { _ in Float(random.normal() * deviation) }
    return Parameter(Tensor(values, shape: shape))
  }
}
