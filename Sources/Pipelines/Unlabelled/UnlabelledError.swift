import Support

/// What can be wrong where scans without labels are used.
public enum UnlabelledError: ClassifiedError, Equatable {
  /// The model's structures are not those of the data set.
  case otherStructures(model: String)
  /// The model gives no probabilities of classes that exclude each other.
  case noClassProbabilities(model: String)
  /// There is no scan without labels.
  case noScans(path: String)
  /// The data set's labels leave no number for voxels that are not sure enough.
  case noNumberToIgnore(path: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .otherStructures, .noClassProbabilities: .usage
    case .noScans: .missingInput
    case .noNumberToIgnore: .damagedInput
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
    case .noNumberToIgnore(let path):
      "\(path) uses the label 65535, which leaves no number for what is not sure; give its labels "
        + "smaller numbers."
    }
  }
}

extension ModelPackage {
  /// A run that gives the probabilities of classes that exclude each other.
  /// - Parameter interruption: Looked at between parts of a scan.
  /// - Returns: The run, and the label number of each class, background first.
  /// - Throws: `UnlabelledError.noClassProbabilities`; what opening the model throws.
  func probabilityRun(
    _ interruption: Interruption
  ) throws -> (run: SegmentationRun, numbers: [Int]) {
    guard case .labels(let numbers)? = description.probabilityHeads else {
      throw UnlabelledError.noClassProbabilities(model: description.name)
    }
    var options = SegmentationRun.Options()
    options.wantsProbabilities = true
    let run = try SegmentationRun(
      model: self,
      options: options,
      progress: SilentProgress(),
      interruption: interruption
    )
    return (run, numbers)
  }
}
