import Support

/// What can go wrong when images are aligned.
public enum RegistrationError: ClassifiedError, Equatable {
  /// Voxels are infinite or not numbers.
  case notFinite(image: String, count: Int)
  /// All voxels have one value, so that nothing can be aligned.
  case constantImage(image: String)
  /// A 2-D image, or one of too few slices.
  case tooThin(image: String, axis: Int, voxels: Int)
  /// The mask has no voxel in the fixed image.
  case emptyMask
  /// Too little of the fixed image lies in the moving one.
  case noOverlap(share: Double)
  /// The aligned images tell nothing of each other.
  case nothingInCommon(information: Double, floor: Double)
  /// The aligned images do not have one contrast, which the similarity needs.
  case differentContrast(measure: String, correlation: Double)
  /// No step of a stage made the images more similar.
  case noProgress(stage: String)
  /// A setting is out of its range.
  case invalidSetting(name: String, reason: String)
  /// A stored transform is malformed.
  case damagedTransform(reason: String)
  /// Atlases or labels do not belong together.
  case unfitAtlases(reason: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .invalidSetting: .usage
    default: .damagedInput
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .notFinite(let image, let count):
      "The \(image) image has \(count) voxels that are infinite or not numbers; replace them first."
    case .constantImage(let image):
      "All voxels of the \(image) image have one value, so that nothing can be aligned; check the "
        + "file."
    case .tooThin(let image, let axis, let voxels):
      "The \(image) image has only \(voxels) voxels along axis \(axis); registration needs volumes "
        + "of at least \(ImageCheck.fewestVoxels)."
    case .emptyMask: "The mask has no voxel in the fixed image; check that it lies on its grid."
    case .noOverlap(let share):
      "Only \(percent(share)) of the fixed image lie in the moving one; start from centres of mass, "
        + "or check the positions in the headers."
    case .nothingInCommon(let information, let floor):
      "The images share \(rounded(information)) nats of information, and unrelated ones would share up "
        + "to \(rounded(floor)); check that they show the same part of the body."
    case .differentContrast(let measure, let correlation):
      "The aligned images' values correlate with \(rounded(correlation)) only, and \(measure) needs "
        + "images of one contrast; use mutual information."
    case .noProgress(let stage):
      "No step of the \(stage) stage made the images more similar; try another start or similarity."
    case .invalidSetting(let name, let reason): "The setting \(name) is wrong: \(reason)."
    case .damagedTransform(let reason): "The stored transform is damaged: \(reason)."
    case .unfitAtlases(let reason): "The atlases do not fit together: \(reason)."
    }
  }

  private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
  private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
