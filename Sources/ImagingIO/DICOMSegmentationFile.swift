import CDCMTK
import Imaging

/// The header of a DICOM SEG file: its segments, and where each frame lies.
struct DICOMSegmentationFile {
  /// How voxels are stored (Segmentation Type).
  enum Kind: Equatable { case binary, fractional, labelMap }

  /// An item of the Segment Sequence.
  struct Segment {
    /// Segment Number.
    var number: Int
    /// Name, colour and code; `id` is the original label number if recorded, else the number.
    var definition: LabelDefinition
    /// The layer (from 1) and label number that Lamina recorded.
    var origin: (layer: Int, label: Int)?
    /// Segment Algorithm Name.
    var algorithm: String?
  }

  /// One frame.
  struct Frame {
    /// Segment Number; nil in label maps.
    var segment: Int?
    /// The plane; nil without patient geometry.
    var plane: DICOMPlane?
    /// The last of the Dimension Index Values.
    var rank: Int?
    /// The images that the frame was derived from.
    var sources: [SegmentationReference]
  }

  let path: String
  let file: DICOMFile
  let kind: Kind
  /// Columns and rows.
  let size: SIMD2<Int>
  /// Bits Allocated: 1, 8 or 16.
  let bits: Int
  /// Maximum Fractional Value.
  let maximum: Int
  /// The segments by number, background and placeholders left out.
  let segments: [Segment]
  let frames: [Frame]
  /// Distance of pixel centres along x and y, mm.
  let pixelSpacing: SIMD2<Double>?
  /// Spacing Between Slices, mm.
  let sliceSpacing: Double?
  /// Slice Thickness, mm.
  let thickness: Double?
  /// Whether Lamina wrote the file.
  let isOurs: Bool

