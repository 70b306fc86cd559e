import Foundation
import Imaging
import Support

/// The fields of a NRRD header (Kindlmann, "Definition of NRRD file format", format NRRD0005).
struct NRRDHeader {
  /// Headers are text of some lines; a longer one is not believed.
  static let maximumBytes = 1 << 20

  /// Field values by lower-case name, with the names' variants ("centers" and "centerings") as
  /// written.
  let fields: [String: String]
  /// Bytes up to and including the blank line, or the whole file when there is none.
  let byteCount: Int
  /// Whether a blank line ends the header, as in a file that holds its voxels.
  let hasBlankLine: Bool
  /// The file.
  let path: String

  /// Whether a file begins with the magic of NRRD.
  static func isMagic(_ start: [UInt8]) -> Bool {
    start.starts(with: Array("NRRD000".utf8))
  }

  init(path: String) throws {
    try VolumeFile.checkReadable(path)
    self.path = path
    guard let start = VolumeFile.start(of: path, count: Self.maximumBytes), Self.isMagic(start)
    else {
      throw ImagingIOError.damaged(path: path, reason: "it has no NRRD header")
    }
    var fields: [String: String] = [:]
    var place = 0
    var foundBlank = false
    while place < start.count, !foundBlank {
      let end = start[place...].firstIndex(of: 10) ?? start.count
      var line = start[place..<end]
      if line.last == 13 { line.removeLast() }
      place = min(end + 1, start.count)
      if line.isEmpty {
        foundBlank = true
        break
      }
      let text = String(decoding: line, as: UTF8.self)
      // Comments, and key/value pairs (":="), which may hold anything, are left alone.
      guard !text.hasPrefix("#"), let colon = text.range(of: ": "), !text.contains(":=") else {
        continue
      }
      let name = text[..<colon.lowerBound].trimmingCharacters(in: .whitespaces).lowercased()
      fields[name] = String(text[colon.upperBound...]).trimmingCharacters(in: .whitespaces)
    }
    self.fields = fields
    byteCount = place
    hasBlankLine = foundBlank
  }

  /// The words of a field.
  func words(_ names: String...) -> [String]? {
    for name in names {
      guard let text = fields[name] else { continue }
      return text.split(whereSeparator: \.isWhitespace).map(String.init)
    }
    return nil
  }

  /// The numbers of a field, or nil when it is not there.
  func numbers(_ name: String) throws(ImagingIOError) -> [Double]? {
    guard let words = words(name) else { return nil }
    var numbers: [Double] = []
    for word in words {
      guard let number = Double(word) else {
        throw .damaged(path: path, reason: "its field \"\(name)\" holds \"\(word)\"")
      }
      numbers.append(number)
    }
    return numbers
  }

  /// A whole number, or nil when the field is not there.
  func integer(_ names: String...) throws(ImagingIOError) -> Int? {
    for name in names {
      guard let text = fields[name] else { continue }
      guard let number = Int(text) else {
        throw .damaged(path: path, reason: "its field \"\(name)\" is \"\(text)\"")
      }
      return number
    }
    return nil
  }

  /// Vectors such as "(1,0,0) none (0,1,0)"; nil elements are "none".
  func vectors(_ name: String) throws(ImagingIOError) -> [[Double]?]? {
    guard let text = fields[name] else { return nil }
    var vectors: [[Double]?] = []
    var rest = Substring(text)
    while let first = rest.first(where: { !$0.isWhitespace }) {
      rest = rest.drop(while: \.isWhitespace)
      if first == "(" {
        guard let end = rest.firstIndex(of: ")") else { break }
        let numbers = rest[rest.index(after: rest.startIndex)..<end].split(separator: ",").map {
          Double($0.trimmingCharacters(in: .whitespaces))
        }
        guard !numbers.contains(nil) else { break }
        vectors.append(numbers.compactMap { $0 })
        rest = rest[rest.index(after: end)...]
      } else {
        let word = rest.prefix { !$0.isWhitespace }
        guard word.lowercased() == "none" else { break }
        vectors.append(nil)
        rest = rest.dropFirst(word.count)
      }
    }
    guard !rest.contains(where: { !$0.isWhitespace }) else {
      throw .damaged(path: path, reason: "its field \"\(name)\" is no list of vectors")
    }
    return vectors
  }

  /// The type of the values.
  func scalarType() throws(ImagingIOError) -> ScalarType {
    let name = fields["type"]?.lowercased() ?? ""
    let types: [ScalarType: [String]] = [
      .int8: ["signed char", "int8", "int8_t"],
      .uint8: ["uchar", "unsigned char", "uint8", "uint8_t"],
      .int16: [
        "short", "short int", "signed short", "signed short int", "int16", "int16_t",
      ],
      .uint16: ["ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"],
      .int32: ["int", "signed int", "int32", "int32_t"],
      .uint32: ["uint", "unsigned int", "uint32", "uint32_t"],
      .int64: [
        "longlong", "long long", "long long int", "signed long long", "signed long long int",
        "int64", "int64_t",
      ],
      .uint64: [
        "ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t",
      ],
      .float32: ["float"],
      .float64: ["double"],
    ]
    guard let type = types.first(where: { $0.value.contains(name) })?.key else {
      if name == "block" {
        throw .unsupported(path: path, what: "opaque blocks", remedy: "give values of numbers")
      }
      throw .damaged(path: path, reason: "its header names the unknown voxel type \"\(name)\"")
    }
    return type
  }
}
