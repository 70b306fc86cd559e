import Foundation
import Support

extension OutputGuard {
  /// Makes a folder, with those above it; one that is there is left as it is.
  /// - Parameter path: The folder.
  /// - Throws: `SupportError.unwritable`.
  static func makeFolder(_ path: String) throws(SupportError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw SupportError.unwritable(path: path, reason: reason(of: error))
    }
  }
}
