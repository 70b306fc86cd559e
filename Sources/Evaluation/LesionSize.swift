/// How large a lesion is; small ones are found less often and hardly count in Dice.
package enum LesionSize: String, CaseIterable, Sendable {
  case small
  case medium
  case large

  /// The bounds between the sizes, ml.
  static let boundsML = (0.1, 1.0)
  /// Volumes are products of rounded spacings; this much more or less makes no other size.
  private static let rounding = 1e-9

  /// The size of a lesion.
  /// - Parameter volumeML: Its volume; a lesion at a bound is medium.
  package init(volumeML: Double) {
    self =
      volumeML < Self.boundsML.0 - Self.rounding
      ? .small : volumeML > Self.boundsML.1 + Self.rounding ? .large : .medium
  }

  /// The size in words.
  var text: String {
    switch self {
    case .small: "below \(Self.boundsML.0) ml"
    case .medium: "\(Self.boundsML.0) to \(Self.boundsML.1) ml"
    case .large: "above \(Self.boundsML.1) ml"
    }
  }

  /// The end of a metric's key.
  var suffix: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}
