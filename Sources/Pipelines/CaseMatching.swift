/// Which names of two lists mean the same case.
///
/// Equal names first. Of what is left, names that are equal without the words by which programs mark
/// predictions and references (`liver_001_pred` and `liver_001_seg`), in any case of letters, if that
/// is unambiguous. Of what is left then, names with the same numbers (`case_7` and `scan-007`), if
/// each side has one pattern of names and no number occurs twice on a side. Everything else stays
/// without a partner: a wrong pair is worse than none.
package struct CaseMatching {
  /// Two names of one case.
  package struct Match: Equatable {
    /// The case's name.
    package let id: String
    /// The prediction's name.
    package let prediction: String
    /// The reference's name.
    package let reference: String
    /// Why they belong together, as a clause; nil for equal names.
    package let rule: String?
  }

  /// By the case's name.
  package private(set) var matches: [Match] = []
  /// Names without a partner, each with the reason as a clause.
  package private(set) var unmatchedPredictions: [(name: String, reason: String)] = []
  package private(set) var unmatchedReferences: [(name: String, reason: String)] = []

  /// Matches names.
  /// - Parameters:
  ///   - predictions: The predictions' names, each once.
  ///   - references: The references' names, each once.
  ///   - usesNumbers: Whether names may be matched by their numbers.
  package init(predictions: [String], references: [String], usesNumbers: Bool = true) {
    let known = Set(references)
    let equal = predictions.filter(known.contains)
    matches = equal.map { Match(id: $0, prediction: $0, reference: $0, rule: nil) }
    let taken = Set(equal)
    var left = predictions.filter { !taken.contains($0) }.map(Name.init)
    var right = references.filter { !taken.contains($0) }.map(Name.init)
    let equalStems = Set(equal.map { Name($0).stem })
    var reasons: [String: String] = [:]
    matchStems(&left, &right, equalStems, &reasons)
    if usesNumbers { matchNumbers(&left, &right) }
    unmatchedPredictions = left.map { ($0.text, reasons[$0.text] ?? "no reference has its name") }
    unmatchedReferences = right.map { ($0.text, reasons[$0.text] ?? "no prediction has its name") }
    matches.sort { $0.id < $1.id }
  }

  private mutating func matchStems(
    _ left: inout [Name],
    _ right: inout [Name],
    _ equalStems: Set<String>,
    _ reasons: inout [String: String]
  ) {
    let predictions = Dictionary(grouping: left, by: \.stem)
    let references = Dictionary(grouping: right, by: \.stem)
    var ids = Set(matches.map(\.id))
    var done = Set<String>()
    for (stem, ones) in predictions.sorted(by: { $0.key < $1.key }) {
      let others = references[stem] ?? []
      if others.isEmpty || equalStems.contains(stem) { continue }
      guard ones.count == 1, others.count == 1, ids.insert(others[0].bare).inserted else {
        let all = (ones + others).map(\.text).sorted().joined(separator: ", ")
        for name in ones + others {
          reasons[name.text] = "several names mean the case \(stem) (\(all))"
        }
        continue
      }
      done.insert(stem)
      matches.append(
        Match(
          id: others[0].bare,
          prediction: ones[0].text,
          reference: others[0].text,
          rule: Self.rule(ones[0], others[0])
        )
      )
    }
    left.removeAll { done.contains($0.stem) }
    right.removeAll { done.contains($0.stem) }
  }

  private static func rule(_ prediction: Name, _ reference: Name) -> String {
    var words: [String] = []
    for word in prediction.dropped + reference.dropped where !words.contains(word) {
      words.append(word)
    }
    guard !words.isEmpty else { return "the names are equal but for the case of letters" }
    return "the names are equal without \(words.joined(separator: ", "))"
  }

  private mutating func matchNumbers(_ left: inout [Name], _ right: inout [Name]) {
    guard let one = left.first?.pattern, let other = right.first?.pattern,
      left.allSatisfy({ $0.pattern == one }), right.allSatisfy({ $0.pattern == other }),
      left.allSatisfy({ !$0.numbers.isEmpty }),
      Set(left.map(\.numbers)).count == left.count,
      Set(right.map(\.numbers)).count == right.count
    else { return }
    let references = Dictionary(uniqueKeysWithValues: right.map { ($0.numbers, $0) })
    var done = Set<[String]>()
    let ids = Set(matches.map(\.id))
    for name in left {
      guard let reference = references[name.numbers], !ids.contains(reference.text) else {
        continue
      }
      done.insert(name.numbers)
      matches.append(
        Match(
          id: reference.text,
          prediction: name.text,
          reference: reference.text,
          rule: "the numbers of \(one) and \(other) are equal"
        )
      )
    }
    left.removeAll { done.contains($0.numbers) }
    right.removeAll { done.contains($0.numbers) }
  }

  /// A name and what its parts say.
  private struct Name {
    let text: String
    /// Without the words of predictions and references.
    let bare: String
    /// The same in lower case.
    let stem: String
    /// The words that were left out, with their separators.
    let dropped: [String]
    /// The name with each number as "#".
    let pattern: String
    /// The numbers, without leading zeros.
    let numbers: [String]

    init(_ text: String) {
      self.text = text
      var rest = Substring(text)
      var dropped: [String] = []
      while let at = rest.lastIndex(where: Self.separators.contains), at > rest.startIndex,
        Self.words.contains(rest[rest.index(after: at)...].lowercased())
          || rest[at...] == Self.firstChannel
      {
        dropped.append(String(rest[at...]))
        rest = rest[..<at]
      }
      while let at = rest.firstIndex(where: Self.separators.contains),
        rest.index(after: at) < rest.endIndex, Self.words.contains(rest[..<at].lowercased())
      {
        dropped.append(String(rest[...at]))
        rest = rest[rest.index(after: at)...]
      }
      bare = String(rest)
      stem = rest.lowercased()
      self.dropped = dropped
      var pattern = ""
      var numbers: [String] = []
      var digits = ""
      for character in text + "\n" {
        if character.isASCII, character.isNumber {
          digits.append(character)
          continue
        }
        if !digits.isEmpty {
          let number = digits.drop { $0 == "0" }
          numbers.append(number.isEmpty ? "0" : String(number))
          pattern += "#"
          digits = ""
        }
        if character != "\n" { pattern.append(character) }
      }
      self.pattern = pattern
      self.numbers = numbers
    }

    private static let separators: Set<Character> = ["_", "-", ".", " "]
    /// How nnU-Net marks the first channel of a scan.
    private static let firstChannel = "_0000"
    /// What programs append to the names of label maps, or put before them.
    private static let words: Set<String> = [
      "seg", "segs", "segmentation", "segmentations", "dseg", "pred", "preds", "prediction",
      "predictions", "predicted", "label", "labels", "labelmap", "mask", "masks", "gt",
      "groundtruth", "truth", "ref", "reference", "manual", "auto", "out", "output", "result",
    ]
  }
}
