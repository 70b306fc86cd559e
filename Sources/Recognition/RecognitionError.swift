import Support

/// What can go wrong when networks learn or say what images show.
public enum RecognitionError: ClassifiedError, Equatable {
  /// The path holds no labelled images in a known layout.
  case notADataset(path: String, reason: String)
  /// The table holds no images with numbers.
  case notATable(path: String, reason: String)
  /// The path holds no boxes in a known layout.
  case noBoxDataset(path: String, reason: String)
  /// A file with boxes cannot be read.
  case damagedAnnotations(path: String, reason: String)
  /// No picture has what should be learnt.
  case nothingToLearn(path: String, reason: String)
  /// Nothing is left to train on or to measure.
  case noImages(path: String, reason: String)
  /// A training's values do not go together.
  case unfitTraining(reason: String)
  /// The image does not suit the model.
  case unsuitableImage(path: String, reason: String)
  /// The model is for something else.
  case otherTask(model: String, task: String, wanted: String)
  /// There is no such network.
  case unknownNetwork(name: String, known: [String])
  /// The data set's classes are not the model's.
  case otherClasses(path: String, unknown: [String], known: [String])
  /// Models cannot be averaged with each other.
  case unfitEnsemble(reason: String)
  /// The network gave values that are infinite or not numbers.
  case infiniteScores(model: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .notADataset, .notATable, .damagedAnnotations, .unsuitableImage, .otherClasses,
      .infiniteScores:
      .damagedInput
    case .noImages, .noBoxDataset, .nothingToLearn: .missingInput
    case .unfitTraining, .otherTask, .unknownNetwork, .unfitEnsemble: .usage
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .notADataset(let path, let reason):
      "\(path) is no set of labelled images: \(reason); give a folder with a folder for each class, a "
        + "table (image, label), or an .npz with train_images and train_labels."
    case .notATable(let path, let reason):
      "\(path) cannot be used as a table of images with numbers: \(reason)."
    case .noBoxDataset(let path, let reason):
      "\(path) is no data set of boxes: \(reason); give a folder in Pascal VOC's layout (Annotations, "
        + "JPEGImages, ImageSets/Main), a JSON file in COCO's, or scans of one channel with label maps "
        + "(dataset.json)."
    case .damagedAnnotations(let path, let reason):
      "The annotations \(path) cannot be read: \(reason)."
    case .nothingToLearn(let path, let reason): "There is nothing to learn from \(path): \(reason)."
    case .noImages(let path, let reason): "\(path) has no image to use: \(reason)."
    case .unfitTraining(let reason): "The training is not possible: \(reason)."
    case .unsuitableImage(let path, let reason): "\(path) does not suit the model: \(reason)."
    case .unfitEnsemble(let reason): "The models cannot be averaged: \(reason)."
    case .otherTask(let model, let task, let wanted):
      "\(model) is for \(task), not for \(wanted); lamina model list shows the models."
    case .unknownNetwork(let name, let known):
      "There is no network \(name); there are \(known.joined(separator: ", "))."
    case .otherClasses(let path, let unknown, let known):
      "\(path) has the classes \(unknown.joined(separator: ", ")), and the model "
        + "knows \(known.joined(separator: ", "))."
    case .infiniteScores(let model):
      "\(model) gave scores that are not finite; use an image of the kind that it was trained on."
    }
  }
}
