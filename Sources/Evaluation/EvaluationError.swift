import Support

/// What can be wrong with the inputs of an evaluation.
public enum EvaluationError: ClassifiedError, Equatable {
  /// The two images do not lie on the same grid.
  case gridMismatch(caseID: String, reason: String)
  /// A name that is no metric's key.
  case unknownMetric(key: String)
  /// A label file that does not follow its form.
  case invalidLabels(reason: String)
  /// A name stands in the labels of the prediction but not in those of the reference.
  case missingReferenceLabel(name: String)
  /// A file that should hold an evaluation does not.
  case invalidReport(reason: String)
  /// The data range of image metrics is not a positive number.
  case invalidDataRange(Double)
  /// The tolerance of surface metrics is negative or not finite.
  case invalidTolerance(Double)

  /// Which exit status the case maps to.
  public var failure: Failure {
    switch self {
    case .gridMismatch, .invalidLabels, .missingReferenceLabel, .invalidReport: .damagedInput
    case .unknownMetric, .invalidDataRange, .invalidTolerance: .usage
    }
  }

  /// What was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .gridMismatch(let caseID, let reason):
      "\(caseID): the prediction and the reference lie on different grids (\(reason)); "
        + "resample one, or add --resample-prediction."
    case .unknownMetric(let key):
      "There is no metric \"\(key)\"; choose from \(Metric.all.map(\.key).joined(separator: ", "))."
    case .invalidLabels(let reason):
      "The label file is invalid: \(reason); write {\"name\": 1, \"union\": [1, 2]}."
    case .missingReferenceLabel(let name):
      "The reference labels do not name \"\(name)\"; both label files need the same names."
    case .invalidReport(let reason):
      "This is not an evaluation of lamina: \(reason); make one with lamina evaluate."
    case .invalidDataRange(let range):
      "The data range \(range) is not a positive number; give the range of the true values, such "
        + "as 255."
    case .invalidTolerance(let tolerance):
      "The tolerance \(tolerance) mm is not a number of at least 0; give millimetres, such as 1."
    }
  }
}
