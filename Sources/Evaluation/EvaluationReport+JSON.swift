import Foundation

extension EvaluationReport: Codable {
  private enum Keys: String, CodingKey {
    case schema, emptyPolicy, toleranceMM, cases, summary, foregroundMean
    case tolerancesMM, ignoreLabel, objectName, bootstrap, unit, patients, problems, pairing
    case volumeAgreement, subgroups, comparisons, ranking, uncertainty
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
    // Files of earlier versions lack what follows.
    func optional<Value: Decodable>(_ key: Keys, _ missing: Value) throws -> Value {
      try container.decodeIfPresent(Value.self, forKey: key) ?? missing
    }
    tolerancesMM = try optional(.tolerancesMM, [:])
    ignoreLabel = try container.decodeIfPresent(Int.self, forKey: .ignoreLabel)
    objectName = try container.decodeIfPresent(String.self, forKey: .objectName)
    bootstrap = try optional(.bootstrap, BootstrapPlan())
    unit = try optional(.unit, .case)
    patients = try optional(.patients, [])
    problems = try optional(.problems, [])
    pairing = try container.decodeIfPresent(PairingRecord.self, forKey: .pairing)
    volumeAgreement = try optional(.volumeAgreement, [])
    subgroups = try optional(.subgroups, [])
    comparisons = try optional(.comparisons, [])
    uncertainty = try container.decodeIfPresent(UncertaintyEvaluation.self, forKey: .uncertainty)
    ranking = try container.decodeIfPresent(ModelRanking.self, forKey: .ranking)
    guard ranking?.isComplete ?? true else {
      throw DecodingError.dataCorruptedError(
        forKey: .ranking,
        in: container,
        debugDescription: "the ranking has not one mean rank for each of its predictions"
      )
    }
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
    if !tolerancesMM.isEmpty { try container.encode(tolerancesMM, forKey: .tolerancesMM) }
    try container.encodeIfPresent(ignoreLabel, forKey: .ignoreLabel)
    try container.encodeIfPresent(objectName, forKey: .objectName)
    try container.encode(bootstrap, forKey: .bootstrap)
    try container.encode(unit, forKey: .unit)
    if !patients.isEmpty { try container.encode(patients, forKey: .patients) }
    try container.encode(problems, forKey: .problems)
    try container.encodeIfPresent(pairing, forKey: .pairing)
    if !volumeAgreement.isEmpty { try container.encode(volumeAgreement, forKey: .volumeAgreement) }
    if !subgroups.isEmpty { try container.encode(subgroups, forKey: .subgroups) }
    if !comparisons.isEmpty { try container.encode(comparisons, forKey: .comparisons) }
    try container.encodeIfPresent(ranking, forKey: .ranking)
    try container.encodeIfPresent(uncertainty, forKey: .uncertainty)
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
}
