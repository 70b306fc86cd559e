import Imaging
import Layers
import Networks

/// What a plan must respect; what is nil is chosen.
public struct PlanRequest: Sendable, Equatable {
  /// What the network sees at once.
  public enum Shape: String, Sendable, Codable, CaseIterable {
    /// Whichever suits the data set and the time.
    case automatic = "auto"
    /// Slices.
    case slices = "2d"
    /// Volumes.
    case volumes = "3d"
  }

  /// What the network sees at once.
  public var shape = Shape.automatic
  /// The wall time of the training, minutes.
  public var minutes: Double?
  /// The number of steps, where the time does not decide it.
  public var steps = 2500
  /// The memory that the training may take, GB (10^9 bytes); nil for `defaultMemoryShare` of the machine's.
  public var memoryGB: Double?
  /// A name of the network catalogue.
  public var network = "unet"
  /// Channels of the first stage.
  public var baseFeatures: Int?
  /// Voxels that the network sees at once, of volumes; along the patient's axes.
  public var patchSize: SIMD3<Int>?
  /// Spacing that the network sees, of volumes, mm; along the patient's axes.
  public var spacing: SIMD3<Double>?
  /// Samples of a step.
  public var batchSize: Int?
  /// What is minimised; nil for nnU-Net's cross-entropy and Dice.
  public var loss: SegmentationLoss?

  /// The share of the machine's memory that a training may take unless told otherwise.
  public static let defaultMemoryShare = 0.8

  /// Whether the network sees volumes: nnU-Net's, and the one that runs through slices.
  var takesVolumes: Bool {
    network == "unet" || network == NetworkConfiguration.convLSTMUNetName
  }

  /// Creates a request that leaves everything open.
  public init() {}
}
