import Imaging

/// What the header of one DICOM file says, as far as volumes depend on it.
final class DICOMInstance: Sendable {
  let path: String
  let isComplete: Bool
  let classUID: String
  let instanceUID: String
  let seriesUID: String
  let studyUID: String
  let frameOfReferenceUID: String?
  let seriesNumber: Int?
  let instanceNumber: Int?
  let modality: String?
  let seriesDescription: String?
  let transferSyntax: String?
  let imageType: [String]
  let isEnhanced: Bool
  let photometric: String?
  /// Storage of the pixels; nil without pixel data.
  let pixels: DICOMPixelLayout?
  /// Whether pixel data is there but cannot be what the header says.
  let isTruncated: Bool
  /// Stored values that mean "nothing was measured here", or nil.
  let padding: ClosedRange<Int>?
  /// Values behind stored ones, or nil.
  let modalityTable: DICOMModalityTable?
  /// Whether a modality look-up table is there that contradicts itself.
  let hasBrokenTable: Bool
  /// What standardised uptake values need, for PET.
  let uptake: DICOMUptake?
  let hasRealWorldValues: Bool

  /// Reads the header of an open file.
  init(path: String, file: DICOMFile) {
    self.path = path
    isComplete = file.isComplete
    classUID = file.text(DICOMTag.classUID) ?? ""
    instanceUID = file.text(DICOMTag.instanceUID) ?? ""
    seriesUID = file.text(DICOMTag.seriesUID) ?? ""
    studyUID = file.text(DICOMTag.studyUID) ?? ""
    frameOfReferenceUID = file.text(DICOMTag.frameOfReferenceUID)
    seriesNumber = file.number(DICOMTag.seriesNumber).flatMap { Int(exactly: $0) }
    instanceNumber = file.number(DICOMTag.instanceNumber).flatMap { Int(exactly: $0) }
    modality = file.text(DICOMTag.modality)
    seriesDescription = file.text(DICOMTag.seriesDescription)
    transferSyntax = file.transferSyntax
    imageType = file.root.texts(DICOMTag.imageType)
    isEnhanced = file.hasValue(DICOMTag.perFrameGroups)
    photometric = file.text(DICOMTag.photometric)
    var layout: DICOMPixelLayout?
    do {
      layout = try file.pixels().map(DICOMPixelLayout.init) ?? DICOMPixelLayout(floatsOf: file)
      isTruncated = layout.map(\.isTruncated) ?? !file.isComplete
    } catch {
      isTruncated = true
    }
    pixels = layout
    padding = Self.padding(file, isSigned: layout?.isSigned ?? false)
    if file.hasValue(DICOMTag.modalityTable) {
      modalityTable = DICOMModalityTable(file.root, isSigned: layout?.isSigned ?? false)
      hasBrokenTable = modalityTable == nil
    } else {
      modalityTable = nil
      hasBrokenTable = false
    }
    uptake = modality == "PT" ? DICOMUptake(file.root) : nil
    hasRealWorldValues = file.hasValue(DICOMTag.realWorldValues)
  }

  /// Whether the file is meant to hold an image.
  var isImage: Bool { pixels != nil || isTruncated }

  /// Whether the pixels are many slices in one picture.
  var isMosaic: Bool { imageType.contains("MOSAIC") }

  /// Whether the file is a segmentation, which is read as labels.
  var isSegmentation: Bool {
    ["1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"].contains(classUID)
  }

  /// Pixel Padding Value to Pixel Padding Range Limit (PS3.3 C.7.5.1.1.2).
  private static func padding(_ file: DICOMFile, isSigned: Bool) -> ClosedRange<Int>? {
    func value(_ tag: UInt32) -> Int? {
      guard let value = file.number(tag).flatMap({ Int(exactly: $0) }) else { return nil }
      // In implicit syntaxes nothing tells whether the number is signed but the pixels.
      if isSigned, value > 32767, value < 65536 { return value - 65536 }
      if !isSigned, value < 0, value >= -32768 { return value + 65536 }
      return value
    }
    guard let first = value(DICOMTag.paddingValue) else { return nil }
    let last = value(DICOMTag.paddingLimit) ?? first
    return min(first, last)...max(first, last)
  }
}

/// Values behind stored ones: the first item of the Modality LUT Sequence (PS3.3 C.11.1).
struct DICOMModalityTable: Equatable, Sendable {
  /// The stored value of the first entry; lower ones have its value, too.
  let first: Int
  /// The values, at least one; stored values above the last entry have its value.
  let values: [UInt16]

  /// Reads the table, or nil when it contradicts itself.
  init?(_ root: DICOMItem, isSigned: Bool) {
    guard let item = root.item(DICOMTag.modalityTable),
      let table = DICOMLookupTable(
        item,
        descriptor: DICOMTag.tableDescriptor,
        data: DICOMTag.tableData,
        isSigned: isSigned
      )
    else { return nil }
    first = table.first
    values = table.values
  }

  /// The value behind a stored one.
  subscript(_ stored: Int) -> UInt16 {
    let (offset, overflow) = stored.subtractingReportingOverflow(first)
    if overflow { return stored < first ? values[0] : values[values.count - 1] }
    return values[min(max(offset, 0), values.count - 1)]
  }
}

/// A look-up table as headers hold them: three numbers that describe it, and its entries
/// (PS3.3 C.11.1.1).
struct DICOMLookupTable: Equatable, Sendable {
  let first: Int
  let bits: Int
  let values: [UInt16]

  /// Reads a table, or nil when it is absent or its entries are fewer than it says.
  init?(_ item: DICOMItem, descriptor: UInt32, data: UInt32, isSigned: Bool) {
    guard let numbers = item.numbers(descriptor), numbers.count == 3,
      let count = Int(exactly: numbers[0]), var first = Int(exactly: numbers[1]),
      let bits = Int(exactly: numbers[2]), (8...16).contains(bits)
    else { return nil }
    if isSigned, first > 32767 { first -= 65536 }
    // 65536 does not fit into the header's 16 bits and is written as 0.
    let entries = count == 0 ? 65536 : count < 0 ? count + 65536 : count
    guard (1...65536).contains(entries), let bytes = item.bytes(data) else { return nil }
    if bytes.count >= 2 * entries {
      values = (0..<entries).map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 }
    } else if bits == 8, bytes.count >= entries {
      values = bytes.prefix(entries).map { UInt16($0) }
    } else {
      return nil
    }
    self.first = first
    self.bits = bits
  }
}
