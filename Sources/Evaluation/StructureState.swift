/// Whether a structure is in the prediction, the reference, both or neither.
public enum StructureState: String, Sendable, Codable, CaseIterable {
  /// In both.
  case present
  /// In neither.
  case absent
  /// In the reference only.
  case missed
  /// In the prediction only.
  case falseAlarm

  /// The state of two masks.
  /// - Parameter state: Which of them is empty.
  public init(_ state: EmptyState) {
    switch state {
    case .neither: self = .present
    case .both: self = .absent
    case .prediction: self = .missed
    case .reference: self = .falseAlarm
    }
  }
}
