import Foundation

/// Sentences about files, without the folders that these lie in: folders may bear patients' names, and
/// pages are made to be shown around.
public enum PathNames {
  /// A sentence with the last component of each path.
  ///
  /// Paths that begin at the root are found by themselves, up to the next space; relative ones and those
  /// with spaces must be known.
  /// - Parameters:
  ///   - sentence: The sentence.
  ///   - known: Paths that it may hold.
  /// - Returns: The sentence, otherwise unchanged.
  public static func shortened(_ sentence: String, known: [String] = []) -> String {
    var result = sentence
    // Longer ones first: a folder may be the beginning of a file's path.
    for path in known.sorted(by: { ($0.count, $1) > ($1.count, $0) }) where path.contains("/") {
      result = result.replacingOccurrences(of: path, with: name(of: path))
    }
    let words = result.split(separator: " ", omittingEmptySubsequences: false)
    return words.map(shortenedWord).joined(separator: " ")
  }

  /// A word such as "/data/x.nii," or "(/data/x.nii)" without the folders.
  private static func shortenedWord(_ word: Substring) -> String {
    guard let slash = word.firstIndex(of: "/") else { return String(word) }
    let front = word[..<slash]
    // "mm/s" and "and/or" are no paths, nor are addresses such as "https://…".
    guard front.allSatisfy({ "\"'(“‘[".contains($0) }) else { return String(word) }
    let path = word[slash...]
    let end = path.lastIndex { !",;:.)]\"'”’!?".contains($0) }.map { path.index(after: $0) }
    let tail = path[(end ?? path.startIndex)...]
    let place = path[..<(end ?? path.startIndex)]
    guard place.dropFirst().contains("/") else { return String(word) }
    return front + name(of: String(place)) + tail
  }

  private static func name(of path: String) -> String {
    URL(fileURLWithPath: path).lastPathComponent
  }
}
