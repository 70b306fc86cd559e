/// What can go wrong in the layer below everything else: files, hashes, interruption.
public enum SupportError: ClassifiedError, Equatable {
  /// The file or folder is not there.
  case notFound(path: String)
  /// The file or folder exists but could not be read.
  case unreadable(path: String, reason: String)
  /// The output exists and replacing it was not asked for.
  case outputExists(path: String)
  /// The output could not be written.
  case unwritable(path: String, reason: String)
  /// The user stopped the run.
  case interrupted
  /// A system library failed where it should not.
  case libraryFailure(library: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .notFound, .unreadable: .missingInput
    case .outputExists, .unwritable: .unwritableOutput
    case .interrupted: .interrupted
    case .libraryFailure: .internalFault
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .notFound(let path): "\(path) does not exist; check the path."
    case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)."
    case .outputExists(let path): "\(path) exists; choose another name or add --force."
    case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)."
    case .interrupted: "Interrupted; no output was left half written."
    case .libraryFailure(let library): "\(library) failed unexpectedly."
    }
  }
}
