/// What counts as one observation in statistics over a cohort.
public enum StatisticalUnit: String, Sendable, Codable {
  /// A case.
  case `case`
  /// A patient: the values of a patient's cases are averaged first.
  case patient
}
