import Layers
import Networks
import Support
import Tensors

/// What a network learns: where its batches come from, its loss, and how it is looked at on the way.
package protocol LearningTask: Sendable {
  /// All that the run depends on besides `LearningConfiguration`, kept with checkpoints.
  associatedtype Values: Codable & Sendable & Equatable
  /// What one step is taken on.
  associatedtype Batch: Sendable

  /// All that the run depends on besides `LearningConfiguration`.
  var values: Values { get }

  /// The network's values.
  var network: NetworkConfiguration { get }

  /// The batch of a step, which follows from the step and the seed alone.
  /// - Parameters:
  ///   - step: Counted from 0.
  ///   - configuration: Batch size and seed.
  /// - Returns: The batch.
  /// - Throws: What reading images throws.
  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch

  /// What the network is given, for the diagnosis of a step that broke down.
  /// - Parameter batch: A batch.
  /// - Returns: The images, `[N, C, H, W]`.
  func images(of batch: Batch) -> Tensor

  /// The loss of a batch.
  /// - Parameters:
  ///   - network: The network, of `network`'s kind.
  ///   - batch: The batch.
  ///   - context: To train.
  /// - Returns: One number.
  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor

  /// Looks at held-out images with the averaged weights.
  /// - Parameters:
  ///   - network: A network of its own.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: Metrics by name; empty where nothing was held out.
  /// - Throws: `SupportError.interrupted`, or what reading images throws.
  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric]
}

/// A number that a look at held-out images gave.
public struct LearningMetric: Codable, Sendable, Equatable {
  /// The metric's key, such as "accuracy".
  public let key: String
  /// Its value.
  public let value: Double

  /// Names a number.
  /// - Parameters:
  ///   - key: The metric's key.
  ///   - value: Its value.
  public init(_ key: String, _ value: Double) {
    self.key = key
    self.value = value
  }
}
