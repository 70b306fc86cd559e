import Foundation
import Recognition

/// How alike sentences are to what people, or rules, wrote.
public enum CaptionScoring {
  /// BLEU of a corpus.
  public struct BLEU: Codable, Sendable, Equatable {
    /// BLEU-1 to BLEU-4: the geometric means of the first one to four precisions, times the penalty.
    public let scores: [Double]
    /// The clipped precisions of runs of one to four words.
    public let precisions: [Double]
    /// The penalty for sentences that are shorter than those of people.
    public let brevityPenalty: Double
  }

  /// The longest runs of words that BLEU counts.
  public static let order = 4

  /// BLEU over all sentences together.
  ///
  /// Papineni, Roukos, Ward and Zhu 2002, "BLEU: a method for automatic evaluation of machine translation":
  /// matches are clipped by the most that any reference has, the length is compared with that of the
  /// reference closest to it (the shorter of two), and nothing is smoothed: without a match of a length
  /// the score is 0.
  /// - Parameters:
  ///   - candidates: Sentences as words.
  ///   - references: At least one for each.
  /// - Returns: The scores, 0 to 1.
  /// - Precondition: As many references as candidates.
  public static func bleu(_ candidates: [[String]], _ references: [[[String]]]) -> BLEU {
    precondition(candidates.count == references.count, "references of all candidates")
    var matches = [Int](repeating: 0, count: order)
    var totals = matches
    var (length, wanted) = (0, 0)
    for (candidate, known) in zip(candidates, references) {
      length += candidate.count
      wanted +=
        known.map(\.count).min {
          (abs($0 - candidate.count), $0) < (abs($1 - candidate.count), $1)
        } ?? 0
      for size in 1...order {
        let own = counts(candidate, size)
        var most: [[String]: Int] = [:]
        for reference in known {
          for (run, count) in counts(reference, size) { most[run] = max(most[run] ?? 0, count) }
        }
        totals[size - 1] += max(0, candidate.count - size + 1)
        matches[size - 1] += own.reduce(0) { $0 + min($1.value, most[$1.key] ?? 0) }
      }
    }
    let penalty =
      length == 0 ? 0 : length >= wanted ? 1 : exp(1 - Double(wanted) / Double(length))
    let precisions = zip(matches, totals).map { $1 == 0 ? 0 : Double($0) / Double($1) }
    let scores = (1...order).map { size -> Double in
      let used = precisions.prefix(size)
      guard used.allSatisfy({ $0 > 0 }) else { return 0 }
      return penalty * exp(used.reduce(0) { $0 + log($1) } / Double(size))
    }
    return BLEU(scores: scores, precisions: precisions, brevityPenalty: penalty)
  }

  private static func counts(_ words: [String], _ size: Int) -> [[String]: Int] {
    guard words.count >= size else { return [:] }
    return (0...words.count - size).reduce(into: [:]) {
      $0[Array(words[$1..<$1 + size]), default: 0] += 1
    }
  }

  /// ROUGE-L: the longest common subsequence, recall weighed 1.2² times as much as precision.
  ///
  /// Lin 2004, "ROUGE: a package for automatic evaluation of summaries", section 3; β as in COCO's captions.
  /// - Parameters:
  ///   - candidate: A sentence as words.
  ///   - references: At least one.
  /// - Returns: The score with the most favourable precision and recall, 0 to 1.
  public static func rougeL(_ candidate: [String], _ references: [[String]]) -> Double {
    var (precision, recall) = (0.0, 0.0)
    for reference in references where !candidate.isEmpty && !reference.isEmpty {
      let common = Double(longestCommon(candidate, reference))
      precision = max(precision, common / Double(candidate.count))
      recall = max(recall, common / Double(reference.count))
    }
    let beta = 1.2 * 1.2
    let below = recall + beta * precision
    return below > 0 ? (1 + beta) * precision * recall / below : 0
  }

