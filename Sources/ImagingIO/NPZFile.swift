import CZip
import Foundation
import Support

/// Reads NumPy's `.npz` files: zip archives of `.npy` arrays, stored or deflated.
///
/// One thread at a time may use it.
package final class NPZFile {
  /// An array, little-endian and in C order.
  package struct Array: Sendable {
    /// Numbers along each axis.
    package let shape: [Int]
    /// The numbers' type as NumPy writes it: `<f4`, `|i1`.
    package let type: String
    /// The numbers' bytes.
    package let bytes: Data
  }

  private let path: String
  private let archive: OpaquePointer
  private var entries: [String: (index: Int64, size: Int, packedSize: Int)] = [:]

  /// Deflate cannot expand data by more (zlib's technical notes: 1032 to 1).
  private static let largestRatio = 1100

  /// Reads the directory.
  /// - Parameter path: The file.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `ImagingIOError.damaged`.
  package init(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    self.path = path
    var opened: OpaquePointer?
    let status = czip_open(path, &opened)
    if status == CZIP_UNREADABLE {
      throw SupportError.unreadable(path: path, reason: "it cannot be opened")
    }
    guard status == CZIP_OK, let opened else {
      throw ImagingIOError.damaged(path: path, reason: "its zip directory cannot be read")
    }
    archive = opened
    for index in 0..<czip_count(archive) {
      var entry = czip_entry()
      guard czip_describe(archive, index, &entry) == CZIP_OK, entry.kind == CZIP_FILE,
        let size = Int(exactly: entry.size), let packedSize = Int(exactly: entry.packed_size)
      else { continue }
      let name = String(cString: entry.name)
      guard name.hasSuffix(".npy") else { continue }
      entries[String(name.dropLast(4))] = (index, size, packedSize)
    }
  }

  deinit { czip_close(archive) }

  /// The arrays' names, sorted.
  package var keys: [String] { entries.keys.sorted() }

  /// Reads an array.
  /// - Parameter key: Its name.
  /// - Returns: The array.
  /// - Throws: `ImagingIOError.damaged` when it is not there, or not what it says;
  ///   `.unsupported` for Fortran's order, big-endian numbers, and what is no numbers.
  package func array(_ key: String) throws -> Array {
    func damaged(_ reason: String) -> ImagingIOError { .damaged(path: path, reason: reason) }
    guard let entry = entries[key] else { throw damaged("it holds no array \(key)") }
    let (allowed, isPlenty) = entry.packedSize.multipliedReportingOverflow(by: Self.largestRatio)
    guard isPlenty || entry.size <= max(allowed, 1 << 20) else {
      throw damaged("\(key) claims \(entry.size) bytes")
    }
    var data = Data(count: entry.size)
    let status = data.withUnsafeMutableBytes {
      czip_read(archive, entry.index, $0.baseAddress, UInt64(entry.size))
    }
    guard status == CZIP_OK else { throw damaged("\(key) cannot be read") }
    let header: NPYHeader
    let start: Int
    let count: Int
    do throws(NPYHeader.Objection) {
      (header, start) = try NPYHeader.read(data)
      count = try header.count()
    } catch {
      throw damaged("\(key): \(error.reason)")
    }
    guard let width = Self.widths[header.type], !header.isFortranOrder else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "an array \(key) of the type \(header.type)"
          + (header.isFortranOrder ? " in Fortran's order" : ""),
        remedy: "save it as plain numbers, little-endian and in C order"
      )
    }
    let (size, overflow) = count.multipliedReportingOverflow(by: width)
    guard !overflow, size == data.count - start else {
      throw damaged("\(data.count - start) bytes of \(key) for the shape \(header.shape)")
    }
    return Array(shape: header.shape, type: header.type, bytes: data.dropFirst(start))
  }

  /// Bytes of a number, for the types that are read.
  fileprivate static let widths: [String: Int] = [
    "<f2": 2, "<f4": 4, "<f8": 8, "|b1": 1, "|i1": 1, "|u1": 1, "<i2": 2, "<u2": 2, "<i4": 4,
    "<u4": 4, "<i8": 8, "<u8": 8,
  ]
}

extension NPZFile.Array {
  /// The numbers in double precision, the last index fastest.
  package var doubles: [Double] {
    switch type {
    case "<f2": numbers(UInt16.self) { Double(Float16(bitPattern: $0)) }
    case "<f4": numbers(UInt32.self) { Double(Float(bitPattern: $0)) }
    case "<f8": numbers(UInt64.self) { Double(bitPattern: $0) }
    case "|i1": numbers(Int8.self) { Double($0) }
    case "<i2": numbers(Int16.self) { Double($0) }
    case "<u2": numbers(UInt16.self) { Double($0) }
    case "<i4": numbers(Int32.self) { Double($0) }
    case "<u4": numbers(UInt32.self) { Double($0) }
    case "<i8": numbers(Int64.self) { Double($0) }
    case "<u8": numbers(UInt64.self) { Double($0) }
    default: numbers(UInt8.self) { Double($0) }
    }
  }

  /// The numbers in single precision, the last index fastest.
  package var floats: [Float] {
    type == "<f4" ? numbers(UInt32.self) { Float(bitPattern: $0) } : doubles.map { Float($0) }
  }

  private func numbers<Word: FixedWidthInteger & BitwiseCopyable, Number>(
    _ word: Word.Type,
    _ number: (Word) -> Number
  ) -> [Number] {
    let width = MemoryLayout<Word>.size
    return bytes.withUnsafeBytes { raw in
      (0..<raw.count / width).map {
        number(Word(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * width, as: word)))
      }
    }
  }
}
