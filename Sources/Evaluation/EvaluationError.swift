import Support

/// What can be wrong with the inputs of an evaluation.
public enum EvaluationError: ClassifiedError, Equatable {
  /// The two images do not lie on the same grid.
  case gridMismatch(caseID: String, reason: String)
  /// A mask does not lie on the images' grid.
  case maskMismatch(caseID: String, reason: String)
  /// A case has no mask where others have one.
  case missingMask(caseID: String)
  /// Another evaluation cannot be compared with this one.
  case incomparable(path: String, reason: String)
  /// A name that is no metric's key.
  case unknownMetric(key: String)
  /// A label file that does not follow its form.
  case invalidLabels(reason: String)
  /// A name stands in the labels of the prediction but not in those of the reference.
  case missingReferenceLabel(name: String)
  /// A file that should hold an evaluation does not.
  case invalidReport(reason: String)
  /// An evaluation from which no intervals of volumes follow.
  case uncalibrated(reason: String)
  /// The data range of image metrics is not a positive number.
  case invalidDataRange(Double)
  /// The tables of a prediction and its reference give one structure different numbers.
  case labelMismatch(caseID: String, label: Int, prediction: String, reference: String)
  /// A table of cases that does not follow its form.
  case invalidTable(name: String, reason: String)
  /// A file of tolerances that does not follow its form.
  case invalidTolerances(name: String)
  /// The tolerance of surface metrics is negative or not finite.
  case invalidTolerance(Double)

  /// Which exit status the case maps to.
  public var failure: Failure {
    switch self {
    case .gridMismatch, .maskMismatch, .missingMask, .incomparable, .invalidLabels,
      .missingReferenceLabel, .invalidReport, .uncalibrated,
      .invalidTable, .labelMismatch, .invalidTolerances:
      .damagedInput
    case .unknownMetric, .invalidDataRange, .invalidTolerance: .usage
    }
  }

  /// What was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .gridMismatch(let caseID, let reason):
      "\(caseID): the prediction and the reference lie on different grids (\(reason)); "
        + "resample one, or add --resample-prediction."
    case .maskMismatch(let caseID, let reason):
      "\(caseID): the mask lies on another grid than the images (\(reason)); resample it."
    case .missingMask(let caseID):
      "\(caseID): there is no mask of this case; name one for each, or a single file for all."
    case .incomparable(let path, let reason):
      "\(path) cannot be compared with: \(reason); evaluate both in the same way, or name the "
        + "predictions themselves."
    case .unknownMetric(let key):
      "There is no metric \"\(key)\"; choose from \(Metric.all.map(\.key).joined(separator: ", "))."
    case .invalidLabels(let reason):
      "The label file is invalid: \(reason); write {\"name\": 1, \"union\": [1, 2]}."
    case .missingReferenceLabel(let name):
      "The reference labels do not name \"\(name)\"; both label files need the same names."
    case .invalidReport(let reason):
      "This is not an evaluation of lamina: \(reason); make one with lamina evaluate."
    case .uncalibrated(let reason):
      "The evaluation gives no intervals of volumes: \(reason); give one of held-out cases of this "
        + "model, another --coverage, or fewer --labels."
    case .invalidTolerances(let name):
      "\(name) is neither a number of mm nor a file of tolerances; write {\"name\": 1.5} with "
        + "millimetres for each structure."
    case .labelMismatch(let caseID, let label, let prediction, let reference):
      "\(caseID): label \(label) is \"\(prediction)\" in the prediction and \"\(reference)\" in the "
        + "reference, which count otherwise; give --labels and --reference-labels."
    case .invalidTable(let name, let reason):
      "\(name) is not a table of cases: \(reason); write a header such as case,patient,site,sex,age "
        + "and one row for each case."
    case .invalidDataRange(let range):
      "The data range \(range) is not a positive number; give the range of the true values, such "
        + "as 255."
    case .invalidTolerance(let tolerance):
      "The tolerance \(tolerance) mm is not a number of at least 0; give millimetres, such as 1."
    }
  }
}
