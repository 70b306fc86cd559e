import Foundation

extension FileManager {
  /// Walks all that lies in a folder, at any depth; also where the folder's path is a symbolic link, which
  /// `enumerator(atPath:)` alone does not enter.
  /// - Parameter path: The folder, or a link to it.
  /// - Returns: The walk, whose names are relative to the folder; nil where it cannot be listed. Links
  ///   within are named and not entered.
  package func walk(_ path: String) -> FileManager.DirectoryEnumerator? {
    enumerator(atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
  }
}
