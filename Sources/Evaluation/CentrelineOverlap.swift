import Imaging

/// How much of each mask's centre lines lies within the other mask.
///
/// The lines are those of scikit-image up to 0.26, so that values agree; compact pieces may have
/// none.
package struct CentrelineOverlap: Sendable, Equatable {
  /// The share of the prediction's centre line within the reference, topology precision; nil
  /// without a line.
  package let precision: Double?
  /// The share of the reference's centre line within the prediction, topology sensitivity; nil
  /// without a line.
  package let sensitivity: Double?

  /// Thins two masks that are not empty.
  /// - Parameter masks: The masks.
  package init(of masks: CroppedMasks) {
    precision = Self.share(of: masks.prediction, within: masks.reference, masks)
    sensitivity = Self.share(of: masks.reference, within: masks.prediction, masks)
  }

  /// The harmonic mean of both shares; 0 when both are 0, nil when a mask has no centre line.
  package var score: Double? {
    guard let precision, let sensitivity else { return nil }
    let sum = precision + sensitivity
    return sum == 0 ? 0 : 2 * precision * sensitivity / sum
  }

  private static func share(
    of mask: [UInt8],
    within other: [UInt8],
    _ masks: CroppedMasks
  ) -> Double? {
    let line = Skeleton.thinned(
      mask,
      size: masks.size,
      isPlanar: masks.isPlanar,
      rule: .scikitImage
    )
    var (all, common) = (0, 0)
    for (isLine, isWithin) in zip(line, other) where isLine != 0 {
      all += 1
      common += Int(isWithin)
    }
    return all == 0 ? nil : Double(common) / Double(all)
  }
}
