import Support

/// What can go wrong when images are improved, or networks trained for it.
public enum EnhancementError: ClassifiedError, Equatable {
  /// No model and no filter has this name.
  case unknownStage(name: String, filters: [String])
  /// A filter's parameter is not one of its own, or out of its range.
  case wrongParameter(stage: String, reason: String)
  /// The model enlarges by another factor.
  case otherScale(model: String, wanted: Int, scale: [Int])
  /// The network gave values that are infinite or not numbers.
  case infiniteValues(model: String)
  /// Nothing to train on.
  case noImages(path: String, reason: String)
  /// A training's values do not go together.
  case unfitTraining(reason: String)
  /// The reference does not lie on the result's grid.
  case unfitReference(path: String, reason: String)
  /// The steps neither keep the grid nor undo its reduction.
  case unfitScale(model: String, scale: [Int], reduction: [Int])
  /// No degradation is described so.
  case unknownDegradation(text: String)
  /// A degradation does not suit an image.
  case unfitDegradation(name: String, reason: String)
  /// The output's ending does not suit what is written.
  case unfitOutput(path: String, reason: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .unknownStage: .missingComponent
    case .wrongParameter, .otherScale, .unfitTraining, .unfitOutput, .unknownDegradation,
      .unfitScale:
      .usage
    case .infiniteValues, .unfitReference, .unfitDegradation: .damagedInput
    case .noImages: .missingInput
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .unknownStage(let name, let filters):
      "There is no model \(name), and the filters are \(filters.joined(separator: ", ")); lamina "
        + "model list shows the models."
    case .wrongParameter(let stage, let reason): "The step \(stage) is not possible: \(reason)."
    case .otherScale(let model, let wanted, let scale):
      "\(model) enlarges by \(scale.map(String.init).joined(separator: " x ")), not by \(wanted); "
        + "choose another model or leave out --scale."
    case .infiniteValues(let model):
      "\(model) gave values that are not finite; use an image of the kind that it was trained on."
    case .noImages(let path, let reason): "\(path) has no image to train on: \(reason)."
    case .unfitTraining(let reason): "The training is not possible: \(reason)."
    case .unfitReference(let path, let reason):
      "\(path) is no reference for the result: \(reason)."
    case .unfitScale(let model, let scale, let reduction):
      "\(model) enlarges by \(scale.map(String.init).joined(separator: " x ")), and the images are "
        + "reduced by \(reduction.map(String.init).joined(separator: " x ")); choose another model or "
        + "reduction."
    case .unknownDegradation(let text):
      "\(text) is no degradation; write gaussian:25 (grey levels of pictures), gaussian:5%, rician:5% "
        + "or poisson-gaussian:5% (of the range of intensities), low-dose-ct:40 (HU), reduce:2, reduce:1x1x4, old-photograph:60% "
        + "or another damage: "
        + ImageDamage.Kind.allCases.map(\.rawValue).joined(separator: ", ") + "."
    case .unfitDegradation(let name, let reason): "\(name) cannot be degraded: \(reason)."
    case .unfitOutput(let path, let reason): "\(path) cannot be the output: \(reason)."
    }
  }
}
