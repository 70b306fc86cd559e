import Foundation

/// The file `statistics.json`: the measurements of a segmentation's structures.
public struct StatisticsFile: Equatable, Sendable, Codable {
  /// The schema's name, `lamina.statistics/1`.
  public let schema: String
  /// The structures, or objects, by rising label.
  public let structures: [StructureStatistics]
  /// The objects in numbers; nil where labels are structures.
  public let objects: ObjectStatistics?
  /// Sums that the model names; nil when it names none.
  public let totals: [VolumeTotal]?
  /// How unsure the model was; nil where it was not asked for.
  public let uncertainty: UncertaintyStatistics?

  /// Creates the file's content.
  /// - Parameters:
  ///   - structures: The structures by rising label.
  ///   - objects: The objects in numbers; nil where labels are structures.
  ///   - totals: Sums that the model names.
  ///   - uncertainty: How unsure the model was.
  public init(
    structures: [StructureStatistics],
    objects: ObjectStatistics? = nil,
    totals: [VolumeTotal] = [],
    uncertainty: UncertaintyStatistics? = nil
  ) {
    schema = "lamina.statistics/1"
    self.structures = structures
    self.objects = objects
    self.totals = totals.isEmpty ? nil : totals
    self.uncertainty = uncertainty
  }

  /// Reads a file; nil when it is not there.
  /// - Parameter path: A `statistics.json`.
  /// - Returns: Its content.
  /// - Throws: `DecodingError` when it is damaged.
  public static func read(_ path: String) throws -> StatisticsFile? {
    try FileManager.default.contents(atPath: path)
      .map { try JSONDecoder().decode(StatisticsFile.self, from: $0) }
  }

  /// The content as JSON with sorted keys.
  /// - Returns: UTF-8 text that ends in a line feed.
  /// - Throws: Never for finite measurements.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}
