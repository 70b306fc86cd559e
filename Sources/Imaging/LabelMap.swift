/// A code of a terminology such as SNOMED CT, as DICOM's code sequences hold it.
public struct CodedConcept: Equatable, Hashable, Sendable, Codable {
  /// The code, such as "10200004".
  public let value: String
  /// The scheme's designator, such as "SCT".
  public let scheme: String
  /// The meaning in words, such as "Liver".
  public let meaning: String

  /// Creates a code.
  /// - Parameters:
  ///   - value: The code.
  ///   - scheme: The scheme's designator.
  ///   - meaning: The meaning in words.
  public init(value: String, scheme: String, meaning: String) {
    self.value = value
    self.scheme = scheme
    self.meaning = meaning
  }
}

/// A colour of the display, 8 bits a channel.
public struct LabelColor: Equatable, Hashable, Sendable, Codable {
  /// Red, 0 to 255.
  public let red: UInt8
  /// Green, 0 to 255.
  public let green: UInt8
  /// Blue, 0 to 255.
  public let blue: UInt8

  /// Creates a colour.
  /// - Parameters:
  ///   - red: 0 to 255.
  ///   - green: 0 to 255.
  ///   - blue: 0 to 255.
  public init(red: UInt8, green: UInt8, blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }
}

/// What one label number means.
public struct LabelDefinition: Equatable, Hashable, Sendable, Codable {
  /// The number in the voxels; 0 is background and has no definition.
  public let id: Int
  /// The structure's name.
  public let name: String
  /// The colour of overlays.
  public let color: LabelColor
  /// The structure's code, when it is known.
  public let code: CodedConcept?

  /// Creates a definition.
  /// - Parameters:
  ///   - id: The number in the voxels, 1 to 65535.
  ///   - name: The structure's name.
  ///   - color: The colour of overlays.
  ///   - code: The structure's code, when it is known.
  public init(id: Int, name: String, color: LabelColor, code: CodedConcept? = nil) {
    self.id = id
    self.name = name
    self.color = color
    self.code = code
  }

  /// Well-separated colours for tables that bring none (Okabe and Ito's palette, safe for the
  /// colour-blind, cycled).
  /// - Parameter index: Position in the table, from 0.
  /// - Returns: The colour.
  public static func defaultColor(_ index: Int) -> LabelColor {
    let palette: [(UInt8, UInt8, UInt8)] = [
      (230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167), (240, 228, 66),
      (0, 114, 178), (213, 94, 0), (153, 153, 153),
    ]
    let (red, green, blue) = palette[index % palette.count]
    return LabelColor(red: red, green: green, blue: blue)
  }
}

/// The segmentation of a volume: one label number a voxel, and what the numbers mean.
///
/// A type of its own, so that no interpolation can blend labels: it is resampled by the nearest
/// neighbour and in no other way. The label at (x, y, z) is `labels[geometry.offset(x, y, z)]`; 0 is
/// background.
public struct LabelMap: Equatable, Sendable {
  /// The grid.
  public let geometry: ImageGeometry
  /// The label numbers, x fastest.
  public var labels: [UInt16] {
    didSet { precondition(labels.count == geometry.voxelCount, "the voxel count may not change") }
  }
  /// The meanings, by rising number.
  public let table: [LabelDefinition]

  /// Creates a label map.
  /// - Parameters:
  ///   - geometry: The grid.
  ///   - labels: One number for each voxel, x fastest.
  ///   - table: The meanings; kept in the order of the numbers.
  /// - Precondition: As many numbers as the grid has voxels.
  public init(geometry: ImageGeometry, labels: [UInt16], table: [LabelDefinition]) {
    precondition(
      labels.count == geometry.voxelCount,
      "\(labels.count) labels for a grid of \(geometry.voxelCount) voxels"
    )
    self.geometry = geometry
    self.labels = labels
    self.table = table.sorted { $0.id < $1.id }
  }

  /// The label of a voxel.
  @inlinable
  public subscript(x: Int, y: Int, z: Int) -> UInt16 {
    get { labels[geometry.offset(x, y, z)] }
    set { labels[geometry.offset(x, y, z)] = newValue }
  }

  /// The number of voxels of each label that occurs, background included.
  public var voxelCounts: [Int: Int] {
    var counts = [Int](repeating: 0, count: 65536)
    for label in labels { counts[Int(label)] += 1 }
    return Dictionary(
      uniqueKeysWithValues: counts.enumerated().lazy.filter { $0.element > 0 }.map {
        ($0.offset, $0.element)
      }
    )
  }

  /// The same labels with a plain name ("Label 7") for each number that the table does not know.
  /// - Returns: A label map whose table is complete.
  public func namingAllLabels() -> LabelMap {
    let known = Set(table.map(\.id)).union([0])
    let unknown = voxelCounts.keys.filter { !known.contains($0) }.sorted()
    return LabelMap(
      geometry: geometry,
      labels: labels,
      table: table
        + unknown.map {
          LabelDefinition(
            id: $0,
            name: "Label \($0)",
            color: LabelDefinition.defaultColor($0 - 1)
          )
        }
    )
  }

  /// Checks that every label in the voxels is background or stands in the table.
  /// - Throws: `ImagingError.unknownLabel` with the smallest unknown number.
  public func checkTable() throws(ImagingError) {
    let known = Set(table.map(\.id)).union([0])
    for (id, count) in voxelCounts.sorted(by: { $0.key < $1.key }) where !known.contains(id) {
      throw .unknownLabel(id: id, voxelCount: count)
    }
  }
}