  /// Reads the header.
  /// - Throws: `ImagingIOError.unrecognised` when the file is no segmentation, `.damaged`,
  ///   `.unsupported` for slides and tiles; `SupportError`.
  init(path: String) throws {
    self.path = path
    file = try DICOMDerivedObject.open(path)
    let root = file.root
    let classUID = root.text(DICOMTag.classUID)
    guard classUID == DICOMSegmentation.classUID || classUID == DICOMSegmentation.labelMapClassUID
    else { throw ImagingIOError.unrecognised(path: path) }
    kind = try Self.kind(root, path: path)
    isOurs = root.text(0x0008_0070) == "Lamina"
    guard let rows = Self.integer(root, 0x0028_0010), let columns = Self.integer(root, 0x0028_0011),
      (1...65535).contains(rows), (1...65535).contains(columns),
      let count = root.text(0x0028_0008) == nil ? 1 : Self.integer(root, 0x0028_0008), count > 0
    else { throw ImagingIOError.damaged(path: path, reason: "it does not state its frames' size") }
    size = SIMD2(columns, rows)
    bits = Self.integer(root, 0x0028_0100) ?? 0
    guard [1, 8, 16].contains(bits) else {
      throw ImagingIOError.damaged(path: path, reason: "it has \(bits) bits a pixel")
    }
    maximum = max(Self.integer(root, 0x0062_000E) ?? 255, 1)
    segments = try Self.segments(root, isOurs: isOurs, path: path)

    let shared = root.item(0x5200_9229)
    let groups = root.items(DICOMTag.perFrameGroups)
    let isTiled =
      root.text(0x0020_9311) == "TILED_FULL" || root.element(0x0048_0006) != nil
      || groups.first?.item(0x0048_021A) != nil
    guard !isTiled else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "a segmentation of a slide in tiles",
        remedy: "give one of a scan"
      )
    }
    guard groups.count == count || (groups.isEmpty && count == 1) else {
      throw ImagingIOError.damaged(
        path: path,
        reason: "it describes \(groups.count) of \(count) frames"
      )
    }
    let measures = groups.first?.item(0x0028_9110) ?? shared?.item(0x0028_9110)
    if let spacing = measures?.numbers(DICOMTag.pixelSpacing), spacing.count == 2,
      spacing[0] > 0, spacing[1] > 0
    {
      pixelSpacing = SIMD2(spacing[1], spacing[0])
    } else {
      pixelSpacing = nil
    }
    sliceSpacing = measures?.number(DICOMTag.spacingBetweenSlices).flatMap { $0 > 0 ? $0 : nil }
    thickness = measures?.number(DICOMTag.sliceThickness).flatMap { $0 > 0 ? $0 : nil }
    frames = try Self.frames(groups, shared: shared, count: count, kind: kind, path: path)
  }

  /// Pixels of a frame.
  var plane: Int { size.x * size.y }

  private static func integer(_ item: DICOMItem, _ tag: UInt32) -> Int? {
    item.number(tag).flatMap { Int(exactly: $0) }
  }

  private static func kind(_ root: DICOMItem, path: String) throws(ImagingIOError) -> Kind {
    switch root.text(0x0062_0001) {
    case "BINARY": return .binary
    case "FRACTIONAL": return .fractional
    case "LABELMAP": return .labelMap
    case let other:
      throw .damaged(path: path, reason: "its type of segmentation is \(other ?? "not stated")")
    }
  }

  // MARK: - Segments

  private static func segments(
    _ root: DICOMItem,
    isOurs: Bool,
    path: String
  ) throws(ImagingIOError) -> [Segment] {
    var segments: [Segment] = []
    var numbers: Set<Int> = []
    for (index, item) in root.items(0x0062_0002).enumerated() {
      guard let number = integer(item, 0x0062_0004), (0...65535).contains(number),
        numbers.insert(number).inserted
      else { throw .damaged(path: path, reason: "segment \(index + 1) has no number of its own") }
      let origin = isOurs ? DICOMSegmentation.origin(ofTrackingID: item.text(0x0062_0020)) : nil
      if number == 0 || isOurs && origin == nil { continue }
      let label = item.text(0x0062_0005)
      let description = isOurs ? item.text(0x0062_0006) : nil
      let type = CodedConcept(item.item(0x0062_000F))
      let category = CodedConcept(item.item(0x0062_0003))
      let isPlaceholder =
        isOurs && type?.value == DICOMCode.tissue.value
        && category?.value == DICOMCode.tissue.value
      segments.append(
        Segment(
          number: number,
          definition: LabelDefinition(
            id: origin?.label ?? number,
            name: description ?? label ?? "Segment \(number)",
            color: item.numbers(0x0062_000D).flatMap {
              DICOMColor.color(cieLab: $0, white: isOurs ? .d50 : .d65)
            }
              ?? LabelDefinition.defaultColor(index),
            code: isPlaceholder ? nil : type
          ),
          origin: origin,
          algorithm: item.text(0x0062_0009)
        )
      )
    }
    return segments.sorted { $0.number < $1.number }
  }

  // MARK: - Frames

  private static func frames(
    _ groups: [DICOMItem],
    shared: DICOMItem?,
    count: Int,
    kind: Kind,
    path: String
  ) throws(ImagingIOError) -> [Frame] {
    let sharedOrientation = shared?.item(0x0020_9116)?.numbers(DICOMTag.orientation)
    let sharedPosition = shared?.item(0x0020_9113)?.numbers(DICOMTag.position)
    let sharedSegment = shared?.item(0x0062_000A).flatMap { integer($0, 0x0062_000B) }
    var frames: [Frame] = []
    frames.reserveCapacity(count)
    for index in 0..<count {
      let group = groups.indices.contains(index) ? groups[index] : nil
      let orientation =
        group?.item(0x0020_9116)?.numbers(DICOMTag.orientation) ?? sharedOrientation
      let position = group?.item(0x0020_9113)?.numbers(DICOMTag.position) ?? sharedPosition
      let plane = DICOMPlane(orientation: orientation, position: position)
      guard plane != nil || position == nil else {
        throw .damaged(path: path, reason: "frame \(index + 1) has a position in no plane")
      }
      var segment: Int?
      if kind != .labelMap {
        segment =
          group?.item(0x0062_000A).flatMap { integer($0, 0x0062_000B) } ?? sharedSegment
        guard let segment, (1...65535).contains(segment) else {
          throw .damaged(path: path, reason: "frame \(index + 1) belongs to no segment")
        }
      }
      let derivation = (group ?? shared)?.item(0x0008_9124)
      frames.append(
        Frame(
          segment: segment,
          plane: plane,
          rank: (group?.item(0x0020_9111)?.numbers(0x0020_9157)?.last).flatMap {
            Int(exactly: $0)
          },
          sources: (derivation?.items(0x0008_2112) ?? []).compactMap(SegmentationReference.init)
        )
      )
    }
    return frames
  }
}

extension SegmentationReference {
  fileprivate init?(_ item: DICOMItem) {
    guard let instance = item.text(0x0008_1155) else { return nil }
    self.init(
      classUID: item.text(0x0008_1150) ?? "",
      instanceUID: instance,
      frame: item.number(0x0008_1160).flatMap { Int(exactly: $0) }
    )
  }
}
