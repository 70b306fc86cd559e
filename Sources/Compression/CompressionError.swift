import Support

/// What can go wrong when images are compressed and restored.
public enum CompressionError: ClassifiedError, Equatable {
  /// The file is cut short or its bytes are not those that were written.
  case damaged(path: String, reason: String)
  /// The file is of a version or kind that this program does not know.
  case unsupported(path: String, reason: String)
  /// The image cannot be compressed in this way.
  case unsuitableImage(path: String, reason: String)
  /// The file needs a model that was not given, or another one.
  case needsModel(path: String, name: String, found: String?)
  /// The model is for something else.
  case otherTask(model: String, task: String)
  /// Nothing is left to train on or to measure.
  case nothingToUse(path: String, reason: String)
  /// The output's ending does not suit the image.
  case unsuitableOutput(path: String, reason: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .damaged, .unsupported, .unsuitableImage: .damagedInput
    case .needsModel: .missingComponent
    case .nothingToUse: .missingInput
    case .otherTask, .unsuitableOutput: .usage
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .damaged(let path, let reason): "\(path) is damaged: \(reason)."
    case .unsupported(let path, let reason): "\(path) cannot be read: \(reason)."
    case .unsuitableImage(let path, let reason): "\(path) cannot be compressed: \(reason)."
    case .needsModel(let path, let name, nil):
      "\(path) was compressed with the model \(name), which is not here; give it by --model."
    case .needsModel(let path, let name, let found?):
      "\(path) was compressed with the model \(name), whose weights are not those of \(found)."
    case .otherTask(let model, let task):
      "\(model) is for \(task), not for compression; lamina model list shows the models."
    case .nothingToUse(let path, let reason): "\(path) has nothing to use: \(reason)."
    case .unsuitableOutput(let path, let reason): "\(path) cannot be written: \(reason)."
    }
  }
}
