import Layers
import Networks
import Pipelines
import Recognition

/// A finished training on sequences.
public struct SequenceOutcome: Sendable {
  /// The architecture.
  public let configuration: NetworkConfiguration
  /// What stands between a sequence and the network, with the temperature that was found.
  public let plan: SequencePlan
  /// The classes' names.
  public let classNames: [String]
  /// The numbers of the run, steps as taken.
  public let learning: LearningConfiguration
  /// The network with its averaged weights.
  package let network: any Network
  /// How the weights are stored.
  package let weightType: Safetensors.ScalarType
  /// The learning curve.
  public let epochs: [SegmentationTrainer.Epoch]
  /// Looks at validation sequences on the way.
  public let looks: [LearningLook]
  /// Sequences of each split.
  public let counts: [LabelledImages.Split: Int]
  /// Results on the test, or on what was looked at where there is none.
  public let evaluation: ClassificationEvaluation
  /// Beats found by the detector against those annotated, over whole records; nil for clips.
  public let detection: BeatMatching?
  /// Oddities of the data.
  public let notes: [String]
}
