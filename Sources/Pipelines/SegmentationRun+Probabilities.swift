import Support

extension SegmentationRun.Result {
  /// The probabilities' file in a result folder.
  public static let probabilitiesName = "probabilities.npz"

  /// Writes the class probabilities, if they were wanted, as `probabilities.npz`.
  /// - Parameter folder: A folder that exists.
  /// - Throws: `SupportError.unwritable`.
  public func writeProbabilities(to folder: String) throws {
    guard probabilities != nil else { return }
    throw PipelinesError.unavailableOutput("probabilities")
  }
}
