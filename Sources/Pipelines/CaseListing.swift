import Foundation
import Support

/// The cases that a path holds.
struct CaseListing {
  struct Case: Equatable {
    let id: String
    let path: String
  }

  /// By name; never empty.
  let cases: [Case]
  /// Whether the path itself is one case, not a folder of cases.
  let isSingle: Bool

  init(_ path: String) throws {
    if try !FileManager.default.isExistingFolder(path) {
      cases = [Case(id: Self.caseName(ofFile: path), path: path)]
      isSingle = true
      return
    }
    if let result = Self.result(in: path) {
      cases = [Case(id: URL(fileURLWithPath: path).lastPathComponent, path: result)]
      isSingle = true
      return
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw SupportError.unreadable(path: path, reason: OutputGuard.reason(of: error))
    }
    var found: [Case] = []
    for name in names.sorted() where !name.hasPrefix(".") {
      let item = path.hasSuffix("/") ? path + name : path + "/" + name
      if let result = Self.result(in: item) {
        found.append(Case(id: name, path: result))
      } else if Self.endings.contains(where: { name.lowercased().hasSuffix($0) }) {
        found.append(Case(id: Self.caseName(ofFile: name), path: item))
      }
    }
    guard !found.isEmpty else { throw PairingError.noCases(folder: path) }
    var seen = Set<String>()
    for item in found where !seen.insert(item.id).inserted {
      throw PairingError.ambiguousCase(folder: path, id: item.id)
    }
    cases = found
    isSingle = false
  }

  /// `.img` is not listed: its `.hdr` is the case.
  private static let endings = [".nii.gz", ".nii", ".hdr", ".hdr.gz", ".png"]

  private static func result(in folder: String) -> String? {
    let file = folder + "/" + CasePairing.resultFileName
    return FileManager.default.fileExists(atPath: file) ? file : nil
  }

  /// The file's name without its ending; a result folder's file is named for the folder.
  static func caseName(ofFile path: String) -> String {
    let url = URL(fileURLWithPath: path)
    if url.lastPathComponent == CasePairing.resultFileName {
      return url.deletingLastPathComponent().lastPathComponent
    }
    let name = url.lastPathComponent
    let ending = (endings + [".img", ".img.gz"]).first { name.lowercased().hasSuffix($0) }
    return String(name.dropLast(ending?.count ?? 0))
  }
}
