import Foundation

extension EvaluationReport: Codable {
  private enum Keys: String, CodingKey {
    case schema, emptyPolicy, toleranceMM, cases, summary, foregroundMean
  }

  /// Reads the value from the form that `encode(to:)` writes.
  /// - Parameter decoder: The source.
  /// - Throws: `DecodingError` for any other form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Keys.self)
    let schema = try container.decode(String.self, forKey: .schema)
    guard schema == Self.schema else {
      throw DecodingError.dataCorruptedError(
        forKey: .schema,
        in: container,
        debugDescription: "the schema is \"\(schema)\""
      )
    }
    self.init(
      emptyPolicy: try container.decode(EmptyPolicy.self, forKey: .emptyPolicy),
      toleranceMM: try container.decodeIfPresent(Double.self, forKey: .toleranceMM),
      cases: try container.decode([CaseEvaluation].self, forKey: .cases),
      summary: try container.decode(
        [String: [String: SummaryStatistics]].self,
        forKey: .summary
      ),
      foregroundMean: try container.decode([String: Double?].self, forKey: .foregroundMean)
    )
  }

  /// Writes the value in the form of `lamina.evaluation/1`.
  /// - Parameter encoder: The target.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(Self.schema, forKey: .schema)
    try container.encode(emptyPolicy, forKey: .emptyPolicy)
    try container.encodeIfPresent(toleranceMM, forKey: .toleranceMM)
    try container.encode(cases, forKey: .cases)
    try container.encode(summary, forKey: .summary)
    try container.encode(foregroundMean, forKey: .foregroundMean)
  }

  /// The report as JSON with sorted keys; undefined values are null.
  /// - Returns: UTF-8 text that ends in a line feed.
  /// - Throws: Never for values made by this module, which are finite.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }

  /// Reads a report.
  /// - Parameter json: What `json()` wrote.
  /// - Throws: `EvaluationError.invalidReport` when it is anything else.
  public init(json: Data) throws(EvaluationError) {
    do {
      self = try JSONDecoder().decode(EvaluationReport.self, from: json)
    } catch DecodingError.dataCorrupted(let context) {
      throw .invalidReport(reason: context.debugDescription)
    } catch DecodingError.keyNotFound(let key, _) {
      throw .invalidReport(reason: "the key \"\(key.stringValue)\" is missing")
    } catch {
      throw .invalidReport(reason: "a value has the wrong type")
    }
  }

  /// The cases as comma-separated values: one row a case and structure, one column a metric.
  ///
  /// Cells follow RFC 4180; an undefined value is an empty cell.
  /// - Returns: Text with a header row.
  public func csv() -> String {
    let metrics = metrics.map(\.key)
    var rows = [["case", "label", "name"] + metrics]
    for item in cases {
      for label in item.labels {
        rows.append(
          [item.id, label.key, label.name]
            + metrics.map { label.values[$0]?.number.map { "\($0)" } ?? "" }
        )
      }
    }
    return rows.map { $0.map(Self.csvCell).joined(separator: ",") + "\n" }.joined()
  }

  private static func csvCell(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r\r\n".contains($0) }) else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}

private struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(_ text: String) { stringValue = text }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension CaseEvaluation: Codable {
  private enum Keys: String, CodingKey {
    case id, prediction, reference, labels, problems
  }

  /// Reads the value from the form that `encode(to:)` writes.
  /// - Parameter decoder: The source.
  /// - Throws: `DecodingError` for any other form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Keys.self)
    var problems = try container.decode([String].self, forKey: .problems)
    let table = try container.nestedContainer(keyedBy: AnyKey.self, forKey: .labels)
    var labels: [LabelEvaluation] = []
    let keys = table.allKeys.sorted { LabelSet.precedes($0.stringValue, $1.stringValue) }
    for key in keys {
      let entry = try table.nestedContainer(keyedBy: AnyKey.self, forKey: key)
      var values: [String: MetricValue] = [:]
      for metric in entry.allKeys where metric.stringValue != "name" {
        let prefix = Self.undefinedPrefix(key.stringValue, metric.stringValue)
        if let number = try entry.decode(Double?.self, forKey: metric) {
          values[metric.stringValue] = .value(number)
        } else if let index = problems.firstIndex(where: { $0.hasPrefix(prefix) }) {
          values[metric.stringValue] = .undefined(
            reason: String(problems.remove(at: index).dropFirst(prefix.count))
          )
        } else {
          values[metric.stringValue] = .undefined(reason: "no reason was stated")
        }
      }
      labels.append(
        LabelEvaluation(
          key: key.stringValue,
          name: try entry.decode(String.self, forKey: AnyKey("name")),
          values: values
        )
      )
    }
    self.init(
      id: try container.decode(String.self, forKey: .id),
      prediction: try container.decode(String.self, forKey: .prediction),
      reference: try container.decode(String.self, forKey: .reference),
      labels: labels,
      problems: problems
    )
  }

  /// Writes the value in the form of `lamina.evaluation/1`.
  /// - Parameter encoder: The target.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(id, forKey: .id)
    try container.encode(prediction, forKey: .prediction)
    try container.encode(reference, forKey: .reference)
    var table = container.nestedContainer(keyedBy: AnyKey.self, forKey: .labels)
    for label in labels {
      var entry = table.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey(label.key))
      try entry.encode(label.name, forKey: AnyKey("name"))
      for (metric, value) in label.values {
        try entry.encode(value.number, forKey: AnyKey(metric))
      }
    }
    try container.encode(allProblems, forKey: .problems)
  }
}

extension SummaryStatistics: Codable {
  private enum Keys: String, CodingKey {
    case mean, sd, median, iqr, min, n, undefined, ci95
  }

  /// Reads the value from the form that `encode(to:)` writes.
  /// - Parameter decoder: The source.
  /// - Throws: `DecodingError` for any other form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Keys.self)
    let bounds = try container.decode([Double]?.self, forKey: .ci95)
    if let bounds, bounds.count != 2 || bounds[0] > bounds[1] {
      throw DecodingError.dataCorruptedError(
        forKey: .ci95,
        in: container,
        debugDescription: "a ci95 is not [low, high]"
      )
    }
    self.init(
      mean: try container.decode(Double?.self, forKey: .mean),
      sd: try container.decode(Double?.self, forKey: .sd),
      median: try container.decode(Double?.self, forKey: .median),
      iqr: try container.decode(Double?.self, forKey: .iqr),
      min: try container.decode(Double?.self, forKey: .min),
      n: try container.decode(Int.self, forKey: .n),
      undefined: try container.decode(Int.self, forKey: .undefined),
      ci95: bounds.map { $0[0]...$0[1] }
    )
  }

  /// Writes the value in the form of `lamina.evaluation/1`.
  /// - Parameter encoder: The target.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(mean, forKey: .mean)
    try container.encode(sd, forKey: .sd)
    try container.encode(median, forKey: .median)
    try container.encode(iqr, forKey: .iqr)
    try container.encode(min, forKey: .min)
    try container.encode(n, forKey: .n)
    try container.encode(undefined, forKey: .undefined)
    try container.encode(ci95.map { [$0.lowerBound, $0.upperBound] }, forKey: .ci95)
  }
}
