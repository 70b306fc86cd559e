import Foundation
import Support
import Synchronization

/// Class probabilities that arrive piece by piece and in any order, kept in a file.
///
/// The file holds `[class][z][y][x]` of the scan's own grid in single precision, x fastest; it is
/// scratch space that goes with the sink. Classes x volume is never held in memory.
package final class ProbabilitySink: Sendable {
  private let path: String
  private let descriptor: Mutex<Int32>
  private let shape = Mutex<[Int]>([])

  /// Opens a scratch file.
  /// - Parameter folder: A folder that exists; the file has no name there and goes with the process.
  /// - Throws: `SupportError.unwritable`.
  package init(in folder: String) throws {
    path = folder + "/.probabilities-\(getpid()).partial"
    let file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
    guard file >= 0 else {
      throw SupportError.unwritable(path: path, reason: String(cString: strerror(errno)))
    }
    unlink(path)
    descriptor = Mutex(file)
  }

  deinit { descriptor.withLock { _ = close($0) } }

  /// Classes, slices, rows and columns.
  package var size: [Int] { shape.withLock { $0 } }

  /// States the size, before anything is written; what is never written reads as 0.
  /// - Parameter size: Classes, slices, rows and columns.
  /// - Throws: `SupportError.unwritable`.
  package func begin(size: [Int]) throws {
    shape.withLock { $0 = size }
    let bytes = size.reduce(4, *)
    let done = descriptor.withLock { ftruncate($0, off_t(bytes)) }
    guard done == 0 else {
      throw SupportError.unwritable(path: path, reason: String(cString: strerror(errno)))
    }
  }

  /// Writes values that follow one another in the file; may be called from several threads.
  /// - Parameters:
  ///   - values: Probabilities.
  ///   - offset: The place of the first, in values.
  /// - Throws: `SupportError.unwritable`.
  package func write(_ values: UnsafeBufferPointer<Float>, at offset: Int) throws {
    guard let base = values.baseAddress else { return }
    let file = descriptor.withLock { $0 }
    var done = 0
    let total = values.count * 4
    while done < total {
      let count = pwrite(
        file,
        UnsafeRawPointer(base) + done,
        total - done,
        off_t(offset * 4 + done)
      )
      guard count > 0 else {
        throw SupportError.unwritable(path: path, reason: String(cString: strerror(errno)))
      }
      done += count
    }
  }

  /// Reads values that follow one another.
  /// - Parameters:
  ///   - offset: The place of the first, in values.
  ///   - count: How many.
  /// - Returns: The values.
  /// - Throws: `SupportError.unreadable`.
  package func read(at offset: Int, count: Int) throws -> [Float] {
    let file = descriptor.withLock { $0 }
    return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      var done = 0
      while done < count * 4 {
        let got = pread(
          file,
          UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped) + done,
          count * 4 - done,
          off_t(offset * 4 + done)
        )
        guard got > 0 else {
          throw SupportError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        done += got
      }
      initialized = count
    }
  }
}
