import Foundation

/// Files whose bytes stay on the disk until they are used.
public enum MappedFile {
  /// Opens a file.
  /// - Parameter path: The file.
  /// - Returns: Its bytes, mapped where the file system allows it.
  /// - Throws: `SupportError.notFound`, `.unreadable`.
  public static func open(_ path: String) throws(SupportError) -> Data {
    guard FileManager.default.fileExists(atPath: path) else { throw .notFound(path: path) }
    do {
      return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    } catch {
      throw .unreadable(path: path, reason: OutputGuard.reason(of: error))
    }
  }
}
