/// The volume of several structures together, such as the intracranial volume.
public struct VolumeTotal: Equatable, Sendable, Codable {
  /// The sum's name.
  public let name: String
  /// The labels that it sums.
  public let labels: [Int]
  /// What it is the sum of, in words.
  public let definition: String
  /// The number of voxels.
  public let voxels: Int
  /// The volume, ml.
  public let volumeML: Double

  /// Sums measured structures; nil when one of the labels was not measured.
  ///
  /// The sum of the others would be another volume under the same name.
  /// - Parameters:
  ///   - name: The sum's name.
  ///   - labels: The labels to sum; each counts once.
  ///   - definition: What it is the sum of; nil lists the structures.
  ///   - structures: The measurements.
  public init?(
    name: String,
    labels: [Int],
    definition: String?,
    of structures: [StructureStatistics]
  ) {
    let wanted = Set(labels)
    let parts = structures.filter { wanted.contains($0.label) }
    guard !parts.isEmpty, parts.count == wanted.count else { return nil }
    self.name = name
    self.labels = wanted.sorted()
    self.definition = definition ?? "sum of " + parts.map(\.name).joined(separator: ", ")
    voxels = parts.reduce(0) { $0 + $1.voxels }
    volumeML = parts.reduce(0) { $0 + $1.volumeML }
  }
}
