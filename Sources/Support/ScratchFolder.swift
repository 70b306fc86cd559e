import Foundation

/// A private folder for intermediate files, removed with all that is in it when nobody uses it.
///
/// It lies in the system's temporary folder (`TMPDIR`), and only its owner may enter it. Its name
/// holds the number of the process: a run that is cut off finds its folders by it.
public final class ScratchFolder: Sendable {
  /// The folder; it is there as long as this object.
  public let path: String

  /// Makes the folder.
  /// - Throws: `SupportError.unwritable` when the system refuses.
  public init() throws(SupportError) {
    let parent = Self.parent
    var template = Array((parent + "/" + Self.prefix + "XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      throw .unwritable(path: parent, reason: String(cString: strerror(errno)))
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The bytes that may still be written there, or nil when the system does not tell.
  public var freeBytes: UInt64? {
    var facts = statvfs()
    guard statvfs(path, &facts) == 0 else { return nil }
    let (bytes, overflow) = UInt64(facts.f_bavail)
      .multipliedReportingOverflow(by: UInt64(facts.f_frsize))
    return overflow ? .max : bytes
  }

  /// Removes every such folder of this process; for a run that stops here.
  public static func removeAll() {
    let files = FileManager.default
    // Another thread may be adding files while a folder is emptied.
    for _ in 0..<3 {
      let names = (try? files.contentsOfDirectory(atPath: parent)) ?? []
      let own = names.filter { $0.hasPrefix(prefix) }
      if own.isEmpty { return }
      for name in own { try? files.removeItem(atPath: parent + "/" + name) }
    }
  }

  private static var parent: String {
    var path = NSTemporaryDirectory()
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }

  private static var prefix: String { "lamina-\(getpid())-" }
}
