/// Whether the values of an image can be of a modality, where its file does not state one.
enum ModalityGuess {
  /// Air has -1000 Hounsfield units; no other common modality has many values below this.
  static let hounsfieldLimit: Float = -200
  /// Share of voxels below the limit from which an image counts as CT.
  private static let share = 0.01
  /// At most this many values are looked at, evenly spread.
  private static let sampleCount = 1 << 16

  /// Whether many values are as low as Hounsfield units of air.
  /// - Parameter values: An image's values.
  /// - Returns: False when there is none.
  static func looksLikeCT(_ values: [Float]) -> Bool {
    let step = max(1, values.count / sampleCount)
    let places = stride(from: 0, to: values.count, by: step)
    let low = places.count { values[$0] < hounsfieldLimit }
    return Double(low) > share * Double(values.count / step)
  }

  /// What speaks against a modality.
  /// - Parameters:
  ///   - values: An image's values.
  ///   - modality: The modality, such as "MR".
  /// - Returns: The reason; nil when nothing does.
  static func contradiction(_ values: [Float], to modality: String) -> String? {
    switch modality.uppercased() {
    case "CT":
      values.allSatisfy { !($0 < 0) }
        ? "it has no value below 0, so that it is not in Hounsfield units" : nil
    default:
      looksLikeCT(values) ? "its values down to below -200 look like Hounsfield units" : nil
    }
  }
}
