import Support

/// What can go wrong when networks make images.
public enum GenerationError: ClassifiedError, Equatable {
  /// The images do not suit what is asked for.
  case unsuitableImages(path: String, reason: String)
  /// A training's or a run's values do not go together.
  case unfit(reason: String)
  /// The model's files are not what they should be.
  case damagedModel(path: String, reason: String)
  /// There is no such class.
  case unknownClass(name: String, known: [String])

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .unsuitableImages, .damagedModel: .damagedInput
    case .unfit, .unknownClass: .usage
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .unsuitableImages(let path, let reason): "\(path) cannot be learnt from: \(reason)."
    case .unfit(let reason): "This is not possible: \(reason)."
    case .damagedModel(let path, let reason):
      "\(path) is no intact model of images: \(reason); train it again or copy it anew."
    case .unknownClass(let name, let known):
      known.isEmpty
        ? "The model knows no classes, so leave out --class \(name)."
        : "There is no class \(name); the model knows \(known.joined(separator: ", "))."
    }
  }
}
