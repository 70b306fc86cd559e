import Evaluation
import Foundation
import Recognition

/// Sentences about images by their labels, by stated rules; the same labels give the same sentence.
///
/// - Objects of several classes: "seven red cells, one white cell and no platelets", in the order of the
///   classes (`objects`).
/// - Objects of one class with their areas: "about forty small nuclei, two clusters": the size is small,
///   medium or large by the thirds of the data set's mean areas, a cluster is two objects or more that
///   touch (`clusters`).
/// - Structures with volumes: "the anterior part is larger than the posterior part, the total volume is
///   small, about 2900 mm3": neighbours in the order of the labels are compared, less than 5 % apart is
///   "about as large as"; the total is small, medium or large by the thirds of the data set, and rounded to
///   hundreds (`volumes`).
///
/// Numbers to twelve are exact words; above, "about" and the nearest five, from a hundred on the nearest ten
/// in digits.
public struct CaptionRules: Sendable, Codable, Equatable {
  /// Which sentences.
  public enum Rule: String, Codable, Sendable, CaseIterable {
    /// Numbers of objects of several classes.
    case objects
    /// One class of objects, their size and clusters.
    case clusters
    /// Volumes of structures.
    case volumes
  }

  /// Which sentences.
  public let rule: Rule
  /// What structures are called, one of them and several, by their names in the data set.
  public let names: [String: [String]]
  /// The thirds of sizes: what is below the first is small, above the second large; nil without sizes.
  public let thirds: [Double]?
  /// The unit of sizes.
  public let unit: String

  /// Less than this share apart is about as large.
  private static let likeness = 0.05
  private static let words = [
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
  ]
  private static let fives = [
    "fifteen", "twenty", "twenty-five", "thirty", "thirty-five", "forty", "forty-five", "fifty",
    "fifty-five", "sixty", "sixty-five", "seventy", "seventy-five", "eighty", "eighty-five",
    "ninety", "ninety-five",
  ]

  /// Finds the rules for a data set.
  /// - Parameters:
  ///   - contents: Its images, at least one.
  ///   - names: What structures are called, one of them and several; others keep their names.
  ///   - path: The data set, for messages.
  /// - Throws: `SequencesError.noCaptions` for names of structures that there are not, and without images.
  public init(_ contents: [ImageContents], names: [String: [String]], path: String) throws {
    guard let first = contents.first else {
      throw SequencesError.noCaptions(path: path, reason: "it has no labelled image")
    }
    let known = first.structures.map(\.name)
    if let other = names.keys.sorted().first(where: { !known.contains($0) }) {
      throw SequencesError.noCaptions(
        path: path,
        reason: "it has no \(other) to name, but \(known.joined(separator: ", "))"
      )
    }
    let counts = first.structures.contains { $0.count != nil }
    let rule: Rule = !counts ? .volumes : first.clusters != nil ? .clusters : .objects
    self.rule = rule
    unit = first.structures.first?.unit ?? ""
    let usual = known.map { name in
      (name, rule == .volumes ? [name] : [name.lowercased(), Self.plural(name)])
    }
    self.names = names.merging(usual) { stated, _ in stated }
    let sizes = contents.compactMap(Self.size).sorted()
    thirds =
      sizes.isEmpty
      ? nil : [sizes[sizes.count / 3], sizes[min(sizes.count - 1, 2 * sizes.count / 3)]]
  }

  private static func plural(_ name: String) -> String {
    let lower = name.lowercased()
    return lower.hasSuffix("s") ? lower : lower + "s"
  }

  /// The total, or the mean area of objects; nil without sizes and for images without objects.
  private static func size(_ item: ImageContents) -> Double? {
    let sizes = item.structures.compactMap(\.size)
    guard !sizes.isEmpty, item.structures.contains(where: { $0.count != 0 }) else { return nil }
    return sizes.reduce(0, +)
  }

  private func grade(_ size: Double) -> String {
    guard let thirds else { return "medium" }
    return size < thirds[0] ? "small" : size < thirds[1] ? "medium" : "large"
  }

  /// A number in words.
  static func number(_ count: Int) -> String {
    if count < words.count { return words[max(0, count)] }
    let five = Int((Double(count) / 5).rounded()) * 5
    if five < 100 { return "about " + fives[max(0, five / 5 - 3)] }
    return "about \(Int((Double(count) / 10).rounded()) * 10)"
  }

  private func counted(_ count: Int, _ name: String, _ adjective: String? = nil) -> String {
    let forms = names[name] ?? [name]
    let noun = count == 1 ? forms[0] : forms[forms.count - 1]
    return ([Self.number(count)] + (count > 0 ? [adjective].compactMap(\.self) : []) + [noun])
      .joined(separator: " ")
  }

  /// The sentence about an image.
  /// - Parameter item: An image of the data set.
  /// - Returns: The sentence, lower case, without a full stop.
  public func sentence(_ item: ImageContents) -> String {
    switch rule {
    case .objects:
      let parts = item.structures.map { counted($0.count ?? 0, $0.name) }
      guard parts.count > 1 else { return parts.first ?? "" }
      return parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1]
    case .clusters:
      let parts = item.structures.map {
        counted($0.count ?? 0, $0.name, $0.size.map(grade))
      }
      let clusters = item.clusters ?? 0
      return parts.joined(separator: ", ")
        + ", \(Self.number(clusters)) cluster\(clusters == 1 ? "" : "s")"
    case .volumes:
      var parts: [String] = []
      for (one, other) in zip(item.structures, item.structures.dropFirst()) {
        let (a, b) = (one.size ?? 0, other.size ?? 0)
        let relation =
          abs(a - b) <= Self.likeness * max(a, b)
          ? "about as large as" : a > b ? "larger than" : "smaller than"
        parts.append("the \(title(one.name)) is \(relation) the \(title(other.name))")
      }
      let total = item.structures.compactMap(\.size).reduce(0, +)
      let rounded = Int((total / 100).rounded()) * 100
      return (parts + ["the total volume is \(grade(total)), about \(rounded) \(unit)"])
        .joined(separator: ", ")
    }
  }

  private func title(_ name: String) -> String { names[name]?.first ?? name }

  /// A table of images and sentences, as `vision caption train` reads it.
  /// - Parameters:
  ///   - contents: The images.
  ///   - withLabels: Whether the files of label maps are a column too.
  /// - Returns: CSV with `image` (absolute path), `labels` and `split` where there are such, and `caption`.
  public func csv(_ contents: [ImageContents], withLabels: Bool = false) -> String {
    func file(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
    let hasSplit = contents.contains { $0.split != nil }
    let lines = contents.map { item in
      let row =
        [file(item.path)] + (withLabels ? [item.labelPath.map(file) ?? ""] : [])
        + (hasSplit ? [item.split?.rawValue ?? ""] : []) + [sentence(item)]
      return row.map(EvaluationReport.csvCell).joined(separator: ",")
    }
    return "image,\(withLabels ? "labels," : "")\(hasSplit ? "split," : "")caption\n"
      + lines.joined(separator: "\n") + "\n"
  }
}
