/// The metrics of one structure in one case.
public struct LabelEvaluation: Equatable, Sendable {
  /// The structure's key: its label number, a union's numbers joined by "+", or "image".
  public let key: String
  /// The structure's name.
  public let name: String
  /// The values by metric key.
  public let values: [String: MetricValue]
  /// Which of the two maps have the structure; nil for images and when it is not known.
  public let state: StructureState?

  /// Creates the metrics of a structure.
  /// - Parameters:
  ///   - key: The structure's key.
  ///   - name: The structure's name.
  ///   - values: The values by metric key.
  ///   - state: Which of the two maps have the structure.
  public init(
    key: String,
    name: String,
    values: [String: MetricValue],
    state: StructureState? = nil
  ) {
    self.key = key
    self.name = name
    self.values = values
    self.state = state
  }
}

/// The evaluation of one case: every structure, and what was noticed.
public struct CaseEvaluation: Equatable, Sendable {
  /// The case's name.
  public let id: String
  /// Where the prediction came from.
  public let prediction: String
  /// Where the reference came from.
  public let reference: String
  /// The structures, by rising label.
  public let labels: [LabelEvaluation]
  /// What the user should know, one sentence each; reasons of undefined values stand with these.
  public let problems: [String]

  /// Creates the evaluation of a case.
  /// - Parameters:
  ///   - id: The case's name.
  ///   - prediction: Where the prediction came from.
  ///   - reference: Where the reference came from.
  ///   - labels: The structures.
  ///   - problems: What the user should know, one sentence each.
  public init(
    id: String,
    prediction: String,
    reference: String,
    labels: [LabelEvaluation],
    problems: [String]
  ) {
    self.id = id
    self.prediction = prediction
    self.reference = reference
    self.labels = labels
    self.problems = problems
  }

  /// The same case under another name or with further problems.
  /// - Parameters:
  ///   - id: The name; nil to keep it.
  ///   - further: Problems that stand before those at hand, one sentence each.
  /// - Returns: The changed case.
  public func with(id: String? = nil, problems further: [String] = []) -> CaseEvaluation {
    CaseEvaluation(
      id: id ?? self.id,
      prediction: prediction,
      reference: reference,
      labels: labels,
      problems: further + problems
    )
  }

  /// The problems with one line for each undefined value, as they stand in outputs.
  public var allProblems: [String] {
    var lines = problems
    for label in labels {
      for (metric, value) in label.values.sorted(by: { $0.key < $1.key }) {
        guard let reason = value.reason else { continue }
        lines.append(Self.undefinedPrefix(label.key, metric) + reason)
      }
    }
    return lines
  }

  /// How a line about an undefined value begins; the rest is the reason.
  static func undefinedPrefix(_ label: String, _ metric: String) -> String {
    "label \(label) \(metric): undefined, "
  }
}
