public import Foundation
public import Imaging
import Support

/// A segmentation that is to be written as one DICOM SEG file (PS3.3 A.51 and A.101).
///
/// Frames lie on the slices of the source where the label map has its grid (also when its axes run
/// in another order or direction), else on the label map's own grid in the source's frame of
/// reference. Frames without labels are left out, except
/// that the first and the last slice are always there, so that the grid survives without a source.
/// Every segment's Tracking ID records the layer and the label number that it was
/// (`Lamina layer 1 label 17`); segments without voxels stay in the table.
public struct DICOMSegmentationObject: Sendable {
  /// What made the segmentation.
  public struct Algorithm: Equatable, Sendable {
    /// How much a person did.
    public enum Kind: String, Sendable {
      case automatic = "AUTOMATIC"
      case semiautomatic = "SEMIAUTOMATIC"
      case manual = "MANUAL"
    }
    /// The name of the model or program.
    public var name: String
    /// Its version.
    public var version: String
    /// How much a person did.
    public var kind: Kind

    /// Names an algorithm.
    /// - Parameters:
    ///   - name: The name of the model or program.
    ///   - version: Its version.
    ///   - kind: How much a person did.
    public init(name: String, version: String, kind: Kind = .automatic) {
      self.name = name
      self.version = version
      self.kind = kind
    }
  }

  /// How voxels are stored.
  public enum Kind: Sendable {
    /// One bit a voxel and segment; segments may overlap.
    case binary
    /// Probabilities in 255 steps, by label number of the first layer; values outside 0 to 1 are
    /// set to the nearer bound. Labels without probabilities get no frames.
    case fractional([Int: Volume<Float>])
    /// Label numbers, in the storage class of label maps: one layer only, 8 bits where they
    /// suffice, else 16.
    case labelMap
  }

  /// How the file is encoded.
  public enum Encoding: Sendable {
    /// Explicit VR little endian.
    case native
    /// The same, deflated as a whole.
    case deflated
    /// Run lengths; for fractional segmentations and label maps.
    case rle
  }

  /// What made the segmentation.
  public var algorithm: Algorithm
  /// How voxels are stored.
  public var kind: Kind = .binary
  /// How the file is encoded.
  public var encoding: Encoding = .native
  /// When the segmentation was made.
  public var date: Date
  /// Series Description, to which the notice of research use is added.
  public var seriesDescription = "Segmentation"
  /// Series Number.
  public var seriesNumber = 300
  /// The zone of dates when the source does not state one.
  public var timeZone: TimeZone = .current

  let grid: DICOMSegmentationGrid
  let source: DICOMSource?
  /// The labels of each layer, x fastest, in the order of the grid.
  let layers: [[UInt16]]
  /// The meanings of each layer's labels.
  let tables: [[LabelDefinition]]

  /// Describes a segmentation on a grid.
  /// - Parameters:
  ///   - layers: The label maps: one, or several where structures overlap.
  ///   - source: The series that was segmented, or nil.
  ///   - shift: How the grid's slices are shifted against each other, or nil.
  ///   - algorithm: What made the segmentation.
  ///   - date: When it was made.
  /// - Precondition: At least one layer; all have one geometry.
  public init(
    layers: [LabelMap],
    source: DICOMSource?,
    shift: SliceShift? = nil,
    algorithm: Algorithm,
    date: Date
  ) {
    precondition(!layers.isEmpty, "a segmentation needs a layer")
    precondition(
      layers.allSatisfy { $0.geometry == layers[0].geometry },
      "the layers' grids differ"
    )
    var layers = layers
    var grid = DICOMSegmentationGrid(geometry: layers[0].geometry, shift: shift, source: source)
    if !grid.isNative, shift == nil, let orientation = source?.orientation,
      orientation != layers[0].geometry.orientation
    {
      // The same grid in another order of axes, as after NIfTI converters.
      let geometry = layers[0].geometry.reoriented(to: orientation)
      let turned = DICOMSegmentationGrid(geometry: geometry, shift: nil, source: source)
      if turned.isNative {
        grid = turned
        layers = layers.map { $0.reoriented(to: orientation) }
      }
    }
    self.grid = grid
    self.source = source
    self.algorithm = algorithm
    self.date = date
    self.layers = layers.map(\.labels)
    tables = layers.map(Self.table)
  }

  /// Describes a segmentation on the source's slices as they are, evenly spaced or not.
  /// - Parameters:
  ///   - slices: The labels of each slice of the source in its order, columns fastest.
  ///   - table: The meanings.
  ///   - source: The series that was segmented.
  ///   - algorithm: What made the segmentation.
  ///   - date: When it was made.
  /// - Precondition: As many slices as the source has, each of its size.
  public init(
    ontoNativeSlices slices: [[UInt16]],
    table: [LabelDefinition],
    source: DICOMSource,
    algorithm: Algorithm,
    date: Date
  ) {
    precondition(
      slices.count == source.slices.count && !slices.isEmpty,
      "\(slices.count) slices of labels for \(source.slices.count) of the source"
    )
    grid = DICOMSegmentationGrid(native: source)
    let plane = grid.size.x * grid.size.y
    precondition(slices.allSatisfy { $0.count == plane }, "labels do not fit the slices")
    self.source = source
    self.algorithm = algorithm
    self.date = date
    layers = [Array(slices.joined())]
    tables = [Self.completed(table, labels: layers[0])]
  }

  /// A label map's meanings, with a plain name for each number that has none.
  private static func table(_ map: LabelMap) -> [LabelDefinition] {
    completed(map.table, labels: map.labels)
  }

  private static func completed(
    _ table: [LabelDefinition],
    labels: [UInt16]
  ) -> [LabelDefinition] {
    var occurs = [Bool](repeating: false, count: 65536)
    for label in labels { occurs[Int(label)] = true }
    var known: Set<Int> = [0]
    var complete = table.filter { (1...65535).contains($0.id) && known.insert($0.id).inserted }
    for label in occurs.indices where occurs[label] && !known.contains(label) {
      complete.append(
        LabelDefinition(
          id: label,
          name: "Label \(label)",
          color: LabelDefinition.defaultColor(label - 1)
        )
      )
    }
    return complete.sorted { $0.id < $1.id }
  }
}

extension DICOMSource {
  /// The nearest axis code of the slices' own grid, or nil without slices.
  fileprivate var orientation: Orientation? {
    guard let first = slices.first, let last = slices.last else { return nil }
    var direction = first.plane.direction
    if dot(last.plane.position - first.plane.position, direction.columns[2]) < 0 {
      direction.columns[2] = -direction.columns[2]
    }
    let geometry = try? ImageGeometry(
      size: SIMD3(first.size.x, first.size.y, slices.count),
      spacing: SIMD3(first.pixelSpacing.x, first.pixelSpacing.y, 1),
      origin: first.plane.position,
      direction: direction
    )
    return geometry?.orientation
  }
}
