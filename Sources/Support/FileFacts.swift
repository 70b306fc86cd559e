import Foundation

/// What the file system says about a path, links followed.
package struct FileFacts: Sendable {
  /// What a path leads to.
  package enum Kind: Sendable { case file, folder, other }

  /// The same for all paths that lead to one file.
  package struct Identity: Hashable, Sendable {
    let device: UInt64
    let number: UInt64
  }

  /// What the path leads to.
  package let kind: Kind
  /// Tells it apart from others.
  package let identity: Identity
  /// Bytes of a file.
  package let size: Int

  /// Asks the file system; nil when the path leads nowhere.
  /// - Parameter path: The path.
  package init?(_ path: String) {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return nil }
    switch facts.st_mode & S_IFMT {
    case S_IFREG: kind = .file
    case S_IFDIR: kind = .folder
    default: kind = .other
    }
    identity = Identity(device: UInt64(facts.st_dev), number: UInt64(facts.st_ino))
    size = Int(facts.st_size)
  }
}
