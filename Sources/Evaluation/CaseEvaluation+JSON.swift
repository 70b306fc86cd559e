/// A key that is not known beforehand.
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

  /// The keys of a structure that are no metrics.
  private static let labelFacts: Set = ["name", "state"]

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
      for metric in entry.allKeys where !Self.labelFacts.contains(metric.stringValue) {
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
          values: values,
          state: try entry.decodeIfPresent(StructureState.self, forKey: AnyKey("state"))
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
      try entry.encodeIfPresent(label.state, forKey: AnyKey("state"))
      for (metric, value) in label.values {
        try entry.encode(value.number, forKey: AnyKey(metric))
      }
    }
    try container.encode(allProblems, forKey: .problems)
  }
}
