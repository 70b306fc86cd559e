import Imaging

/// The regions of a structure set as its file holds them.
struct StructureSetContent {
  /// A contour's kind and undecoded coordinates.
  struct Contour: Sendable {
    var isClosed: Bool
    var bytes: [UInt8]

    /// The points, LPS mm, or nil when there is none or the numbers are not points.
    var points: [SIMD3<Double>]? {
      guard let numbers = DICOMCoordinates.numbers(bytes), numbers.count % 3 == 0, !numbers.isEmpty
      else { return nil }
      return stride(from: 0, to: numbers.count, by: 3).map {
        SIMD3(numbers[$0], numbers[$0 + 1], numbers[$0 + 2])
      }
    }
  }

  /// What the regions mean, in their order.
  private(set) var definitions: [LabelDefinition] = []
  /// The contours of each region.
  private(set) var regions: [[Contour]] = []
  /// What is odd.
  private(set) var problems: [InputProblem] = []
  private var frames: Set<String> = []
  private var images: Set<String> = []

  /// Reads the regions of an open file.
  init(_ root: DICOMItem) {
    var contours: [Int: DICOMItem] = [:]
    for item in root.items(StructureSetTag.regionContours) {
      if let number = Self.number(item, StructureSetTag.referencedRegion) {
        contours[number] = item
      }
    }
    var codes: [Int: CodedConcept] = [:]
    for item in root.items(StructureSetTag.observations) {
      if let number = Self.number(item, StructureSetTag.referencedRegion),
        let code = CodedConcept(item.item(StructureSetTag.identification))
      {
        codes[number] = code
      }
    }
    var found: [(number: Int, item: DICOMItem)] = []
    for item in root.items(StructureSetTag.regions) {
      guard let number = Self.number(item, StructureSetTag.regionNumber) else { continue }
      // "Nothing": what Lamina writes for a segmentation without structures.
      if number == 0, contours[0]?.element(StructureSetTag.contours) == nil { continue }
      found.append((number, item))
      if let frame = item.text(StructureSetTag.regionFrame) { frames.insert(frame) }
    }
    if found.count > 65535 {
      problems.append(
        InputProblem(
          code: "too-many-regions",
          message: "\(found.count) regions; those after the first 65535 were left out.",
          remedy: "Split the structure set."
        )
      )
      found.removeLast(found.count - 65535)
    }
    let areLabels =
      found.allSatisfy { (1...65535).contains($0.number) }
      && Set(found.map(\.number)).count == found.count
    for (index, (number, item)) in found.enumerated() {
      let color = contours[number]?.numbers(StructureSetTag.color) ?? []
      let isColor = color.count == 3 && color.allSatisfy { (0...255).contains($0) }
      definitions.append(
        LabelDefinition(
          id: areLabels ? number : index + 1,
          name: item.text(StructureSetTag.regionName) ?? "Region \(number)",
          color: isColor
            ? LabelColor(red: UInt8(color[0]), green: UInt8(color[1]), blue: UInt8(color[2]))
            : LabelDefinition.defaultColor(index),
          code: codes[number]
        )
      )
      let items = contours[number]?.items(StructureSetTag.contours) ?? []
      regions.append(items.map(Self.contour))
      for image in items.flatMap({ $0.items(StructureSetTag.contourImages) }) {
        if let uid = image.text(StructureSetTag.referencedInstance) { images.insert(uid) }
      }
    }
  }

  /// Whether the contours can lie on a series: they name one of its images or its frame of
  /// reference, or one of both does not say where it lies.
  func refers(to source: DICOMSource) -> Bool {
    guard let frame = source.frameOfReferenceUID, !frames.isEmpty else { return true }
    return frames.contains(frame) || source.slices.contains { images.contains($0.instanceUID) }
  }

  private static func contour(_ item: DICOMItem) -> Contour {
    let type = item.text(StructureSetTag.contourType) ?? ""
    return Contour(
      isClosed: ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "INTERPOLATED_PLANAR"].contains(type),
      bytes: item.bytes(StructureSetTag.points) ?? []
    )
  }

  private static func number(_ item: DICOMItem, _ tag: UInt32) -> Int? {
    item.number(tag).flatMap { Int(exactly: $0) }
  }
}
