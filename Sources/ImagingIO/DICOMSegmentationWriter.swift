import Foundation
import Imaging
import Support

/// Puts a segmentation into the data set of its storage class.
struct DICOMSegmentationWriter {
  private let object: DICOMSegmentationObject
  private let path: String
  private let segments: [DICOMSegment]
  private let frames: DICOMSegmentationFrames
  private let derived: DICOMDerivedObject
  /// What names the object beside its pixels: everything that is written into the header.
  private let key: String

  private var isLabelMap: Bool { if case .labelMap = object.kind { true } else { false } }
  private var isFractional: Bool { if case .fractional = object.kind { true } else { false } }

  /// Numbers the segments and makes the frames.
  init(_ object: DICOMSegmentationObject, path: String) throws {
    self.object = object
    self.path = path
    var segments: [DICOMSegment] = []
    var isLabelMap = false
    if case .labelMap = object.kind { isLabelMap = true }
    for (layer, table) in object.tables.enumerated() {
      for definition in table {
        let number = isLabelMap ? definition.id : segments.count + 1
        segments.append(DICOMSegment(layer: layer, definition: definition, number: number))
      }
    }
    guard segments.count <= 65535 else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "\(segments.count) segments",
        remedy: "write at most 65535"
      )
    }
    switch (object.kind, object.encoding) {
    case (.binary, .rle):
      throw ImagingIOError.unsupported(
        path: path,
        what: "bits, which run lengths cannot encode",
        remedy: "deflate them"
      )
    case (.binary, _):
      frames = try .binary(object, segments: Self.written(segments), path: path)
    case (.fractional(let probabilities), _):
      frames = try .fractional(
        object,
        probabilities: probabilities,
        segments: Self.written(segments),
        path: path
      )
    case (.labelMap, _): frames = try .labelMap(object, path: path)
    }
    self.segments = isLabelMap ? segments : Self.written(segments)
    key = Self.key(object, segments: self.segments, frames: frames)
    derived = try DICOMDerivedObject(source: object.source, key: key, timeZone: object.timeZone)
  }

  /// A segmentation without structures needs a segment all the same (PS3.3 C.8.20.2); its number 0
  /// is background and never read back.
  private static func written(_ segments: [DICOMSegment]) -> [DICOMSegment] {
    if !segments.isEmpty { return segments }
    let nothing = LabelDefinition(id: 0, name: "Nothing", color: LabelDefinition.defaultColor(0))
    return [DICOMSegment(layer: 0, definition: nothing, number: 1)]
  }

  private static func key(
    _ object: DICOMSegmentationObject,
    segments: [DICOMSegment],
    frames: DICOMSegmentationFrames
  ) -> String {
    let grid = object.grid
    var parts = [
      frames.digest, "\(grid.size)", "\(grid.row)", "\(grid.column)", "\(grid.pixelSpacing)",
      "\(grid.sliceSpacing ?? 0)", "\(grid.thickness ?? 0)", "\(grid.positions)",
      object.algorithm.name, object.algorithm.version, object.algorithm.kind.rawValue,
      "\(object.encoding)", "\(frames.bits)", "\(frames.frames)",
    ]
    for segment in segments {
      let code = segment.definition.code
      parts += [
        "\(segment.layer)", "\(segment.definition.id)", segment.definition.name,
        "\(segment.definition.color)", code?.scheme ?? "", code?.value ?? "", code?.meaning ?? "",
      ]
    }
    return parts.map { "\($0.utf8.count):\($0)" }.joined()
  }

  /// Writes the file.
  func write() throws {
    var dataSet = try derived.dataSet(
      DICOMDerivedObject.Identity(
        classUID: isLabelMap ? DICOMSegmentation.labelMapClassUID : DICOMSegmentation.classUID,
        modality: "SEG",
        seriesDescription: object.seriesDescription,
        seriesNumber: object.seriesNumber,
        date: object.date,
        content: key
      )
    )
    setImage(&dataSet)
    try setSegments(&dataSet)
    try setDimensions(&dataSet)
    dataSet.set(0x5200_9229, items: [sharedGroups])
    dataSet.set(DICOMTag.perFrameGroups, items: perFrameGroups)
    let syntax: DICOMOutputSyntax =
      switch object.encoding {
      case .native: .explicitLittleEndian
      case .deflated: .deflated
      case .rle: .rle
      }
    try dataSet.write(to: path, pixels: frames.pixels, syntax: syntax)
  }

  // MARK: - Image and segments

  /// Segmentation Image Module (PS3.3 C.8.20.2, C.8.20.3) without the segments.
  private func setImage(_ dataSet: inout DICOMDataSet) {
    dataSet.set(DICOMTag.imageType, "DERIVED", "PRIMARY")
    let numbers: [(UInt32, Int)] = [
      (0x0028_0002, 1), (0x0028_0010, object.grid.size.y), (0x0028_0011, object.grid.size.x),
      (0x0028_0100, frames.bits), (0x0028_0101, frames.bits), (0x0028_0102, frames.bits - 1),
      (0x0028_0103, 0),
    ]
    for (tag, value) in numbers { dataSet.set(tag, number: Double(value)) }
    dataSet.set(DICOMTag.photometric, "MONOCHROME2")
    dataSet.set(0x0028_0008, "\(frames.frames.count)")
    dataSet.set(0x0028_2110, "00")
    dataSet.set(0x0070_0080, "SEGMENTATION")
    dataSet.set(0x0070_0081, DICOMDerivedObject.notice)
    dataSet.setEmpty(0x0070_0084)
    if isLabelMap {
      dataSet.set(0x0062_0001, "LABELMAP")
      dataSet.set(0x0062_0013, "NO")
      dataSet.set(0x0028_0120, number: 0, vr: "US")
      dataSet.set(0x2050_0020, "IDENTITY")
    } else if isFractional {
      dataSet.set(0x0062_0001, "FRACTIONAL")
      dataSet.set(0x0062_0010, "PROBABILITY")
      dataSet.set(0x0062_000E, number: 255)
      dataSet.set(0x0062_0013, "UNDEFINED")
    } else {
      dataSet.set(0x0062_0001, "BINARY")
      dataSet.set(0x0062_0013, overlaps ? "YES" : "NO")
    }
  }

  /// Whether a voxel has a label in more than one layer.
  private var overlaps: Bool {
    guard object.layers.count > 1 else { return false }
    return object.layers[0].indices.contains { voxel in
      var count = 0
      for layer in object.layers where layer[voxel] != 0 { count += 1 }
      return count > 1
    }
  }

  private func setSegments(_ dataSet: inout DICOMDataSet) throws {
    var items = try segments.map(item)
    if isLabelMap { items.insert(background, at: 0) }
    dataSet.set(0x0062_0002, items: items)
  }

  /// A segment's description (PS3.3 C.8.20.4).
  private func item(_ segment: DICOMSegment) throws -> DICOMDataSet {
    let definition = segment.definition
    var item = DICOMDataSet()
    item.set(0x0062_0004, number: Double(segment.number))
    var label = DICOMDerivedObject.text(definition.name, limit: 64)
    if label.isEmpty { label = "Label \(definition.id)" }
    item.set(0x0062_0005, label)
    // The whole name where a label of 64 characters does not hold it.
    if label != definition.name, !definition.name.isEmpty {
      item.set(0x0062_0006, String(definition.name.unicodeScalars.prefix(1024)))
    }
    setAlgorithm(&item)
    let type = definition.code ?? DICOMCode.tissue
    let category = definition.code.map(DICOMCode.category) ?? DICOMCode.tissue
    item.set(0x0062_0003, items: [category.item])
    item.set(0x0062_000F, items: [type.item])
    item.set(0x0062_000D, numbers: DICOMColor.cieLab(definition.color))
    if definition.id > 0 {
      let tracking = DICOMSegmentation.trackingID(layer: segment.layer + 1, label: definition.id)
      item.set(0x0062_0020, tracking)
      item.set(0x0062_0021, try DICOMUID.named("tracking", derived.studyUID, key, tracking))
    }
    return item
  }

  private func setAlgorithm(_ item: inout DICOMDataSet) {
    let algorithm = object.algorithm
    item.set(0x0062_0008, algorithm.kind.rawValue)
    guard algorithm.kind != .manual else { return }
    // Neither may be empty (type 1).
    let unstated = "unstated"
    let name = DICOMDerivedObject.text(
      algorithm.name.isEmpty ? unstated : algorithm.name,
      limit: 64
    )
    let version = DICOMDerivedObject.text(
      algorithm.version.isEmpty ? unstated : algorithm.version,
      limit: 64
    )
    item.set(0x0062_0009, DICOMDerivedObject.text("\(name) \(version)", limit: 64))
    var identification = DICOMDataSet()
    identification.set(0x0066_002F, items: [DICOMCode.artificialIntelligence.item])
    identification.set(0x0066_0036, name)
    identification.set(0x0066_0031, version)
    item.set(0x0062_0007, items: [identification])
  }

  /// The segment of the voxels that are in none, which label maps describe.
  private var background: DICOMDataSet {
    var item = DICOMDataSet()
    item.set(0x0062_0004, number: 0)
    item.set(0x0062_0005, "Background")
    setAlgorithm(&item)
    item.set(0x0062_0003, items: [DICOMCode.background.item])
    item.set(0x0062_000F, items: [DICOMCode.background.item])
    return item
  }

  // MARK: - Dimensions and functional groups

  /// Multi-frame Dimension Module (PS3.3 C.7.6.17): segment number, then position.
  private func setDimensions(_ dataSet: inout DICOMDataSet) throws {
    let uid = try DICOMUID.named("dimensions", derived.studyUID, key)
    var organization = DICOMDataSet()
    organization.set(0x0020_9164, uid)
    dataSet.set(0x0020_9221, items: [organization])
    let position: (UInt32, UInt32, String) = (DICOMTag.position, 0x0020_9113, "Image Position")
    let segment: (UInt32, UInt32, String) = (0x0062_000B, 0x0062_000A, "Segment Number")
    let items = (isLabelMap ? [position] : [segment, position]).map { pointer, group, label in
      var item = DICOMDataSet()
      item.set(0x0020_9164, uid)
      item.set(0x0020_9165, numbers: [Double(pointer)], vr: "AT")
      item.set(0x0020_9167, numbers: [Double(group)], vr: "AT")
      item.set(0x0020_9421, label)
      return item
    }
    dataSet.set(0x0020_9222, items: items)
  }

  private var sharedGroups: DICOMDataSet {
    let grid = object.grid
    var measures = DICOMDataSet()
    measures.set(DICOMTag.pixelSpacing, numbers: [grid.pixelSpacing.y, grid.pixelSpacing.x])
    if let thickness = grid.thickness {
      measures.set(DICOMTag.sliceThickness, numbers: [thickness])
    }
    if let spacing = grid.sliceSpacing {
      measures.set(DICOMTag.spacingBetweenSlices, numbers: [spacing])
    }
    var orientation = DICOMDataSet()
    let (row, column) = (grid.row, grid.column)
    orientation.set(
      DICOMTag.orientation,
      numbers: [row.x, row.y, row.z, column.x, column.y, column.z]
    )
    var groups = DICOMDataSet()
    groups.set(0x0028_9110, items: [measures])
    groups.set(0x0020_9116, items: [orientation])
    return groups
  }

  private var perFrameGroups: [DICOMDataSet] {
    let used = Set(frames.frames.map(\.slice)).sorted()
    let ranks = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0 + 1) })
    let derivations = Dictionary(uniqueKeysWithValues: used.map { ($0, derivation($0)) })
    return frames.frames.map { frame in
      var content = DICOMDataSet()
      let rank = Double(ranks[frame.slice] ?? 1)
      content.set(
        0x0020_9157,
        numbers: frame.segment.map { [Double(segments[$0].number), rank] } ?? [rank]
      )
      var groups = DICOMDataSet()
      groups.set(0x0020_9111, items: [content])
      let place = object.grid.positions[frame.slice]
      var position = DICOMDataSet()
      position.set(DICOMTag.position, numbers: [place.x, place.y, place.z])
      groups.set(0x0020_9113, items: [position])
      if let segment = frame.segment {
        var identification = DICOMDataSet()
        identification.set(0x0062_000B, number: Double(segments[segment].number))
        groups.set(0x0062_000A, items: [identification])
      }
      if let derivation = derivations[frame.slice] ?? nil {
        groups.set(0x0008_9124, items: [derivation])
      }
      return groups
    }
  }

  /// What a slice was derived from (PS3.3 C.7.6.16.2.6), or nil.
  private func derivation(_ slice: Int) -> DICOMDataSet? {
    guard let source = object.source else { return nil }
    let origins = object.grid.sources[slice].map { source.slices[$0] }.filter(\.isReferable)
    guard !origins.isEmpty else { return nil }
    var derivation = DICOMDataSet()
    derivation.set(0x0008_9215, items: [DICOMCode.segmentation.item])
    derivation.set(
      0x0008_2112,
      items: origins.map { origin in
        var image = DICOMDataSet()
        image.set(0x0008_1150, origin.classUID)
        image.set(0x0008_1155, origin.instanceUID)
        if let frame = origin.frame { image.set(0x0008_1160, "\(frame)") }
        image.set(0x0028_135A, object.grid.isNative ? "YES" : "NO")
        image.set(0x0040_A170, items: [DICOMCode.sourceImage.item])
        return image
      }
    )
    return derivation
  }
}
