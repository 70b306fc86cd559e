import Networks
import Pipelines

/// All that a training of a network for whole images depends on, besides `LearningConfiguration`.
public struct ClassificationConfiguration: Codable, Sendable, Equatable {
  /// What is minimised.
  public enum Loss: Codable, Sendable, Equatable {
    /// The cross-entropy of one class of several.
    case crossEntropy(labelSmoothing: Double)
    /// The cross-entropy of every finding on its own.
    case findings
    /// An additive angular margin between classes (Deng et al. 2019, "ArcFace", equation 3).
    case arcFace(margin: Double, scale: Double)
    /// The hardest triplets of a batch (Schroff et al. 2015; Hermans, Beyer and Leibe 2017).
    case triplet(margin: Double)
  }

  /// The architecture.
  public var network: NetworkConfiguration
  /// What stands between an image and the network.
  public var plan: RecognitionPlan
  /// How far images are changed.
  public var augmentation = RecognitionAugmentation()
  /// What is minimised.
  public var loss = Loss.crossEntropy(labelSmoothing: 0)
  /// Whether every class is drawn equally often, whatever its number of images.
  public var balances = false
  /// The classes' names.
  public var classNames: [String]
  /// Images trained on, by a hash of their names and classes, so that a resumed run sees the same.
  public var imagesHash = ""

  /// Creates a configuration; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - network: The architecture.
  ///   - plan: What stands between an image and the network.
  ///   - classNames: The classes' names.
  public init(network: NetworkConfiguration, plan: RecognitionPlan, classNames: [String]) {
    self.network = network
    self.plan = plan
    self.classNames = classNames
  }
}
