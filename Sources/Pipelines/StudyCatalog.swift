import Foundation
import Support

/// One study of the catalogue: its description and its folder.
public struct CatalogedStudy: Sendable, Equatable {
  /// What it is.
  public let description: StudyDescription
  /// The folder that holds `study.json`.
  public let folder: String

  /// Where its files are once they are fetched.
  public var filesFolder: String { folder + "/files" }

  /// Whether it was fetched; `verify` tells whether the files are still right.
  public var isFetched: Bool {
    FileManager.default.fileExists(atPath: filesFolder + "/" + StudyRecord.fileName)
  }
}

/// Finds the studies under `Studies/`.
public struct StudyCatalog: Sendable {
  /// The folders that are searched, first to last.
  public let folders: [String]

  /// Creates a catalogue of given folders.
  /// - Parameter folders: Folders whose subfolders are studies; missing ones are passed over.
  public init(folders: [String]) {
    self.folders = folders
  }

  /// The usual catalogue: `./Studies`, then `Studies` beside the executable or above it.
  ///
  /// The folders above it are searched because a build's products lie inside the package.
  /// - Parameters:
  ///   - workingFolder: Where the program was called.
  ///   - executable: The program's own file.
  /// - Returns: The catalogue.
  public static func standard(
    workingFolder: String = FileManager.default.currentDirectoryPath,
    executable: String? = try? FileManager.default.destinationOfSymbolicLink(
      atPath: "/proc/self/exe"
    )
  ) -> StudyCatalog {
    var folders = [workingFolder + "/Studies"]
    if let executable {
      var folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
      // .build/<platform>/release/lamina lies three folders below the package.
      for _ in 0..<4 {
        let candidate = folder.appendingPathComponent("Studies").path
        if !folders.contains(candidate) { folders.append(candidate) }
        folder.deleteLastPathComponent()
      }
    }
    return StudyCatalog(folders: folders)
  }

  /// All studies by name; of two with one name the first folder's.
  /// - Returns: The studies.
  /// - Throws: `StudyError.invalidDescription`.
  public func studies() throws -> [CatalogedStudy] {
    var found: [String: CatalogedStudy] = [:]
    for folder in folders {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for name in names where found[name] == nil {
        if let study = try study(name, in: folder) { found[name] = study }
      }
    }
    return found.values.sorted { $0.description.name < $1.description.name }
  }

  /// The study of a name.
  /// - Parameter name: Its folder's name.
  /// - Returns: The study.
  /// - Throws: `StudyError.unknownStudy` or `.invalidDescription`.
  public func study(named name: String) throws -> CatalogedStudy {
    if !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") {
      for folder in folders {
        if let study = try study(name, in: folder) { return study }
      }
    }
    throw StudyError.unknownStudy(name: name, known: try studies().map(\.description.name))
  }

  private func study(_ name: String, in folder: String) throws -> CatalogedStudy? {
    let path = "\(folder)/\(name)/study.json"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let description = try StudyDescription.read(path)
    guard description.name == name else {
      throw StudyError.invalidDescription(
        path: path,
        reason: "it is named \(description.name) but lies in the folder \(name)"
      )
    }
    return CatalogedStudy(description: description, folder: "\(folder)/\(name)")
  }
}
