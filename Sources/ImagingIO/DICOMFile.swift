import CDCMTK

/// The elements that the reader asks for, as group * 65536 + element (PS3.6).
package enum DICOMTag {
  package static let transferSyntax: UInt32 = 0x0002_0010
  package static let characterSet: UInt32 = 0x0008_0005
  package static let imageType: UInt32 = 0x0008_0008
  package static let classUID: UInt32 = 0x0008_0016
  package static let instanceUID: UInt32 = 0x0008_0018
  package static let modality: UInt32 = 0x0008_0060
  package static let seriesDescription: UInt32 = 0x0008_103E
  package static let sliceThickness: UInt32 = 0x0018_0050
  package static let echoTime: UInt32 = 0x0018_0081
  package static let spacingBetweenSlices: UInt32 = 0x0018_0088
  package static let triggerTime: UInt32 = 0x0018_1060
  package static let diffusionBValue: UInt32 = 0x0018_9087
  package static let seriesUID: UInt32 = 0x0020_000E
  package static let seriesNumber: UInt32 = 0x0020_0011
  package static let acquisitionNumber: UInt32 = 0x0020_0012
  package static let position: UInt32 = 0x0020_0032
  package static let orientation: UInt32 = 0x0020_0037
  package static let temporalPosition: UInt32 = 0x0020_0100
  package static let photometric: UInt32 = 0x0028_0004
  package static let pixelSpacing: UInt32 = 0x0028_0030
  package static let rescaleIntercept: UInt32 = 0x0028_1052
  package static let rescaleSlope: UInt32 = 0x0028_1053
  package static let modalityTable: UInt32 = 0x0028_3000
  package static let perFrameGroups: UInt32 = 0x5200_9230
  package static let floatPixels: UInt32 = 0x7FE0_0008
  package static let doublePixels: UInt32 = 0x7FE0_0009
}

/// Why a file could not be opened or a frame not decoded.
package enum DICOMFault: Error, Equatable {
  case unreadable, notDICOM, damaged, unsupported, outOfMemory, noDictionary, fault

  /// The fault of a status other than `CDCMTK_OK` of the shim.
  package init(status: Int32) {
    switch Int(status) {
    case CDCMTK_UNREADABLE: self = .unreadable
    case CDCMTK_NOT_DICOM: self = .notDICOM
    case CDCMTK_DAMAGED, CDCMTK_ABSENT, CDCMTK_BAD_ARGUMENT: self = .damaged
    case CDCMTK_UNSUPPORTED: self = .unsupported
    case CDCMTK_NO_MEMORY: self = .outOfMemory
    case CDCMTK_NO_DICTIONARY: self = .noDictionary
    default: self = .fault
    }
  }
}

