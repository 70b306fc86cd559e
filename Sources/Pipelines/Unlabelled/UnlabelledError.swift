import Support

/// What can be wrong where scans without labels are used.
public enum UnlabelledError: ClassifiedError, Equatable {
  /// The model's structures are not those of the data set.
  case otherStructures(model: String)
  /// The model gives no probabilities of classes that exclude each other.
  case noClassProbabilities(model: String)
  /// There is no scan without labels.
  case noScans(path: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .otherStructures, .noClassProbabilities: .usage
    case .noScans: .missingInput
    }
  }

  /// One sentence with the remedy.
  public var description: String {
    switch self {
    case .otherStructures(let model):
      "\(model) does not have the data set's structures; give --from a model that was trained on "
        + "the same ones."
    case .noClassProbabilities(let model):
      "\(model) gives no probabilities of classes that exclude each other; give --from a model of "
        + "lamina train."
    case .noScans(let path):
      "\(path) has no scans without labels; put some into its folder imagesUn."
    }
  }
}
