import Foundation
import Support

/// Finds model packages by name.
///
/// Searched in order: `$LAMINA_MODELS`, `./Models`, and `Models` beside the executable or in a folder
/// above it (where a build keeps its products).
public struct ModelStore: Sendable {
  /// The folders to search, in order.
  public let folders: [String]

  /// Creates a store.
  /// - Parameters:
  ///   - environment: Environment variables.
  ///   - executable: The program's path.
  public init(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    executable: String? = Bundle.main.executablePath
  ) {
    var folders: [String] = []
    if let folder = environment["LAMINA_MODELS"], !folder.isEmpty { folders.append(folder) }
    folders.append("Models")
    if let executable {
      var folder = URL(fileURLWithPath: executable).resolvingSymlinksInPath()
      // Four levels: the executable's own folder, and .build/<triple>/release above it.
      for _ in 0..<4 {
        folder.deleteLastPathComponent()
        folders.append(folder.appendingPathComponent("Models").path)
      }
    }
    self.folders = folders
  }

  /// Where imported models go: `$LAMINA_MODELS`, else `./Models`.
  public var importFolder: String { folders[0] }

  /// Whether a text can name a package: letters, digits, `.`, `_` and `-`, not starting with a point.
  /// - Parameter text: The text.
  /// - Returns: True for such a name of at most 100 characters.
  public static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.count <= 100 && !text.hasPrefix(".")
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
  }

  /// Opens a model by path or name.
  /// - Parameter name: A folder with a `model.json`, or the name of one in the store.
  /// - Returns: The package.
  /// - Throws: `PipelinesError.modelNotFound`, or what opening it throws.
  public func model(_ name: String) throws -> ModelPackage {
    let files = FileManager.default
    if name.contains("/") {
      guard files.fileExists(atPath: name) else {
        throw PipelinesError.modelNotFound(name: name, searched: ["that place"])
      }
      return try ModelPackage(path: name)
    }
    for folder in folders {
      let path = folder + "/" + name
      if files.fileExists(atPath: path + "/" + ModelPackage.descriptionName) {
        return try ModelPackage(path: path)
      }
    }
    throw PipelinesError.modelNotFound(name: name, searched: visible)
  }

  /// All models, by name; the first folder that has a name wins.
  /// - Returns: Packages that open, and those that do not with the reason.
  public func all() -> [(name: String, package: Result<ModelPackage, any Error>)] {
    var found: [String: Result<ModelPackage, any Error>] = [:]
    for folder in folders {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      where found[name] == nil {
        let path = folder + "/" + name
        guard FileManager.default.fileExists(atPath: path + "/" + ModelPackage.descriptionName)
        else { continue }
        found[name] = Result { try ModelPackage(path: path) }
      }
    }
    return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private var visible: [String] {
    var seen: Set<String> = []
    let existing = folders.filter {
      FileManager.default.fileExists(atPath: $0) && seen.insert($0).inserted
    }
    return existing.isEmpty ? ["./Models"] : existing
  }
}
