import Foundation
import Support

/// A DICOMDIR: the table of contents of a CD or another medium (PS3.3 Annex F, PS3.10 8.6).
///
/// Given as an input it stands for the files that its records refer to. Media are copied by hand:
/// names may have changed their case, carry ISO 9660's ";1" or lack files, and a record may claim
/// anything. A name is followed only below the DICOMDIR's own folder, links resolved.
struct DICOMDirectory {
  /// The files that are referred to and there, by path, each once.
  private(set) var files: [String] = []
  /// What is odd about it.
  private(set) var problems: [InputProblem] = []

  /// Media Storage Directory Storage (PS3.4 B.5, PS3.6 A.1).
  private static let classUID = "1.2.840.10008.1.3.10"

  private enum Tag {
    static let mediaStorageClassUID: UInt32 = 0x0002_0002
    static let records: UInt32 = 0x0004_1220
    static let recordInUse: UInt32 = 0x0004_1410
    static let referencedFile: UInt32 = 0x0004_1500
  }

  /// Reads a DICOMDIR; nil when the path leads to anything else.
  /// - Parameter path: Any file or folder.
  /// - Throws: `ImagingIOError.damaged` when it refers to no file that is there.
  init?(_ path: String) throws(ImagingIOError) {
    guard let file = Self.open(path) else { return nil }
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    var resolver = NameResolver(folder: folder.isEmpty ? "/" : folder)
    var missing: [String] = []
    var seen: Set<String> = []
    for record in file.root.items(Tag.records) {
      let components = record.texts(Tag.referencedFile)
        .flatMap { $0.split(separator: "/", omittingEmptySubsequences: false).map(String.init) }
      // 0 marks records that were deleted.
      guard components.contains(where: { !$0.isEmpty }), record.number(Tag.recordInUse) != 0,
        seen.insert(components.joined(separator: "/")).inserted
      else { continue }
      if let found = resolver.file(components) {
        files.append(found)
      } else {
        missing.append(components.joined(separator: "/"))
      }
    }
    files = Array(Set(files)).sorted()
    guard !files.isEmpty else {
      throw .damaged(
        path: path,
        reason: missing.isEmpty
          ? "it refers to no files; give the folder that it lies in"
          : "none of the \(missing.count) files that it refers to is there"
      )
    }
    if let first = missing.first {
      problems.append(
        InputProblem(
          code: "missing-file",
          message: "\(missing.count) of \(missing.count + files.count) files that \(path) refers "
            + "to are not there, such as \(first).",
          remedy: "Copy the whole medium; a series may miss slices without them."
        )
      )
    }
    if !file.isComplete {
      problems.append(
        InputProblem(
          code: "damaged-file",
          message: "\(path) breaks off; files that it names after the break are left out.",
          remedy: "Give the folder that it lies in instead."
        )
      )
    }
  }

  /// Whether a file that is met in a folder is its table of contents and no image.
  ///
  /// The name is fixed (PS3.10 8.6), so that no other file need be opened for the answer.
  static func isTableOfContents(_ path: String) -> Bool {
    let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    return plain(name) == "dicomdir" && open(path) != nil
  }

  private static func open(_ path: String) -> DICOMFile? {
    guard FileFacts(path)?.kind == .file, DICOMScan.firstBytes(path) == .part10,
      let file = try? DICOMFile(path: path),
      file.meta?.text(Tag.mediaStorageClassUID) == classUID
    else { return nil }
    return file
  }

  /// A name as file systems of media may change it: any case, no version, no full stop at the end.
  fileprivate static func plain(_ name: some StringProtocol) -> String {
    var plain = name.lowercased()
    if let version = plain.lastIndex(of: ";") { plain = String(plain[..<version]) }
    if plain.hasSuffix(".") { plain.removeLast() }
    return plain
  }
}

/// Finds files below a folder by names whose case may differ.
private struct NameResolver {
  private let folder: String
  /// The folder without links, with a slash at its end.
  private let root: String?
  /// Names in a folder by their plain form.
  private var listings: [String: [String: String]] = [:]

  init(folder: String) {
    self.folder = folder
    root = Self.resolved(folder).map { $0.hasSuffix("/") ? $0 : $0 + "/" }
  }

  /// The file that components lead to, or nil when it is not there, no file, or lies elsewhere.
  mutating func file(_ components: [String]) -> String? {
    var path = folder
    // A trailing separator ends in an empty component.
    let names = components.last == "" ? Array(components.dropLast()) : components
    guard !names.isEmpty else { return nil }
    for name in names {
      guard !name.isEmpty, name != ".", name != "..", !name.contains("/"), !name.contains("\0"),
        let found = entry(name, in: path)
      else { return nil }
      path = path.hasSuffix("/") ? path + found : path + "/" + found
    }
    guard FileFacts(path)?.kind == .file, let root, let place = Self.resolved(path),
      place.hasPrefix(root)
    else { return nil }
    return path
  }

  private mutating func entry(_ name: String, in folder: String) -> String? {
    // The exact name wins where two differ by their case.
    if FileFacts(folder + "/" + name) != nil { return name }
    if listings[folder] == nil {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      listings[folder] = Dictionary(
        names.sorted().map { (DICOMDirectory.plain($0), $0) },
        uniquingKeysWith: { first, _ in first }
      )
    }
    return listings[folder]?[DICOMDirectory.plain(name)]
  }

  private static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
