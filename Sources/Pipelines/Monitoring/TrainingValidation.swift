/// What a look at held-out cases during a training found.
public struct TrainingValidation: Codable, Sendable, Equatable {
  /// Steps taken before it.
  public let step: Int
  /// Ids of the cases.
  public let cases: [String]
  /// By structure's key, the mean Dice coefficient over the cases in which it is defined.
  public let dice: [String: Double]
  /// Wall time that it took.
  public let seconds: Double

  /// Creates a finding.
  /// - Parameters:
  ///   - step: Steps taken before it.
  ///   - cases: Ids of the cases.
  ///   - dice: By structure's key, the mean Dice coefficient over the cases.
  ///   - seconds: Wall time that it took.
  public init(step: Int, cases: [String], dice: [String: Double], seconds: Double) {
    self.step = step
    self.cases = cases
    self.dice = dice
    self.seconds = seconds
  }
}
