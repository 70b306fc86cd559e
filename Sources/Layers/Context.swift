import Support
import Synchronization
import Tensors

/// How a network is run: to train or to predict, and with which random numbers.
public final class Context: Sendable {
  /// What the run is for.
  public enum Mode: Sendable {
    /// Gradients are recorded, dropout drops, batch statistics are used and averaged.
    case training
    /// Nothing is recorded; stored statistics are used.
    case inference
  }

  /// What the run is for.
  public let mode: Mode
  /// Whether a checkpointed part runs again for its gradient; running statistics then stay.
  public let isAgain: Bool
  private let random: Mutex<RandomStream>
  /// Whether dropout drops without training.
  private let isSample: Bool

  /// Creates a context.
  /// - Parameters:
  ///   - mode: What the run is for.
  ///   - random: Where layers such as dropout draw from.
  public init(_ mode: Mode, random: RandomStream = RandomStream(seed: 0)) {
    self.mode = mode
    isAgain = false
    isSample = false
    self.random = Mutex(random)
  }

  private init(_ mode: Mode, random: RandomStream, isAgain: Bool, isSample: Bool = false) {
    self.mode = mode
    self.isAgain = isAgain
    self.isSample = isSample
    self.random = Mutex(random)
  }

  /// A context for prediction.
  public static var inference: Context { Context(.inference) }

  /// A context for prediction by one network of those that dropout stands for.
  ///
  /// Gal and Ghahramani 2016, "Dropout as a Bayesian approximation". What is left out is the same in
  /// every image of a batch and in every run with the seed.
  /// - Parameter seed: Which network.
  /// - Returns: A context for one run; another run needs another context of the same seed.
  public static func sample(seed: UInt64) -> Context {
    Context(.inference, random: RandomStream(seed: seed), isAgain: false, isSample: true)
  }

  /// A context that draws, from now on, what this one will draw, for a part that is run again.
  package var replay: Context {
    Context(mode, random: random.withLock { $0 }, isAgain: true, isSample: isSample)
  }

  /// Drops channels or values where the context asks for it.
  /// - Parameters:
  ///   - x: `[N, C, spatial…]` or `[N, C]`.
  ///   - probability: The share that is dropped, 0 ≤ p < 1.
  ///   - wholeChannels: Whether a channel is kept or dropped as one.
  /// - Returns: The shape of `x`; `x` itself in plain prediction.
  public func dropping(_ x: Tensor, probability: Double, wholeChannels: Bool) -> Tensor {
    guard probability > 0 else { return x }
    if mode == .training {
      return withRandom {
        dropout(x, probability: probability, wholeChannels: wholeChannels, random: &$0)
      }
    }
    guard isSample else { return x }
    let seed = withRandom { $0.next() }
    return sharedDropout(x, probability: probability, wholeChannels: wholeChannels, seed: seed)
  }

  /// Draws from the context's stream.
  /// - Parameter body: Uses the stream.
  /// - Returns: What the body returns.
  public func withRandom<Result: Sendable>(
    _ body: (inout RandomStream) -> sending Result
  ) -> Result {
    random.withLock { body(&$0) }
  }
}
