import Support

/// What can go wrong with a catalogued study.
public enum StudyError: ClassifiedError, Equatable {
  /// No study of that name is catalogued.
  case unknownStudy(name: String, known: [String])
  /// A `study.json` is not what it should be.
  case invalidDescription(path: String, reason: String)
  /// The study's files were not fetched yet.
  case notFetched(name: String)
  /// A file is not the one that the description names.
  case hashMismatch(file: String, expected: String, found: String)
  /// A file that was fetched is gone.
  case fileMissing(name: String, file: String)
  /// The package could not be obtained.
  case unobtainable(StudyDescription.SourceKind, package: String, reason: String)
  /// The package is obtained by a program that is not there.
  case toolMissing(tool: String, package: String, remedy: String)
  /// A region cannot be cut out.
  case impossibleRegion(name: String, reason: String)
  /// The reference of a whole scan cannot be made.
  case impossibleReference(name: String, reason: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .unknownStudy, .notFetched: .missingInput
    case .invalidDescription, .hashMismatch, .fileMissing, .impossibleRegion,
      .impossibleReference:
      .damagedInput
    case .unobtainable, .toolMissing: .missingComponent
    }
  }

  /// One sentence.
  public var description: String {
    switch self {
    case .unknownStudy(let name, let known):
      "There is no study \(name); the catalogue has "
        + (known.isEmpty ? "none (is there a folder Studies here?)" : known.joined(separator: ", "))
        + "."
    case .invalidDescription(let path, let reason): "\(path) is no study description: \(reason)."
    case .notFetched(let name):
      "The files of the study \(name) are not here; run `lamina study fetch \(name)`."
    case .hashMismatch(let file, let expected, let found):
      "\(file) is not the expected file: its SHA-256 is \(found.prefix(12))... instead of "
        + "\(expected.prefix(12))...; fetch the study again with --force, or obtain the version "
        + "that study.json names."
    case .fileMissing(let name, let file):
      "\(file) of the study \(name) is gone; run `lamina study fetch \(name) --force`."
    case .unobtainable(.pypiWheel, let package, let reason):
      "The wheel of \(package) could not be obtained from the Python Package Index (\(reason)); "
        + "connect to it, or name a folder that holds the wheel in PIP_FIND_LINKS, and fetch again."
    case .toolMissing(let tool, let package, let remedy):
      "\(package) is obtained by \(tool), which is not here; \(remedy), and fetch again."
    case .unobtainable(.debianPackage, let package, let reason):
      "The Debian package \(package) could not be obtained (\(reason)); connect to a Debian "
        + "mirror, or install \(package) and fetch again."
    case .impossibleRegion(let name, let reason):
      "The region \(name) cannot be cut out: \(reason)."
    case .impossibleReference(let name, let reason):
      "The reference of \(name) cannot be made: \(reason)."
    }
  }
}
