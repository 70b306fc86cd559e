/// Which classes of a label map make up which of several regions, which may overlap.
public struct RegionTable: Sendable, Equatable {
  /// Classes of the label maps, background included.
  public let classCount: Int
  /// The number of regions.
  public let regionCount: Int
  /// 1 where a region has a class, classes fastest.
  private let members: [UInt8]

  /// Creates a table.
  /// - Parameters:
  ///   - regions: The classes of each region.
  ///   - classCount: Classes of the label maps, background included.
  /// - Precondition: There is a region, and every class is from 0 to `classCount` − 1.
  public init(_ regions: [[Int]], classCount: Int) {
    precondition(
      !regions.isEmpty && regions.allSatisfy { $0.allSatisfy((0..<classCount).contains) },
      "regions \(regions) of \(classCount) classes"
    )
    self.classCount = classCount
    regionCount = regions.count
    members = regions.flatMap { region in
      (0..<classCount).map { region.contains($0) ? 1 : 0 }
    }
  }

  /// Whether a region has a class.
  /// - Parameters:
  ///   - region: The region's number.
  ///   - label: The class.
  /// - Returns: Whether it is part of it.
  public func contains(region: Int, class label: Int) -> Bool {
    members[region * classCount + label] != 0
  }
}
