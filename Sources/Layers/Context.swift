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

  /// Creates a context.
  /// - Parameters:
  ///   - mode: What the run is for.
  ///   - random: Where layers such as dropout draw from.
  public init(_ mode: Mode, random: RandomStream = RandomStream(seed: 0)) {
    self.mode = mode
    isAgain = false
    self.random = Mutex(random)
  }

  private init(_ mode: Mode, random: RandomStream, isAgain: Bool) {
    self.mode = mode
    self.isAgain = isAgain
    self.random = Mutex(random)
  }

  /// A context for prediction.
  public static var inference: Context { Context(.inference) }

  /// A context that draws, from now on, what this one will draw, for a part that is run again.
  package var replay: Context {
    Context(mode, random: random.withLock { $0 }, isAgain: true)
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
