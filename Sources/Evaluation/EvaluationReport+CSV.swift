import Foundation

extension EvaluationReport {
  /// The cases as comma-separated values: one row a case and structure, one column a metric.
  ///
  /// Numbers are written in full, as in the JSON. Cells follow RFC 4180; an undefined value is an
  /// empty cell. The last columns say which maps have the structure, what empty masks mean, and why
  /// values are undefined. A case that could not be evaluated is a row without structure and values.
  /// - Returns: Text with a header row.
  public func csv() -> String {
    let metrics = metrics.map(\.key)
    var rows = [["case", "label", "name"] + metrics + ["state", "emptyPolicy", "problem"]]
    for item in cases {
      for label in item.labels {
        let reasons = metrics.compactMap { key in
          label.values[key]?.reason.map { "\(key): \($0)" }
        }
        rows.append(
          [item.id, label.key, label.name]
            + metrics.map { label.values[$0]?.number.map { "\($0)" } ?? "" }
            + [label.state?.rawValue ?? "", emptyPolicy.rawValue, reasons.joined(separator: "; ")]
        )
      }
      if item.labels.isEmpty {
        rows.append(
          [item.id, "", ""] + metrics.map { _ in "" }
            + ["", emptyPolicy.rawValue, item.problems.joined(separator: "; ")]
        )
      }
    }
    return rows.map { $0.map(Self.csvCell).joined(separator: ",") + "\n" }.joined()
  }

  package static func csvCell(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r\r\n".contains($0) }) else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
