import Support

/// What can go wrong when networks look at sequences: waveforms and clips.
public enum SequencesError: ClassifiedError, Equatable {
  /// A file of a waveform or its annotations is not what its format asks for.
  case damaged(path: String, reason: String)
  /// The file is well formed, but of a kind that is not read.
  case unsupported(path: String, reason: String)
  /// The record does not suit what is asked for.
  case unsuitableRecord(path: String, reason: String)
  /// The clip does not suit what is asked for.
  case unsuitableClip(path: String, reason: String)
  /// The path holds no clips in the known layout.
  case notADataset(path: String, reason: String)
  /// The path holds no images with sentences.
  case noCaptions(path: String, reason: String)
  /// Nothing is left to train on or to measure.
  case nothingToUse(path: String, reason: String)
  /// A training's values do not go together.
  case unfitTraining(reason: String)
  /// The model is for something else.
  case otherTask(model: String, task: String, wanted: String)
  /// The data set's classes are not the model's.
  case otherClasses(path: String, unknown: [String], known: [String])
  /// The network gave values that are infinite or not numbers.
  case infiniteScores(model: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .damaged, .unsupported, .unsuitableRecord, .unsuitableClip, .notADataset, .noCaptions,
      .otherClasses, .infiniteScores:
      .damagedInput
    case .nothingToUse: .missingInput
    case .unfitTraining, .otherTask: .usage
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .damaged(let path, let reason): "\(path) is damaged: \(reason)."
    case .unsupported(let path, let reason): "\(path) cannot be used: \(reason)."
    case .unsuitableRecord(let path, let reason): "The record \(path) cannot be used: \(reason)."
    case .unsuitableClip(let path, let reason): "The clip \(path) cannot be used: \(reason)."
    case .notADataset(let path, let reason):
      "\(path) is no data set of clips: \(reason); give a folder with a folder for each class, in which "
        + "every folder of frames, volume or series of time points is a clip."
    case .noCaptions(let path, let reason):
      "\(path) has no images with sentences: \(reason); give a table (image, caption), or a JSON file of "
        + "captions as COCO's."
    case .nothingToUse(let path, let reason): "\(path) has nothing to use: \(reason)."
    case .unfitTraining(let reason): "The training is not possible: \(reason)."
    case .otherTask(let model, let task, let wanted):
      "\(model) is for \(task), not for \(wanted); lamina model list shows the models."
    case .otherClasses(let path, let unknown, let known):
      "\(path) has the classes \(unknown.joined(separator: ", ")), and the model knows "
        + "\(known.joined(separator: ", "))."
    case .infiniteScores(let model):
      "\(model) gave scores that are not finite; use data of the kind that it was trained on."
    }
  }
}
