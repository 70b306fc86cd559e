import Foundation

/// Paths and command lines as they stand in outputs.
enum OutputPath {
  /// A path without slashes at its end: `MODEL/` is the folder MODEL, not something in it.
  /// - Parameter path: As given.
  /// - Returns: The same place.
  static func normalised(_ path: String) -> String {
    var result = path
    while result.count > 1, result.hasSuffix("/") { result.removeLast() }
    return result
  }

  /// The command line with the last component of each path: folders may bear patients' names.
  static var command: String {
    let words = CommandLine.arguments.enumerated().map { index, word in
      if index == 0 { return "lamina" }
      return word.contains("/") ? URL(fileURLWithPath: word).lastPathComponent : word
    }
    return words.joined(separator: " ")
  }
}
