import Foundation

/// The header of NumPy's `.npy` files: type of numbers, order and shape (formats 1.0 to 3.0 of
/// NumPy's documentation, `numpy.lib.format`).
package struct NPYHeader: Equatable, Sendable {
  /// What is wrong with a header, in words that follow "it is damaged:".
  package struct Objection: Error, Equatable {
    /// The words.
    package let reason: String
  }

  /// The numbers' type as NumPy writes it, such as `<f4`.
  package let type: String
  /// Whether the first index runs fastest.
  package let isFortranOrder: Bool
  /// Numbers along each axis; empty for a single number.
  package let shape: [Int]

  /// Creates a header.
  /// - Parameters:
  ///   - type: The numbers' type as NumPy writes it, such as `<f4`.
  ///   - isFortranOrder: Whether the first index runs fastest.
  ///   - shape: Numbers along each axis.
  package init(type: String, isFortranOrder: Bool = false, shape: [Int]) {
    self.type = type
    self.isFortranOrder = isFortranOrder
    self.shape = shape
  }

  private static let magic = Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) })
  /// Headers end on a multiple of this, as NumPy's documentation asks.
  private static let alignment = 64
  /// More than any header of a plain array needs; NumPy itself refuses headers beyond 10 000 bytes.
  private static let maximumLength = 1 << 16

  /// The file's bytes before the numbers.
  package var bytes: [UInt8] {
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text =
      "{'descr': '\(type)', 'fortran_order': \(isFortranOrder ? "True" : "False"), "
      + "'shape': (\(sizes)), }"
    let used = Self.magic.count + 4 + text.utf8.count + 1
    let padding = (Self.alignment - used % Self.alignment) % Self.alignment
    text += String(repeating: " ", count: padding) + "\n"
    let length = text.utf8.count
    return Self.magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
  }

  /// The number of numbers.
  /// - Throws: `Objection` when there are more than can be counted.
  package func count() throws(Objection) -> Int {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { throw Objection(reason: "its shape \(shape) is too large") }
      count = product
    }
    return count
  }

  /// Reads a header.
  /// - Parameter data: The file's bytes, or as many of the first that the header is among them.
  /// - Returns: The header and where the numbers begin, counted from the data's first byte.
  /// - Throws: `Objection`.
  package static func read(_ data: Data) throws(Objection) -> (header: NPYHeader, start: Int) {
    let bytes = data.startIndex
    guard data.count >= 12, data.prefix(6).elementsEqual(magic) else {
      throw Objection(reason: "it does not begin as a NumPy file")
    }
    let version = data[bytes + 6]
    guard (1...3).contains(version), data[bytes + 7] == 0 else {
      throw Objection(reason: "its format is \(version).\(data[bytes + 7])")
    }
    // Two bytes of length in version 1, four later.
    let lengthBytes = version == 1 ? 2 : 4
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(data[bytes + 8 + $1]) << (8 * $1) }
    let start = 8 + lengthBytes + length
    guard length <= maximumLength, start <= data.count else {
      throw Objection(reason: "its header is cut short")
    }
    let text = String(decoding: data[bytes + 8 + lengthBytes..<bytes + start], as: UTF8.self)
    return (try parse(text), start)
  }

  /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }`.
  private static func parse(_ text: String) throws(Objection) -> NPYHeader {
    guard let type = value("descr", in: text), let order = value("fortran_order", in: text),
      let key = text.range(of: "'shape':"),
      let open = text.range(of: "(", range: key.upperBound..<text.endIndex),
      let close = text.range(of: ")", range: open.upperBound..<text.endIndex)
    else { throw Objection(reason: "its header lacks a key") }
    guard type.count > 2, type.first == "'", type.last == "'" else {
      throw Objection(reason: "its numbers are of the type \(type)")
    }
    guard order == "False" || order == "True" else {
      throw Objection(reason: "its order is \(order)")
    }
    var shape: [Int] = []
    let words = text[open.upperBound..<close.lowerBound].split(separator: ",")
      .map { $0.trimmingCharacters(in: .whitespaces) }
    for word in words where !word.isEmpty {
      guard let size = Int(word), size >= 0 else {
        throw Objection(reason: "its shape holds \(word)")
      }
      shape.append(size)
    }
    return NPYHeader(
      type: String(type.dropFirst().dropLast()),
      isFortranOrder: order == "True",
      shape: shape
    )
  }

  private static func value(_ key: String, in header: String) -> String? {
    guard let place = header.range(of: "'\(key)':") else { return nil }
    return header[place.upperBound...].prefix { $0 != "," && $0 != "}" }
      .trimmingCharacters(in: .whitespaces)
  }
}