  private static func longestCommon(_ a: [String], _ b: [String]) -> Int {
    var row = [Int](repeating: 0, count: b.count + 1)
    for word in a {
      var corner = 0
      for place in b.indices {
        let above = row[place + 1]
        row[place + 1] = word == b[place] ? corner + 1 : max(above, row[place])
        corner = above
      }
    }
    return row[b.count]
  }

  /// The statements of a sentence: what marks and the word "and" keep apart.
  /// - Parameter words: A sentence as words.
  /// - Returns: Its statements, in order, each once.
  public static func statements(_ words: [String]) -> [[String]] {
    var result: [[String]] = []
    for part in words.split(whereSeparator: { [",", ";", ".", ":", "and"].contains($0) }) {
      let statement = Array(part)
      if !result.contains(statement) { result.append(statement) }
    }
    return result
  }
}

/// How well sentences say what the images' own do.
public struct CaptionEvaluation: Codable, Sendable, Equatable {
  /// One image.
  public struct Case: Codable, Sendable, Equatable {
    /// Its name.
    public let id: String
    /// What was written.
    public let caption: String
    /// What belongs to it.
    public let references: [String]
    /// ROUGE-L, 0 to 1.
    public let rougeL: Double
    /// Statements of the first reference that were written word by word, and all of them.
    public let statements: [Int]
  }

  /// Scores of a way to write sentences.
  public struct Scores: Codable, Sendable, Equatable {
    /// What writes them.
    public let name: String
    /// BLEU over all images.
    public let bleu: CaptionScoring.BLEU
    /// The mean of ROUGE-L.
    public let rougeL: Double
    /// The share of images whose sentence is one of its references word by word.
    public let exact: ShareWithInterval?
    /// The share of the references' statements that were written word by word, numbers and all.
    public let statements: ShareWithInterval?
  }

  /// Version of this record.
  public private(set) var schema = "lamina.captions/1"
  /// What the network wrote.
  public let network: Scores
  /// What is compared with.
  public let baselines: [Scores]
  /// Every image.
  public let cases: [Case]

  /// Measures.
  /// - Parameters:
  ///   - ids: The images' names.
  ///   - captions: What the network wrote.
  ///   - references: What belongs to them.
  ///   - baselines: What else was written, by name.
  /// - Precondition: As many of all, at least one.
  package init(
    ids: [String],
    captions: [[String]],
    references: [[[String]]],
    baselines: [(name: String, captions: [[String]])]
  ) {
    network = Self.scores("network", captions, references)
    self.baselines = baselines.map { Self.scores($0.name, $0.captions, references) }
    cases = ids.indices.map { index in
      let found = Self.matches(captions[index], references[index])
      return Case(
        id: ids[index],
        caption: CaptionWords.sentence(captions[index]),
        references: references[index].map(CaptionWords.sentence),
        rougeL: CaptionScoring.rougeL(captions[index], references[index]),
        statements: [found.hits, found.all]
      )
    }
  }

  private static func matches(
    _ caption: [String],
    _ references: [[String]]
  ) -> (hits: Int, all: Int) {
    let own = CaptionScoring.statements(caption)
    let wanted = CaptionScoring.statements(references.first ?? [])
    return (wanted.count { own.contains($0) }, wanted.count)
  }

  private static func scores(
    _ name: String,
    _ captions: [[String]],
    _ references: [[[String]]]
  ) -> Scores {
    let rouge = zip(captions, references).map { CaptionScoring.rougeL($0, $1) }
    let exact = zip(captions, references).count { $1.contains($0) }
    let found = zip(captions, references).map { matches($0, $1) }
    return Scores(
      name: name,
      bleu: CaptionScoring.bleu(captions, references),
      rougeL: rouge.isEmpty ? 0 : rouge.reduce(0, +) / Double(rouge.count),
      exact: ShareWithInterval(exact, of: captions.count),
      statements: ShareWithInterval(
        found.reduce(0) { $0 + $1.hits },
        of: found.reduce(0) { $0 + $1.all }
      )
    )
  }
}
