import Foundation
import Support
import Tensors

/// A strict reader of NumPy's `.npy` files (format 1.0 to 3.0 of NumPy's documentation,
/// `numpy.lib.format`).
///
/// Only little-endian single-precision numbers in C order are taken, which is what exports hold.
package enum NPYFile {
  private static let magic = Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) })

  /// Reads a file.
  /// - Parameter path: The file.
  /// - Returns: The array.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `BenchError.damagedArray`.
  package static func tensor(contentsOf path: String) throws -> Tensor {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    } catch {
      throw SupportError.unreadable(path: path, reason: OutputGuard.reason(of: error))
    }
    return try tensor(data, path: path)
  }

  /// Decodes a file's bytes.
  /// - Parameters:
  ///   - data: The bytes.
  ///   - path: Where they came from, for messages.
  /// - Returns: The array.
  /// - Throws: `BenchError.damagedArray`.
  package static func tensor(_ data: Data, path: String) throws(BenchError) -> Tensor {
    func damaged(_ reason: String) -> BenchError { .damagedArray(path: path, reason: reason) }
    let bytes = data.startIndex
    guard data.count >= 12, data.prefix(6).elementsEqual(magic) else {
      throw damaged("it does not begin as a NumPy file")
    }
    let version = data[bytes + 6]
    guard (1...3).contains(version), data[bytes + 7] == 0 else {
      throw damaged("its format is \(version).\(data[bytes + 7])")
    }
    // Two bytes of length in version 1, four later.
    let lengthBytes = version == 1 ? 2 : 4
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(data[bytes + 8 + $1]) << (8 * $1) }
    let start = 8 + lengthBytes + length
    guard start <= data.count else { throw damaged("its header is cut short") }
    let header = String(
      decoding: data[bytes + 8 + lengthBytes..<bytes + start],
      as: UTF8.self
    )
    let shape = try shape(header, damaged)
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { throw damaged("its shape \(shape) is too large") }
      count = product
    }
    let (size, overflow) = count.multipliedReportingOverflow(by: 4)
    guard !overflow, size == data.count - start else {
      throw damaged("\(data.count - start) bytes follow the header for the shape \(shape)")
    }
    let values = data[(bytes + start)...].withUnsafeBytes { raw in
      (0..<count).map {
        Float(
          bitPattern: UInt32(
            littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)
          )
        )
      }
    }
    return Tensor(values, shape: shape)
  }

  /// The shape out of `{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }`.
  private static func shape(
    _ header: String,
    _ damaged: (String) -> BenchError
  ) throws(BenchError) -> [Int] {
    guard let descr = value("descr", in: header), let order = value("fortran_order", in: header),
      let open = header.range(of: "'shape':"),
      let start = header.range(of: "(", range: open.upperBound..<header.endIndex),
      let end = header.range(of: ")", range: start.upperBound..<header.endIndex)
    else { throw damaged("its header lacks a key") }
    guard descr == "'<f4'" else { throw damaged("its numbers are of the type \(descr)") }
    guard order == "False" else { throw damaged("it is in Fortran's order") }
    var shape: [Int] = []
    let words = header[start.upperBound..<end.lowerBound].split(separator: ",")
      .map { $0.trimmingCharacters(in: .whitespaces) }
    for word in words where !word.isEmpty {
      guard let size = Int(word), size >= 0 else { throw damaged("its shape holds \(word)") }
      shape.append(size)
    }
    return shape
  }

  private static func value(_ key: String, in header: String) -> String? {
    guard let place = header.range(of: "'\(key)':") else { return nil }
    return header[place.upperBound...].prefix { $0 != "," && $0 != "}" }
      .trimmingCharacters(in: .whitespaces)
  }
}
