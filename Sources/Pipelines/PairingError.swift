import Support

/// What can go wrong when predictions and references are paired.
public enum PairingError: ClassifiedError, Equatable {
  /// A folder holds neither images nor result folders.
  case noCases(folder: String)
  /// Two files of a folder have the same case name.
  case ambiguousCase(folder: String, id: String)
  /// A folder of predictions cannot share one reference.
  case oneReference(prediction: String, reference: String)
  /// No name is on both sides.
  case nothingInCommon(prediction: String, reference: String, example: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .noCases, .nothingInCommon: .missingInput
    case .ambiguousCase: .damagedInput
    case .oneReference: .usage
    }
  }

  /// One sentence.
  public var description: String {
    switch self {
    case .noCases(let folder):
      "\(folder) holds no label maps and no results of lamina segment; give a folder that does."
    case .ambiguousCase(let folder, let id):
      "\(folder) holds two files of the case \(id); keep one of them."
    case .oneReference(let prediction, let reference):
      "\(prediction) is a folder of cases but \(reference) is one file; give a folder of references."
    case .nothingInCommon(let prediction, let reference, let example):
      "No case of \(prediction) (such as \(example)) has a reference of that name in \(reference)."
    }
  }
}