/// An open DICOM file; used by one thread at a time.
package final class DICOMFile {
  package let handle: OpaquePointer
  /// Whether the whole data set could be parsed; otherwise it holds what came before the break.
  package let isComplete: Bool

  /// Opens a file and reads its data set; pixel data stays on disk.
  package init(path: String) throws(DICOMFault) {
    var opened: OpaquePointer?
    var complete: Int32 = 0
    let status = cdcmtk_open(path, &opened, &complete)
    guard status == CDCMTK_OK, let opened else { throw DICOMFault(status: status) }
    handle = opened
    isComplete = complete != 0
  }

  /// An empty data set, to be filled and saved.
  package init() throws(DICOMFault) {
    var created: OpaquePointer?
    let status = cdcmtk_create(&created)
    guard status == CDCMTK_OK, let created else { throw DICOMFault(status: status) }
    handle = created
    isComplete = true
  }

  deinit { cdcmtk_close(handle) }

  /// The main data set.
  package var root: DICOMItem { DICOMItem(file: self, handle: nil) }

  /// The file meta group, or nil without one.
  package var meta: DICOMItem? {
    var item: OpaquePointer?
    guard cdcmtk_meta_item(handle, &item) == CDCMTK_OK, let item else { return nil }
    return DICOMItem(file: self, handle: item)
  }

  /// One value of an element as text without surrounding spaces, or nil when absent or empty.
  ///
  /// Text in Latin-1 (`ISO_IR 100`) is translated; bytes that are not UTF-8 otherwise are replaced.
  package func text(_ tag: UInt32, at index: Int = 0) -> String? {
    guard let bytes = bytes(tag, at: index) else { return nil }
    let text = Self.trimmed(Substring(decoded(bytes)))
    return text.isEmpty ? nil : text
  }

  /// Text of the data set's character set; control characters become spaces.
  package func decoded(_ bytes: [UInt8]) -> String {
    let isLatin = bytes.contains { $0 >= 0x80 } && self.bytes(DICOMTag.characterSet, at: 0) == latin
    let text =
      isLatin
      ? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
      : String(decoding: bytes, as: UTF8.self)
    let printable = text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }
    return String(String.UnicodeScalarView(printable))
  }

  /// Text without surrounding spaces.
  package static func trimmed(_ text: Substring) -> String {
    var trimmed = text
    while trimmed.first == " " { trimmed.removeFirst() }
    while trimmed.last == " " { trimmed.removeLast() }
    return String(trimmed)
  }

  private let latin = Array("ISO_IR 100".utf8)

  private func bytes(_ tag: UInt32, at index: Int) -> [UInt8]? {
    var length = 0
    var status = CDCMTK_ABSENT
    let buffer = [UInt8](unsafeUninitializedCapacity: 1025) { buffer, count in
      buffer.withMemoryRebound(to: CChar.self) { characters in
        status = Int(
          cdcmtk_string(
            handle,
            tag,
            UInt32(index),
            characters.baseAddress,
            characters.count,
            &length
          )
        )
      }
      count = status == CDCMTK_OK ? length : 0
    }
    return status == CDCMTK_OK ? buffer : nil
  }

  /// The numbers of an element, at most 16, or nil when absent or not all finite numbers.
  package func numbers(_ tag: UInt32) -> [Double]? {
    var count = 0
    var values = [Double](repeating: 0, count: 16)
    guard cdcmtk_doubles(handle, tag, &values, values.count, &count) == CDCMTK_OK else {
      return nil
    }
    values.removeLast(values.count - count)
    return values.allSatisfy(\.isFinite) ? values : nil
  }

  /// The first number of an element, or nil.
  package func number(_ tag: UInt32) -> Double? { numbers(tag)?.first }

  /// Whether an element is there and not empty.
  package func hasValue(_ tag: UInt32) -> Bool { cdcmtk_has_value(handle, tag) == CDCMTK_OK }

  /// The transfer syntax UID, or nil.
  package var transferSyntax: String? {
    var characters = [CChar](repeating: 0, count: 129)
    guard cdcmtk_transfer_syntax(handle, &characters, characters.count) == CDCMTK_OK else {
      return nil
    }
    let bytes = characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let uid = String(decoding: bytes.filter { $0 != 0x20 }, as: UTF8.self)
    return uid.isEmpty ? nil : uid
  }

  /// How the pixels are stored; nil without pixel data, damaged when that contradicts the file.
  package func pixels() throws(DICOMFault) -> cdcmtk_pixels? {
    var pixels = cdcmtk_pixels()
    let status = cdcmtk_describe_pixels(handle, &pixels)
    if status == CDCMTK_ABSENT { return nil }
    guard status == CDCMTK_OK else { throw DICOMFault(status: status) }
    return pixels
  }

  /// Decodes a frame to stored values in their own width, row by row.
  ///
  /// Three samples give red, green and blue side by side; pixels of 1 bit give one byte each.
  package func decodeFrame(
    _ frame: Int,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(DICOMFault) {
    let status = cdcmtk_decode_frame(handle, UInt32(frame), buffer.baseAddress, buffer.count)
    guard status == CDCMTK_OK else { throw DICOMFault(status: status) }
  }

  /// One frame of Float or Double Float Pixel Data, row by row.
  /// - Parameters:
  ///   - frame: Its number, from 0.
  ///   - count: Rows times columns.
  /// - Returns: The numbers as stored.
  /// - Throws: `DICOMFault.damaged` where the file has no such pixels or not so many.
  package func floatFrame(_ frame: Int, count: Int) throws(DICOMFault) -> [Double] {
    guard let number = UInt32(exactly: frame) else { throw .damaged }
    var values = [Double](repeating: 0, count: count)
    let status = cdcmtk_float_frame(handle, number, &values, count)
    guard status == CDCMTK_OK else { throw DICOMFault(status: status) }
    return values
  }
}
