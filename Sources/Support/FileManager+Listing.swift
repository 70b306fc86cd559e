import Foundation

extension FileManager {
  /// What a listing does with symbolic links within a folder.
  package enum LinkRule: Sendable {
    /// They are left out.
    case leftOut
    /// They count as files.
    case named
    /// Those to folders are entered, each folder once, and others count as files.
    case entered
  }

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
  /// - Throws: `SupportError.unreadable` for a folder that may not be listed, which is no empty one, and for
  ///   names that are not UTF-8.
  package func names(in folder: String) throws(SupportError) -> [String] {
    do {
      return try entries(of: folder).map(\.name).sorted()
    } catch .notFound {
      return []
    }
  }

  /// The files of a folder and of all folders within, sorted, named from it.
  /// - Parameters:
  ///   - folder: The folder, or a link to it.
  ///   - links: What is done with links within.
  /// - Returns: The names; what is hidden, and sockets and the like, are left out.
  /// - Throws: As `visitFiles(below:links:_:)`.
  package func files(
    below folder: String,
    links: LinkRule = .entered
  ) throws(SupportError) -> [String] {
    var files: [String] = []
    try visitFiles(below: folder, links: links) { name in
      files.append(name)
      return true
    }
    return files.sorted()
  }

  /// Visits the files of a folder and of all folders within, in no particular order.
  /// - Parameters:
  ///   - folder: The folder, or a link to it.
  ///   - links: What is done with links within.
  ///   - visit: Told each file's name from the folder; false ends the visit.
  /// - Throws: `SupportError.notFound` where there is no such folder; `.unreadable` for a folder that may not be
  ///   listed, at any depth, and for names that are not UTF-8.
  package func visitFiles(
    below folder: String,
    links: LinkRule = .entered,
    _ visit: (_ name: String) -> Bool
  ) throws(SupportError) {
    // Folders are looked at before links, so that each has its own name where it has one below.
    var (folders, folderLinks) = ([""], [String]())
    var entered: Set<FileFacts.Identity> = []
    while let place = folders.popLast() ?? folderLinks.popLast() {
      let path = place.isEmpty ? folder : folder + "/" + place
      if let facts = FileFacts(path), !entered.insert(facts.identity).inserted { continue }
      let found: [(name: String, kind: EntryKind)]
      do {
        found = try entries(of: path)
      } catch .notFound where !place.isEmpty {
        // Gone since it was listed.
        continue
      }
      // Of several links to one folder the same is followed on every file system.
      for (name, kind) in found.sorted(by: { $0.name > $1.name }) {
        let name = place.isEmpty ? name : place + "/" + name
        switch kind {
        case .folder: folders.append(name)
        case .link where links == .entered && isFolder(folder + "/" + name):
          folderLinks.append(name)
        case .link where links == .leftOut, .other: break
        case .file, .link: if !visit(name) { return }
        }
      }
    }
  }

  private enum EntryKind { case file, folder, link, other }

  /// What lies in a folder and is not hidden.
  private func entries(
    of folder: String
  ) throws(SupportError) -> [(name: String, kind: EntryKind)] {
    func unreadable(_ code: Int32) -> SupportError {
      .unreadable(path: folder, reason: String(cString: strerror(code)))
    }
    guard let stream = opendir(folder) else {
      let code = errno
      guard code != ENOENT, code != ENOTDIR else { throw .notFound(path: folder) }
      throw unreadable(code)
    }
    defer { closedir(stream) }
    var entries: [(String, EntryKind)] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw unreadable(errno) }
        return entries
      }
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      guard bytes.first != UInt8(ascii: ".") else { continue }
      guard let name = String(validating: bytes, as: UTF8.self) else {
        throw .unreadable(
          path: folder,
          reason: "the name \(String(decoding: bytes, as: UTF8.self)) in it is not UTF-8"
        )
      }
      switch Int32(entry.pointee.d_type) {
      case Int32(DT_REG): entries.append((name, .file))
      case Int32(DT_DIR): entries.append((name, .folder))
      case Int32(DT_LNK): entries.append((name, .link))
      case Int32(DT_UNKNOWN):
        // A file system that does not tell kinds.
        var status = stat()
        guard fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
          if errno == ENOENT { continue }
          throw unreadable(errno)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: entries.append((name, .file))
        case S_IFDIR: entries.append((name, .folder))
        case S_IFLNK: entries.append((name, .link))
        default: entries.append((name, .other))
        }
      default: entries.append((name, .other))
      }
    }
  }
}
