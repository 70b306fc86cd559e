import Foundation

/// How unsure a model was of a segmentation, without a reference; part of `statistics.json`.
public struct UncertaintyStatistics: Equatable, Sendable, Codable {
  /// What is known of one structure.
  public struct Structure: Equatable, Sendable, Codable {
    /// The label number.
    public let label: Int
    /// The structure's name.
    public let name: String
    /// The mean of the entropy over the structure's voxels, 0 to 1; nil for an absent structure.
    public let meanEntropy: Double?
    /// The part of it that the members disagree about; nil with one member.
    public let meanEpistemic: Double?
    /// The structure's volume as each member found it, ml; nil with one member.
    public let memberVolumesML: [Double]?
    /// The standard deviation of these volumes (with n − 1) over their mean; nil with one member or
    /// where no member finds the structure.
    public let volumeVariation: Double?
    /// The mean Dice of all pairs of members; nil with one member or where none finds the structure.
    public let pairwiseDice: Double?

    /// Creates a structure's numbers.
    /// - Parameters:
    ///   - label: The label number.
    ///   - name: The structure's name.
    ///   - meanEntropy: The mean of the entropy over its voxels.
    ///   - meanEpistemic: The part that the members disagree about.
    ///   - memberVolumesML: The volume as each member found it.
    ///   - pairwiseDice: The mean Dice of all pairs of members.
    public init(
      label: Int,
      name: String,
      meanEntropy: Double?,
      meanEpistemic: Double?,
      memberVolumesML: [Double]?,
      pairwiseDice: Double?
    ) {
      self.label = label
      self.name = name
      self.meanEntropy = meanEntropy
      self.meanEpistemic = meanEpistemic
      self.memberVolumesML = memberVolumesML
      self.pairwiseDice = pairwiseDice
      volumeVariation = memberVolumesML.flatMap(Self.variation)
    }

    /// The standard deviation over the mean; nil for fewer than two values or a mean of 0.
    package static func variation(_ values: [Double]) -> Double? {
      guard values.count > 1 else { return nil }
      let mean = values.reduce(0, +) / Double(values.count)
      guard mean > 0 else { return nil }
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(values.count - 1)).squareRoot() / mean
    }
  }

  /// What was compared; one entry where there was nothing to compare.
  public let members: [String]
  /// The score of the case: the mean of the entropy over all voxels that have a label, 0 to 1; nil when
  /// none has.
  public let meanEntropy: Double?
  /// The part of it that the members disagree about; nil with one member.
  public let meanEpistemic: Double?
  /// The mean over the structures of their `pairwiseDice`; nil where none has one.
  public let pairwiseDice: Double?
  /// The structures in the order of the labels' table; empty where labels count objects.
  public let structures: [Structure]
  /// What the numbers are.
  public let definition: String

  /// Creates the numbers of a case.
  /// - Parameters:
  ///   - members: What was compared.
  ///   - meanEntropy: The mean of the entropy over all voxels that have a label.
  ///   - meanEpistemic: The part that the members disagree about.
  ///   - structures: The structures.
  public init(
    members: [String],
    meanEntropy: Double?,
    meanEpistemic: Double?,
    structures: [Structure]
  ) {
    self.members = members
    self.meanEntropy = meanEntropy
    self.meanEpistemic = meanEpistemic
    self.structures = structures
    let overlaps = structures.compactMap(\.pairwiseDice)
    pairwiseDice = overlaps.isEmpty ? nil : overlaps.reduce(0, +) / Double(overlaps.count)
    definition =
      "entropy of the mean class probabilities over its largest value, 0 certain to 1 undecided, "
      + "averaged over labelled voxels; uncalibrated"
  }
}
