import Imaging
import Pipelines

/// What a training of a network for images is asked for.
public struct EnhancementRequest: Sendable, Equatable {
  /// What the network is for.
  public var task: EnhancementPlan.Task
  /// The noise that is added; nil for none.
  public var noise: ImageNoise?
  /// The damage that is done; nil for none.
  public var damage: ImageDamage?
  /// How to train without clean images; nil with them.
  public var selfSupervision: EnhancementConfiguration.SelfSupervision?
  /// How many times finer the grid becomes along columns, rows and slices.
  public var scale = [1, 1, 1]
  /// The architecture's name; nil for what the planner takes.
  public var network: String?
  /// Channels of the network's first stage; nil for what the planner takes.
  public var features: Int?
  /// Convolutions or blocks in a row; nil for what the planner takes.
  public var depth: Int?
  /// Axes of what the network sees, 2 or 3.
  public var dimensions = 2
  /// Neighbouring slices on each side that are channels too.
  public var contextSlices = 0
  /// Which slices a network of slices sees: the axis codes of columns, rows and slices; nil as they are.
  public var orientation: Orientation?
  /// Rows, columns and slices of a sample; nil for what the planner takes.
  public var patch: Int?
  /// Samples of one step; nil for what the planner takes.
  public var batchSize: Int?
  /// The modality of the scans; nil for what their files state, or their values tell.
  public var modality: String?
  /// What is minimised; nil for what suits the task.
  public var loss: EnhancementConfiguration.Loss?

  /// A classical filter whose image the network sees and corrects, such as `bm3d`; nil for none.
  public var guide: String?
  /// What a discriminator is asked for; nil for none.
  public var adversarial: AdversarialRequest?

  /// Creates a request; every other property has the default that its declaration shows.
  /// - Parameter task: What the network is for.
  public init(task: EnhancementPlan.Task) { self.task = task }
}
