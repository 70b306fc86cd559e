import Foundation
import Support
import Tensors

/// A strict reader of NumPy's `.npy` files as tensors.
///
/// Only little-endian single-precision numbers in C order are taken, which is what exports hold.
package enum NPYFile {
  /// Reads a file.
  /// - Parameter path: The file.
  /// - Returns: The array.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `BenchError.damagedArray`.
  package static func tensor(contentsOf path: String) throws -> Tensor {
    let data = try MappedFile.open(path)
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
    let header: NPYHeader
    let start: Int
    let count: Int
    do throws(NPYHeader.Objection) {
      (header, start) = try NPYHeader.read(data)
      count = try header.count()
    } catch {
      throw damaged(error.reason)
    }
    guard header.type == "<f4" else { throw damaged("its numbers are of the type \(header.type)") }
    guard !header.isFortranOrder else { throw damaged("it is in Fortran's order") }
    let (size, overflow) = count.multipliedReportingOverflow(by: 4)
    guard !overflow, size == data.count - start else {
      throw damaged("\(data.count - start) bytes follow the header for the shape \(header.shape)")
    }
    let values = data[(data.startIndex + start)...].withUnsafeBytes { raw in
      (0..<count).map {
        Float(
          bitPattern: UInt32(
            littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)
          )
        )
      }
    }
    return Tensor(values, shape: header.shape)
  }
}
