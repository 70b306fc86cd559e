import Support

/// What can go wrong when networks give images back or fill their holes.
public enum AutoencodersError: ClassifiedError, Equatable {
  /// The data set has no class of normal images.
  case noNormalClass(path: String, wanted: String?, known: [String])
  /// Nothing is left to train on or to measure.
  case nothingToUse(path: String, reason: String)
  /// A training's values do not go together.
  case unfitTraining(reason: String)
  /// The model is for something else.
  case otherTask(model: String, task: String, wanted: String)
  /// A file of the model does not hold what it should.
  case damagedModel(path: String, reason: String)
  /// The mask does not suit the image.
  case unfitMask(path: String, reason: String)
  /// The image does not suit what is asked for.
  case unsuitableImage(path: String, reason: String)
  /// The network gave values that are infinite or not numbers.
  case infiniteValues(model: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .noNormalClass, .unfitMask, .damagedModel, .unsuitableImage, .infiniteValues:
      .damagedInput
    case .nothingToUse: .missingInput
    case .unfitTraining, .otherTask: .usage
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .noNormalClass(let path, let wanted, let known):
      known.isEmpty
        ? "\(path) has no classes, so --normal cannot choose one; leave it out where all images are normal."
        : "\(path) has \(wanted.map { "no class \($0)" } ?? "several classes"); say by --normal which of "
          + "\(known.joined(separator: ", ")) is normal."
    case .nothingToUse(let path, let reason): "\(path) has nothing to use: \(reason)."
    case .unfitTraining(let reason): "The training is not possible: \(reason)."
    case .otherTask(let model, let task, let wanted):
      "\(model) is for \(task), not for \(wanted); lamina model list shows the models."
    case .damagedModel(let path, let reason): "The model \(path) is damaged: \(reason)."
    case .unfitMask(let path, let reason): "The mask \(path) cannot be used: \(reason)."
    case .unsuitableImage(let path, let reason): "\(path) cannot be used: \(reason)."
    case .infiniteValues(let model):
      "\(model) gave values that are not finite; use an image of the kind that it was trained on."
    }
  }
}
