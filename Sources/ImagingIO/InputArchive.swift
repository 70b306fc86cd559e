import CZip
import Foundation
import Support
import Synchronization

/// A zip archive, unpacked to a private folder for as long as this object lives.
///
/// Names in the archive never reach the disk: files are numbered (`ArchiveNames`), so that neither
/// absolute names nor ".." nor anything else leads elsewhere. Links and special files are left out.
/// Archives that expand beyond `ArchiveLimits`, and encrypted ones, are refused before anything is
/// written.
package final class InputArchive: Sendable {
  /// The archive as the user named it.
  let path: String
  /// What was extracted, by path.
  let files: [String]
  /// Where it was extracted to.
  let folder: ScratchFolder
  /// What is odd about the archive.
  let problems: [InputProblem]
  /// Extracted path below the folder to the name in the archive.
  private let names: [String: String]

  /// Unpacks an archive.
  /// - Parameters:
  ///   - path: A zip file.
  ///   - progress: Told about the extraction.
  /// - Throws: `ImagingIOError.damaged` when it is no whole archive or a checksum differs,
  ///   `.unsupported` when it is encrypted, in several parts, compressed in an unknown way, empty,
  ///   or expands too far; `SupportError` when it cannot be read or its content not written.
  package init(_ path: String, progress: any ProgressReporter) throws {
    self.path = path
    let directory = try Self.directory(of: path)
    problems = directory.problems
    folder = try ScratchFolder()
    guard !directory.entries.isEmpty else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "no files",
        remedy: "give an archive of NIfTI, DICOM or PNG files, or of a model"
      )
    }
    let limits = ArchiveLimits(
      archiveBytes: UInt64(max(0, FileFacts(path)?.size ?? 0)),
      freeBytes: folder.freeBytes
    )
    if let objection = limits.objection(to: directory.entries) {
      throw ImagingIOError.unsupported(
        path: path,
        what: objection.what,
        remedy: objection.remedy
      )
    }
    let numbered = ArchiveNames(directory.entries.map(\.name))
    let root = folder.path
    files = numbered.order.map { root + "/" + numbered.paths[$0] }
    names = Dictionary(
      zip(numbered.paths, directory.entries.map(\.name)),
      uniquingKeysWith: { first, _ in first }
    )
    try extract(directory.entries, to: numbered.paths, progress: progress)
  }

  /// Where each file was extracted to, by its name in the archive.
  package var contents: [String: String] {
    Dictionary(
      names.map { ($0.value, folder.path + "/" + $0.key) },
      uniquingKeysWith: { first, _ in first }
    )
  }

  // MARK: - Messages

  /// Text in which paths of extracted files are named as people know them: the archive, a slash and
  /// the name in it.
  func named(_ text: String) -> String {
    var rest = text[...]
    var result = ""
    while let found = rest.range(of: folder.path) {
      result += rest[..<found.lowerBound] + path
      rest = rest[found.upperBound...]
      guard rest.first == "/" else { continue }
      let token = rest.dropFirst().prefix { character in
        character.isASCII && (character.isLetter || character.isNumber || "/.".contains(character))
      }
      // A full stop may end the sentence.
      var candidate = token
      while names[String(candidate)] == nil, candidate.last == "." { candidate.removeLast() }
      if let name = names[String(candidate)] {
        result += "/" + name
        rest = rest[candidate.endIndex...]
      }
    }
    return result + rest
  }

  /// An error that names the archive instead of the place where it was unpacked.
  func named(_ error: any Error) -> any Error {
    switch error {
    case ImagingIOError.damaged(let file, let reason):
      ImagingIOError.damaged(path: named(file), reason: named(reason))
    case let error as ImagingIOError:
      ImagingIOError.inArchive(message: named(error.description), failure: error.failure)
    case SupportError.unreadable(let file, let reason):
      SupportError.unreadable(path: named(file), reason: named(reason))
    case SupportError.notFound(let file): SupportError.notFound(path: named(file))
    default: error
    }
  }

  /// A problem that names the archive instead of the place where it was unpacked.
  func named(_ problem: InputProblem) -> InputProblem {
    InputProblem(
      code: problem.code,
      message: named(problem.message),
      remedy: named(problem.remedy)
    )
  }

  // MARK: - Directory

  private struct Directory {
    var entries: [ArchiveEntry] = []
    var problems: [InputProblem] = []
  }

  /// Names that programs add to archives and that hold nothing for people.
  private static func isClutter(_ name: String) -> Bool {
    let last = name.split(separator: "/").last ?? ""
    return name.hasPrefix("__MACOSX/") || last == ".DS_Store" || last == "Thumbs.db"
  }

  private static func directory(of path: String) throws -> Directory {
    let handle = try ArchiveHandle(path)
    var directory = Directory()
    var specials = 0
    for index in 0..<handle.count {
      var facts = czip_entry()
      let status = czip_describe(handle.archive, Int64(index), &facts)
      guard status == CZIP_OK, let stored = facts.name else {
        throw error(status == CZIP_OK ? Int32(CZIP_DAMAGED) : status, path: path, entry: nil)
      }
      let name = printable(String(cString: stored))
      if facts.kind == CZIP_FOLDER || isClutter(name) { continue }
      guard facts.kind == CZIP_FILE else {
        specials += 1
        continue
      }
      if facts.is_encrypted != 0 { throw error(Int32(CZIP_ENCRYPTED), path: path, entry: name) }
      directory.entries.append(
        ArchiveEntry(index: index, name: name, size: facts.size, packedSize: facts.packed_size)
      )
    }
    if specials > 0 {
      directory.problems.append(
        InputProblem(
          code: "archive-links",
          message: "\(DICOMSeries.words(specials, "link")) or special files in \(path) left out.",
          remedy: "Put the files themselves into the archive."
        )
      )
    }
    return directory
  }

  /// A name without control characters, of at most 200 characters.
  private static func printable(_ name: String) -> String {
    let scalars = name.unicodeScalars.prefix(200)
      .map { $0.properties.generalCategory == .control ? "?" : $0 }
    return String(String.UnicodeScalarView(scalars))
  }

  // MARK: - Extraction

  private func extract(
    _ entries: [ArchiveEntry],
    to paths: [String],
    progress: any ProgressReporter
  ) throws {
    let root = folder.path
    for parent in Set(paths.compactMap { $0.lastIndex(of: "/").map($0.prefix(upTo:)) }) {
      guard mkdir(root + "/" + parent, 0o700) == 0 else { throw unwritable() }
    }
    progress.begin("unpacking \(DICOMSeries.words(entries.count, "file"))", total: entries.count)
    defer { progress.end() }
    let failure = Mutex<(position: Int, error: any Error)?>(nil)
    for start in stride(from: 0, to: entries.count, by: Self.block) {
      let block = start..<min(start + Self.block, entries.count)
      Parallelism.forEachRange(block.count) { range in
        var position = start + range.lowerBound
        do {
          let handle = try ArchiveHandle(path)
          for offset in range {
            position = start + offset
            try extract(entries[position], by: handle, to: root + "/" + paths[position])
          }
        } catch {
          failure.withLock { first in
            if first.map({ $0.position > position }) ?? true { first = (position, error) }
          }
        }
      }
      if let failure = failure.withLock({ $0 }) { throw failure.error }
      progress.update(block.upperBound, detail: nil)
    }
  }

  /// Entries unpacked between two reports of progress; each thread reads the directory for each.
  private static let block = 1024

  private func extract(_ entry: ArchiveEntry, by handle: ArchiveHandle, to file: String) throws {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw unwritable() }
    let status = czip_extract(handle.archive, Int64(entry.index), descriptor, entry.size)
    let reason = errno
    close(descriptor)
    guard status != CZIP_UNWRITABLE else {
      errno = reason
      throw unwritable()
    }
    guard status == CZIP_OK else { throw Self.error(status, path: path, entry: entry.name) }
  }

  private func unwritable() -> SupportError {
    .unwritable(
      path: folder.path,
      reason: "\(String(cString: strerror(errno))), while unpacking \(path)"
    )
  }

  fileprivate static func error(_ status: Int32, path: String, entry: String?) -> any Error {
    let place = entry.map { path + "/" + $0 } ?? path
    switch Int(status) {
    case CZIP_UNREADABLE:
      return SupportError.unreadable(path: path, reason: "its bytes could not be read")
    case CZIP_ENCRYPTED:
      return ImagingIOError.unsupported(
        path: place,
        what: "encrypted data",
        remedy: "unpack the archive with its password first"
      )
    case CZIP_UNSUPPORTED:
      return ImagingIOError.unsupported(
        path: place,
        what: "a kind of zip archive that cannot be unpacked here",
        remedy: "unpack it with the program that made it"
      )
    case CZIP_NO_MEMORY: return SupportError.libraryFailure(library: "libzip")
    default:
      return ImagingIOError.damaged(
        path: place,
        reason: entry == nil
          ? "it is not a whole zip archive"
          : "its data in the archive end early, are too long or have another checksum"
      )
    }
  }
}

/// An open archive; used by one thread.
private final class ArchiveHandle {
  let archive: OpaquePointer

  init(_ path: String) throws {
    var opened: OpaquePointer?
    let status = czip_open(path, &opened)
    guard status == CZIP_OK, let opened else {
      throw InputArchive.error(status, path: path, entry: nil)
    }
    archive = opened
  }

  deinit { czip_close(archive) }

  var count: Int { Int(clamping: czip_count(archive)) }
}
