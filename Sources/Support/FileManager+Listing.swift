import Foundation

extension FileManager {
  /// Whether a folder, or a link to one, is at a path.
  /// - Parameter path: The path.
  /// - Returns: False also where there is nothing.
  package func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// Whether what is at a path is a folder.
  /// - Parameter path: The path.
  /// - Returns: Whether it is a folder or a link to one.
  /// - Throws: `SupportError.notFound` where there is nothing.
  package func isExistingFolder(_ path: String) throws(SupportError) -> Bool {
    guard fileExists(atPath: path) else { throw .notFound(path: path) }
    return isFolder(path)
  }

  /// The names in a folder, sorted; hidden ones are left out.
  /// - Parameter folder: The folder, or a link to it.
  /// - Returns: The names; none where there is no such folder.
  /// - Throws: `SupportError.unreadable` for a folder that may not be listed, which is no empty one.
  package func names(in folder: String) throws(SupportError) -> [String] {
    let names: [String]
    do {
      names = try entries(of: folder).map(\.name)
    } catch .notFound {
      return []
    }
    return names.filter { !$0.hasPrefix(".") }.sorted()
  }

  /// The files of a folder and of all folders within, sorted, named from it.
  ///
  /// Where the folder's path is a link the folder is entered; links within are named and not entered. Sockets
  /// and the like are left out.
  /// - Parameters:
  ///   - folder: The folder, or a link to it.
  ///   - includesLinks: Whether links count.
  /// - Returns: The names, hidden ones too.
  /// - Throws: `SupportError.notFound` where there is no such folder; `.unreadable` for a folder that may not be
  ///   listed, at any depth.
  package func files(
    below folder: String,
    includesLinks: Bool = true
  ) throws(SupportError) -> [String] {
    var files: [String] = []
    var left = [""]
    while let place = left.popLast() {
      for (name, kind) in try entries(of: place.isEmpty ? folder : folder + "/" + place) {
        let path = place.isEmpty ? name : place + "/" + name
        switch kind {
        case .folder: left.append(path)
        case .file: files.append(path)
        case .link: if includesLinks { files.append(path) }
        case .other: break
        }
      }
    }
    return files.sorted()
  }

  private enum EntryKind { case file, folder, link, other }

  private func entries(
    of folder: String
  ) throws(SupportError) -> [(name: String, kind: EntryKind)] {
    guard let stream = opendir(folder) else {
      guard errno != ENOENT, errno != ENOTDIR else { throw .notFound(path: folder) }
      throw .unreadable(path: folder, reason: String(cString: strerror(errno)))
    }
    defer { closedir(stream) }
    var entries: [(String, EntryKind)] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else {
          throw .unreadable(path: folder, reason: String(cString: strerror(errno)))
        }
        return entries
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name != ".", name != ".." else { continue }
      // Some file systems do not tell kinds.
      var status = stat()
      guard lstat(folder + "/" + name, &status) == 0 else { continue }
      let kind: EntryKind =
        switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        case S_IFLNK: .link
        default: .other
        }
      entries.append((name, kind))
    }
  }
}
