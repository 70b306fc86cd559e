import Support

/// What can go wrong when objects are detected, or networks trained for it.
public enum DetectionError: ClassifiedError, Equatable {
  /// A folder or file is no data set of boxes.
  case noDataset(path: String, reason: String)
  /// A file with annotations cannot be read.
  case damagedAnnotations(path: String, reason: String)
  /// A data set is left with no picture, or no box to learn from.
  case nothingToLearn(path: String, reason: String)
  /// A training's values do not go together.
  case unfitTraining(reason: String)
  /// The model does not find boxes.
  case otherTask(model: String)
  /// The network gave values that are infinite or not numbers.
  case infiniteValues(model: String)
  /// The data set's classes are not those of the model.
  case otherClasses(model: [String], found: [String])

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .noDataset, .nothingToLearn: .missingInput
    case .damagedAnnotations, .infiniteValues: .damagedInput
    case .unfitTraining, .otherTask, .otherClasses: .usage
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .noDataset(let path, let reason):
      "\(path) is no data set of boxes: \(reason); give a folder in Pascal VOC's layout (Annotations, "
        + "JPEGImages, ImageSets/Main) or a JSON file in COCO's."
    case .damagedAnnotations(let path, let reason):
      "The annotations \(path) cannot be read: \(reason)."
    case .nothingToLearn(let path, let reason): "There is nothing to learn from \(path): \(reason)."
    case .unfitTraining(let reason): "The training is not possible: \(reason)."
    case .otherTask(let model):
      "\(model) does not find boxes; lamina model list shows what each model does."
    case .infiniteValues(let model):
      "\(model) gave values that are not finite; use an image of the kind that it was trained on."
    case .otherClasses(let model, let found):
      "The data set's classes (\(found.joined(separator: ", "))) are not those of the model "
        + "(\(model.joined(separator: ", ")))."
    }
  }
}
