import Foundation

/// A training as planned for a data set, with the reason of every number.
public struct TrainingPlan: Sendable {
  /// One number of the plan.
  public struct Row: Codable, Sendable, Equatable {
    /// What it is.
    public let name: String
    /// The number, with its unit.
    public let value: String
    /// The rule that gave it.
    public let rule: String

    init(_ name: String, _ value: String, _ rule: String) {
      self.name = name
      self.value = value
      self.rule = rule
    }
  }

  /// What the training is expected to take.
  public struct Estimate: Codable, Sendable, Equatable {
    /// Weights that are learnt; nil where the cost is not known, as with the others.
    public var parameters: Int?
    /// Multiplications of the forward pass of a step.
    public var multiplicationsPerStep: Int?
    /// Memory, bytes.
    public var memoryBytes: Int?
    /// Time of a step on this machine.
    public var secondsPerStep: Double?
    /// Steps.
    public var steps: Int
    /// Whether the memory and the least number of steps were kept.
    public var fits: Bool
  }

  /// One of nnU-Net's configurations of the data set, before memory and time are looked at.
  public struct Reference: Codable, Sendable, Equatable {
    /// The name, such as `3d_fullres`.
    public let name: String
    /// Spacing, mm; axes transposed, the coarsest first.
    public let spacingMM: [Double]
    /// Patch.
    public let patchSize: [Int]
    /// Samples of a step.
    public let batchSize: Int
    /// Steps of every stage.
    public let strides: [[Int]]
    /// Windows of every stage.
    public let kernels: [[Int]]
    /// Channels of every stage.
    public let features: [Int]
    /// Share of the median volume or plane that the patch covers.
    public let coverage: Double
  }

  /// All numbers of the run.
  public let configuration: TrainingConfiguration
  /// The numbers with their rules, in the order in which they follow from each other.
  public let rows: [Row]
  /// What the training is expected to take.
  public let estimate: Estimate
  /// How fast this machine is; nil when it was not measured.
  public let speed: StepSpeed?
  /// nnU-Net's configurations of the data set.
  public let references: [Reference]

  /// The fewest steps that a plan for a time should leave.
  ///
  /// Of the slice-wise model of the hippocampus that ships with this program, the loss had done 97 % of
  /// its whole fall of 2833 steps after 1500, and 95 % after 500 (`Models/hippocampus-slices`).
  public static let leastSteps = 1500
}
