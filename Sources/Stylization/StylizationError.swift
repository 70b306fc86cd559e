import Support

/// What can go wrong when pictures are given another style or colours.
public enum StylizationError: ClassifiedError, Equatable {
  /// The picture does not suit what is asked for.
  case unsuitablePicture(path: String, reason: String)
  /// There is no picture to use.
  case noPictures(path: String, reason: String)
  /// A model's file is not what its format asks for.
  case damagedModel(path: String, reason: String)
  /// There is no such model.
  case noModel(path: String)
  /// The model is for something else.
  case otherTask(path: String, wanted: String)
  /// The network cannot give features.
  case unfitFeatures(path: String, reason: String)
  /// A scan has no contrast that could be harmonised.
  case noContrast(path: String)
  /// A file with the statistics of a group is not what its format asks for.
  case damagedGroup(path: String)
  /// A network of one style was given several.
  case severalStyles(count: Int)
  /// A network of any style was given none.
  case missingStyle(path: String)
  /// A network of one style was given another.
  case needlessStyle(path: String)
  /// Values became infinite or no numbers.
  case diverged(step: Int)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .unsuitablePicture, .damagedModel, .diverged, .noContrast, .damagedGroup: .damagedInput
    case .noPictures: .missingInput
    case .noModel: .missingComponent
    case .otherTask, .unfitFeatures, .severalStyles, .missingStyle, .needlessStyle: .usage
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .unsuitablePicture(let path, let reason): "\(path) cannot be used: \(reason)."
    case .noPictures(let path, let reason): "\(path) has no picture to use: \(reason)."
    case .damagedModel(let path, let reason):
      "The model \(path) is damaged: \(reason); train it again or copy it again."
    case .noModel(let path):
      "There is no model \(path); give the folder that lamina vision stylise train or colourise train "
        + "wrote."
    case .otherTask(let path, let wanted): "\(path) is a model for something else than \(wanted)."
    case .unfitFeatures(let path, let reason):
      "\(path) cannot give features: \(reason); give a VGG of three channels, or leave --features out."
    case .noContrast(let path): "\(path) has no contrast that could be harmonised."
    case .damagedGroup(let path):
      "\(path) does not hold the statistics of a group; make it anew with --save-group."
    case .severalStyles(let count):
      "\(count) styles are too many for a network of one style; use --network adain."
    case .missingStyle(let path):
      "\(path) paints in any style; show it one with --style."
    case .needlessStyle(let path):
      "\(path) knows one style; leave --style out, or use a model trained with --network adain."
    case .diverged(let step):
      "The picture was no longer finite at step \(step); use a smaller --learning-rate."
    }
  }
}
