import Foundation
import Networks
import Pipelines

/// Sentences as words, and back.
public enum CaptionWords {
  /// Marks that are words of their own.
  private static let marks: Set<Character> = [",", ";", ".", ":", "?", "!", "(", ")"]

  /// The words of a sentence: lower case, marks apart, full stops at the end left out.
  /// - Parameter sentence: Any text.
  /// - Returns: The words; none for a text without any.
  public static func words(_ sentence: String) -> [String] {
    var words: [String] = []
    var word = ""
    func close() {
      if !word.isEmpty { words.append(word) }
      word = ""
    }
    let text = Array(sentence.lowercased())
    for (place, character) in text.enumerated() {
      // A point between digits belongs to the number.
      let isDecimal =
        character == "." && word.last?.isNumber == true && place + 1 < text.count
        && text[place + 1].isNumber
      if character.isWhitespace {
        close()
      } else if marks.contains(character), !isDecimal {
        close()
        words.append(String(character))
      } else {
        word.append(character)
      }
    }
    close()
    while words.last == "." { words.removeLast() }
    return words
  }

  /// A sentence of words.
  /// - Parameter words: As `words` gives them.
  /// - Returns: The text, no space before a mark, without a full stop.
  public static func sentence(_ words: [String]) -> String {
    var text = ""
    for word in words {
      let isMark = word.count == 1 && word.first.map { marks.contains($0) && $0 != "(" } ?? false
      if !text.isEmpty, !isMark, !text.hasSuffix("(") { text += " " }
      text += word
    }
    return text
  }

  /// The words of sentences that occur often enough, by falling number, with the marks before them.
  /// - Parameters:
  ///   - sentences: Sentences as words.
  ///   - least: A word that occurs less often is unknown.
  /// - Returns: What a network's outputs stand for.
  static func vocabulary(_ sentences: [[String]], least: Int) -> [String] {
    var counts: [String: Int] = [:]
    for word in sentences.joined() { counts[word, default: 0] += 1 }
    for mark in SequencePlan.Captions.marks { counts[mark] = nil }
    let known = counts.filter { $0.value >= least }.sorted {
      $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key
    }
    return SequencePlan.Captions.marks + known.map(\.key)
  }
}

extension SequencePlan.Captions {
  /// The number of the mark with which sentences begin.
  static let start = CaptionNetwork.startToken
  /// That of the mark with which they end.
  static let end = CaptionNetwork.endToken
  /// That of a word that is not known.
  static let unknown = CaptionNetwork.unknownToken

  /// The numbers of words; those that are not known are marked so.
  func numbers(_ words: [String]) -> [Int] {
    let places = Dictionary(
      uniqueKeysWithValues: self.words.enumerated().map { ($0.element, $0.offset) }
    )
    return words.map { places[$0] ?? Self.unknown }
  }
}
