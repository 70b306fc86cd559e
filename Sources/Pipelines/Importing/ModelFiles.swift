import Foundation
import ImagingIO
import Support

/// The files of a model of another program: a folder, a zip archive, or one file.
///
/// Files are found by their names within the source and read from where they lie; an archive is
/// unpacked to a private folder under names of our own, so that a name in it leads nowhere.
package struct ModelFiles: Sendable {
  /// The source as the user named it.
  package let source: String
  private let paths: [String: String]
  private let archive: InputArchive?
  private let prefix: String

  /// More files than this are no model.
  private static let maximumFiles = 100_000

  /// Lists the files of a source.
  /// - Parameters:
  ///   - source: A folder, a zip archive, or a file.
  ///   - progress: Told about unpacking.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `ImagingIOError` for archives that are damaged
  ///   or expand too far; `PipelinesError.damagedModel` for a folder of too many files.
  package init(_ source: String, progress: any ProgressReporter) throws {
    let isFolder = try FileManager.default.isExistingFolder(source)
    self.source = source
    prefix = ""
    if isFolder {
      archive = nil
      paths = try Self.files(in: source)
    } else if Self.isArchive(source) {
      let archive = try InputArchive(source, progress: progress)
      self.archive = archive
      paths = archive.contents
    } else {
      archive = nil
      paths = [(source as NSString).lastPathComponent: source]
    }
  }

  private init(_ other: ModelFiles, below folder: String) {
    source = other.source
    archive = other.archive
    prefix = other.prefix + folder + "/"
    let start = folder + "/"
    paths = Dictionary(
      uniqueKeysWithValues: other.paths.compactMap { name, path in
        name.hasPrefix(start) ? (String(name.dropFirst(start.count)), path) : nil
      }
    )
  }

  /// A zip archive that is not a file of PyTorch, which is a zip too.
  private static func isArchive(_ path: String) -> Bool {
    path.lowercased().hasSuffix(".zip")
  }

  private static func files(in folder: String) throws -> [String: String] {
    var found: [String: String] = [:]
    try FileManager.default.visitFiles(below: folder, links: .leftOut) { name in
      found[name] = folder + "/" + name
      return found.count <= maximumFiles
    }
    guard found.count <= maximumFiles else {
      throw PipelinesError.damagedModel(
        path: folder,
        reason: "it holds more than \(maximumFiles) files"
      )
    }
    return found
  }

  /// The names of all files within the source, sorted.
  package var names: [String] { paths.keys.sorted() }

  /// Where a file can be read, or nil when the source has none of this name.
  /// - Parameter name: The name within the source.
  /// - Returns: A path.
  package func path(_ name: String) -> String? { paths[name] }

  /// The folders at the top, sorted.
  package var folders: [String] {
    Set(paths.keys.compactMap { $0.contains("/") ? String($0.prefix { $0 != "/" }) : nil }).sorted()
  }

  /// The files below a folder, named from there.
  /// - Parameter folder: A folder's name within the source.
  /// - Returns: The files; none when there is no such folder.
  package func below(_ folder: String) -> ModelFiles { ModelFiles(self, below: folder) }

  /// A file's name for people.
  /// - Parameter name: The name within the source.
  /// - Returns: The source and the name.
  package func display(_ name: String) -> String { source + "/" + prefix + name }

  /// Where a folder's files lie within the source.
  package var folderName: String { prefix.isEmpty ? "" : String(prefix.dropLast()) }
}
