/// Something odd about an input that does not stop it from being read, with its remedy.
public struct InputProblem: Equatable, Hashable, Sendable, Codable {
  /// A stable word for scripts, such as "sform-qform-disagree".
  public let code: String
  /// What is odd and where, one sentence.
  public let message: String
  /// What the user can do about it, one sentence.
  public let remedy: String

  /// Creates a problem.
  /// - Parameters:
  ///   - code: A stable word for scripts.
  ///   - message: What is odd and where.
  ///   - remedy: What the user can do about it.
  public init(code: String, message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }
}
