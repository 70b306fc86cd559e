/// An unlabelled case that is worth labelling.
public struct CaseSuggestion: Codable, Sendable, Equatable {
  /// Its place, 1 the first to label.
  public let rank: Int
  /// The case's id.
  public let id: String
  /// The scan's file.
  public let path: String
  /// Mean normalised entropy of the class probabilities, 0 (certain) to 1.
  public let uncertainty: Double
  /// Distance to the nearest case suggested before, in standard deviations; nil for the first.
  public let distance: Double?

  /// Creates a suggestion.
  /// - Parameters:
  ///   - rank: Its place, 1 the first to label.
  ///   - id: The case's id.
  ///   - path: The scan's file.
  ///   - uncertainty: Mean normalised entropy of the class probabilities.
  ///   - distance: Distance to the nearest case suggested before.
  public init(rank: Int, id: String, path: String, uncertainty: Double, distance: Double?) {
    self.rank = rank
    self.id = id
    self.path = path
    self.uncertainty = uncertainty
    self.distance = distance
  }
}
