import Foundation

/// Finds the small files that tests read.
public enum Fixtures {
  /// `Tests/Fixtures`, found from this source file.
  public static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

  /// A fixture's path.
  /// - Parameter name: Path below `Tests/Fixtures`.
  /// - Returns: The absolute path.
  public static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  /// Development data beside the checkout, when it is there; tests that use it skip otherwise.
  /// - Parameter name: Path below the data folder.
  /// - Returns: The absolute path, or nil.
  public static func developmentData(_ name: String) -> String? {
    shared("data/" + name)
  }

  /// Outputs of other programs beside the checkout, when they are there; tests that use them skip
  /// otherwise.
  /// - Parameter name: Path below the folder of references.
  /// - Returns: The absolute path, or nil.
  public static func reference(_ name: String) -> String? { shared("reference/" + name) }

  private static func shared(_ name: String) -> String? {
    let root = folder.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("shared")
    let path = root.appendingPathComponent(name).path
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }
}

/// A folder that disappears with the value that made it.
public final class TemporaryFolder: Sendable {
  /// The folder.
  public let path: String

  /// Creates an empty folder of a fresh name.
  /// - Throws: What the system says when it cannot be made.
  public init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("lamina-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A path inside.
  /// - Parameter name: The last components.
  /// - Returns: The absolute path.
  public func file(_ name: String) -> String { path + "/" + name }
}
