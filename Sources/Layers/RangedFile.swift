import Foundation
import Support

/// A file that is read piece by piece; a mapped one would count as memory beside what is made of it.
struct RangedFile {
  /// Bytes of the file.
  let count: Int
  private let path: String
  private let handle: FileHandle

  /// - Throws: `SupportError.unreadable`.
  init(_ path: String) throws {
    self.path = path
    do {
      handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      count = Int(clamping: try handle.seekToEnd())
    } catch {
      throw SupportError.unreadable(path: path, reason: OutputGuard.reason(of: error))
    }
  }

  /// - Throws: `SupportError.unreadable`, also when the file became shorter meanwhile.
  func read(_ range: Range<Int>) throws -> Data {
    if range.isEmpty { return Data() }
    do {
      try handle.seek(toOffset: UInt64(range.lowerBound))
      if let data = try handle.read(upToCount: range.count), data.count == range.count {
        return data
      }
    } catch {
      throw SupportError.unreadable(path: path, reason: OutputGuard.reason(of: error))
    }
    throw SupportError.unreadable(path: path, reason: "it became shorter while it was read")
  }
}
