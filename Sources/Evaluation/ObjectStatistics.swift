/// How many objects a label map counts, and how large they are.
public struct ObjectStatistics: Equatable, Sendable, Codable {
  /// What the objects are, such as "nucleus".
  public let name: String
  /// The number of objects.
  public let count: Int
  /// The objects that reach the edge of the picture and may be cut off there.
  public let touchingBorder: Int
  /// The mean number of voxels of an object; nil without objects.
  public let meanVoxels: Double?
  /// The median number of voxels of an object, of an even number the lower one; nil without objects.
  public let medianVoxels: Int?

  /// Sums up the measurements of objects.
  /// - Parameters:
  ///   - name: What the objects are.
  ///   - objects: One measurement for each object.
  public init(name: String, of objects: [StructureStatistics]) {
    let sizes = objects.map(\.voxels).filter { $0 > 0 }.sorted()
    self.name = name
    count = sizes.count
    touchingBorder = objects.count(where: \.touchesBorder)
    meanVoxels =
      sizes.isEmpty ? nil : Double(sizes.reduce(0, +)) / Double(sizes.count)
    medianVoxels = sizes.isEmpty ? nil : sizes[(sizes.count - 1) / 2]
  }
}
