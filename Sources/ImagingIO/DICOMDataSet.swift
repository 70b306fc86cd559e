import CDCMTK
import Foundation
import Support

/// A DICOM data set as a value: what is to be written, or a part of a file kept in memory.
///
/// Elements are kept by tag. The value representation is the dictionary's (PS3.6) unless one is
/// given. Text is UTF-8 (`ISO_IR 192`).
package struct DICOMDataSet: Equatable, Sendable {
  /// The value of an element.
  package enum Value: Equatable, Sendable {
    /// Values of the text types, of decimal and integer strings, and UIDs.
    case texts([String])
    /// Values of the binary number types.
    case numbers([Double])
    /// Bytes in little endian (OB, OW, OF, ...).
    case bytes([UInt8])
    /// The items of a sequence.
    case items([DICOMDataSet])
  }

  /// An element: how its value is represented (two letters of PS3.5 6.2), and the value.
  package struct Element: Equatable, Sendable {
    /// The value representation.
    package var vr: String
    /// The value; empty for an element without one (type 2).
    package var value: Value
  }

  /// The elements by tag, group * 65536 + element.
  package private(set) var elements: [UInt32: Element] = [:]

  /// An empty data set.
  package init() {}

  /// An element by tag.
  package subscript(_ tag: UInt32) -> Element? {
    get { elements[tag] }
    set { elements[tag] = newValue }
  }

  /// Sets text, one value or several; numbers are written by the caller as decimal strings.
  package mutating func set(_ tag: UInt32, _ values: String..., vr: String? = nil) {
    set(tag, texts: values, vr: vr)
  }

  /// Sets text values.
  package mutating func set(_ tag: UInt32, texts: [String], vr: String? = nil) {
    elements[tag] = Element(vr: vr ?? Self.dictionaryVR(tag), value: .texts(texts))
  }

  /// Sets numbers: binary ones as they are, decimal strings (DS) with up to 16 characters and
  /// integer strings (IS) as text.
  package mutating func set(_ tag: UInt32, numbers: [Double], vr: String? = nil) {
    let vr = vr ?? Self.dictionaryVR(tag)
    switch vr {
    case "DS": set(tag, texts: numbers.map(Self.decimalString), vr: vr)
    case "IS":
      set(tag, texts: numbers.map { String(Int($0)) }, vr: vr)
    default: elements[tag] = Element(vr: vr, value: .numbers(numbers))
    }
  }

  /// Sets one number.
  package mutating func set(_ tag: UInt32, number: Double, vr: String? = nil) {
    set(tag, numbers: [number], vr: vr)
  }

  /// Sets bytes in little endian.
  package mutating func set(_ tag: UInt32, bytes: [UInt8], vr: String? = nil) {
    elements[tag] = Element(vr: vr ?? Self.dictionaryVR(tag), value: .bytes(bytes))
  }

  /// Sets the items of a sequence.
  package mutating func set(_ tag: UInt32, items: [DICOMDataSet]) {
    elements[tag] = Element(vr: "SQ", value: .items(items))
  }

  /// Sets an element without a value (type 2).
  package mutating func setEmpty(_ tag: UInt32) {
    let vr = Self.dictionaryVR(tag)
    elements[tag] = Element(vr: vr, value: vr == "SQ" ? .items([]) : .texts([]))
  }

  /// Takes over elements of an open item as they are there; those that are absent are left out.
  package mutating func copy(_ tags: [UInt32], from item: DICOMItem) {
    for tag in tags {
      guard let element = item.element(tag) else { continue }
      elements[tag] = Self.element(element, of: item)
    }
  }

  /// The whole of an open item; pixel data is left out.
  package init(_ item: DICOMItem) {
    for element in item.elements where element.tag != 0x7FE0_0010 {
      elements[element.tag] = Self.element(element, of: item)
    }
  }

  private static func element(_ element: DICOMItem.Element, of item: DICOMItem) -> Element? {
    let vr = element.vr
    switch vr {
    case "SQ":
      return Element(vr: vr, value: .items(item.items(element.tag).map(DICOMDataSet.init)))
    case "US", "SS", "UL", "SL", "FL", "FD":
      return Element(vr: vr, value: .numbers(item.numbers(element.tag) ?? []))
    case "OB", "OW", "OF", "OD", "OL", "OV", "UN", "AT", "SV", "UV":
      return Element(vr: vr, value: .bytes(item.bytes(element.tag) ?? []))
    default: return Element(vr: vr, value: .texts(item.texts(element.tag)))
    }
  }

  /// A number as a decimal string: the most digits that 16 characters hold (PS3.5 6.2).
  package static func decimalString(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    for digits in stride(from: 15, through: 1, by: -1) {
      let text = String(format: "%.\(digits)g", value)
      if text.utf8.count <= 16 { return text }
    }
    return "0"
  }

  static func dictionaryVR(_ tag: UInt32) -> String {
    var vr: (CChar, CChar, CChar, CChar) = (0, 0, 0, 0)
    let status = withUnsafeMutableBytes(of: &vr) {
      cdcmtk_dictionary_vr(tag, $0.bindMemory(to: CChar.self).baseAddress)
    }
    guard status == CDCMTK_OK else { return "UN" }
    return withUnsafeBytes(of: vr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

// MARK: - Writing

/// How pixel data of a new file is stored.
package enum DICOMPixelStorage: Equatable, Sendable {
  /// No pixel data.
  case none
  /// Uncompressed values in little endian, written as OB for 8 bits and fewer, else OW.
  case native([UInt8], vr: String)
  /// Compressed frames, one fragment each.
  case frames([[UInt8]])
}

/// Transfer syntaxes that Lamina writes.
package enum DICOMOutputSyntax: String, Sendable {
  case explicitLittleEndian = "1.2.840.10008.1.2.1"
  case implicitLittleEndian = "1.2.840.10008.1.2"
  case deflated = "1.2.840.10008.1.2.1.99"
  case rle = "1.2.840.10008.1.2.5"
}

extension DICOMDataSet {
  /// Writes a file of PS3.10.
  /// - Parameters:
  ///   - path: The file to make.
  ///   - pixels: Pixel data; the elements that describe it are the data set's own.
  ///   - syntax: How the file is encoded; `frames` need a compressed one.
  /// - Throws: `SupportError.unwritable` when the file cannot be written; `.libraryFailure` when
  ///   DCMTK refuses a value.
  package func write(
    to path: String,
    pixels: DICOMPixelStorage = .none,
    syntax: DICOMOutputSyntax = .explicitLittleEndian
  ) throws {
    let file = try Result { () throws(DICOMFault) in try DICOMFile() }
      .mapError { _ in SupportError.libraryFailure(library: "DCMTK") }.get()
    try put(into: file, item: nil)
    switch pixels {
    case .none: break
    case .native(let bytes, let vr):
      try file.put(bytes, tag: 0x7FE0_0010, vr: vr, item: nil)
    case .frames(let frames):
      for frame in frames {
        guard cdcmtk_append_fragment(file.handle, syntax.rawValue, frame, frame.count) == CDCMTK_OK
        else { throw SupportError.libraryFailure(library: "DCMTK") }
      }
    }
    try file.save(to: path, syntax: syntax.rawValue)
  }

  /// DCMTK did not take a value that it should: a bug, so the element is named.
  static func refusal(_ tag: UInt32) -> SupportError {
    let digits = String(tag, radix: 16, uppercase: true)
    let padded = String(repeating: "0", count: 8 - digits.count) + digits
    return .libraryFailure(library: "DCMTK (element \(padded.prefix(4)),\(padded.suffix(4)))")
  }

  /// Puts all elements into an item of an open file, replacing those that are there.
  package func put(into file: DICOMFile, item: OpaquePointer?) throws(SupportError) {
    for (tag, element) in elements.sorted(by: { $0.key < $1.key }) {
      switch element.value {
      case .items(let items):
        guard cdcmtk_put_empty_sequence(file.handle, item, tag) == CDCMTK_OK else {
          throw Self.refusal(tag)
        }
        for child in items {
          var handle: OpaquePointer?
          guard cdcmtk_append_item(file.handle, item, tag, &handle) == CDCMTK_OK, let handle else {
            throw Self.refusal(tag)
          }
          try child.put(into: file, item: handle)
        }
      case .texts(let values):
        try file.put(values.joined(separator: "\\"), tag: tag, vr: element.vr, item: item)
      case .numbers(let values):
        let status = cdcmtk_put_doubles(
          file.handle,
          item,
          tag,
          element.vr,
          values,
          values.count
        )
        guard status == CDCMTK_OK else { throw Self.refusal(tag) }
      case .bytes(let bytes): try file.put(bytes, tag: tag, vr: element.vr, item: item)
      }
    }
  }
}

extension DICOMFile {
  /// Sets text in an item of the file; nil is the main data set.
  package func put(
    _ text: String,
    tag: UInt32,
    vr: String,
    item: OpaquePointer?
  ) throws(SupportError) {
    guard cdcmtk_put_text(handle, item, tag, vr, text, text.utf8.count) == CDCMTK_OK else {
      throw DICOMDataSet.refusal(tag)
    }
  }

  /// Sets bytes in an item of the file; nil is the main data set.
  package func put(
    _ bytes: [UInt8],
    tag: UInt32,
    vr: String,
    item: OpaquePointer?
  ) throws(SupportError) {
    guard cdcmtk_put_bytes(handle, item, tag, vr, bytes, bytes.count) == CDCMTK_OK else {
      throw DICOMDataSet.refusal(tag)
    }
  }

  /// Removes an element of an item; nothing happens when it is not there.
  package func remove(_ tag: UInt32, item: OpaquePointer?) { _ = cdcmtk_remove(handle, item, tag) }

  /// Writes the data set as a file of PS3.10.
  /// - Throws: `SupportError.unwritable`; `.libraryFailure` when the pixels do not fit the syntax.
  package func save(to path: String, syntax: String) throws(SupportError) {
    errno = 0
    switch Int(cdcmtk_save(handle, path, syntax)) {
    case CDCMTK_OK: return
    case CDCMTK_UNREADABLE:
      let reason = errno == 0 ? "writing failed" : String(cString: strerror(errno))
      throw .unwritable(path: path, reason: reason)
    default: throw .libraryFailure(library: "DCMTK")
    }
  }
}

/// UIDs of new objects.
package enum DICOMUID {
  /// A UID that depends on nothing but the parts: the same run gives the same objects.
  ///
  /// The first 128 bits of the parts' SHA-256 digest under the root of UUIDs, 2.25 (PS3.5 B.2).
  /// - Parameter parts: What the object is made of.
  /// - Returns: At most 44 characters.
  /// - Throws: `SupportError.libraryFailure`.
  package static func named(_ parts: String...) throws(SupportError) -> String {
    let text = parts.map { "\($0.utf8.count):\($0)" }.joined()
    let digest = try SHA256.hexDigest(of: Data(text.utf8))
    var value = UInt128(digest.prefix(32), radix: 16) ?? 0
    // The bits of a version 8 UUID, free in form (RFC 9562 5.8).
    value = value & ~(0xF << 76) | 8 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return "2.25.\(value)"
  }
}
