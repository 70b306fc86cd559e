import Support

/// What can go wrong when objects are de-identified.
///
/// Names of input files may hold names of patients, so none is in a message.
package enum DeidentificationError: ClassifiedError, Equatable {
  /// The input is not there.
  case inputNotFound
  /// A folder or file of the input cannot be read.
  case inputUnreadable
  /// No file of the input is a DICOM object.
  case noObjects(files: Int)
  /// One name was given for several patients.
  case severalPatients(count: Int)
  /// The new name cannot stand in a header.
  case invalidSubject
  /// The key is too short to protect anything.
  case shortKey(path: String, bytes: Int)
  /// A single file was asked for, but the input is a folder.
  case outputIsNoFolder(path: String)

  /// The kind of the failure.
  package var failure: Failure {
    switch self {
    case .inputNotFound, .inputUnreadable: .missingInput
    case .noObjects: .damagedInput
    case .severalPatients, .invalidSubject, .shortKey, .outputIsNoFolder: .usage
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  package var description: String {
    switch self {
    case .inputNotFound: "The input does not exist; check the path."
    case .inputUnreadable: "A part of the input cannot be read; check its permissions."
    case .noObjects(let files):
      "The input holds no DICOM object among \(files) \(files == 1 ? "file" : "files"); "
        + "give DICOM files."
    case .severalPatients(let count):
      "The input holds \(count) patients, but --subject names one; leave it out or give the "
        + "patients one by one."
    case .invalidSubject:
      "The name of --subject must have 1 to 64 characters of ASCII without backslashes; choose "
        + "another."
    case .shortKey(let path, let bytes):
      "The key \(path) has \(bytes) bytes but must have at least 16; write random bytes to it."
    case .outputIsNoFolder(let path):
      "\(path) names one file, but the input is a folder; name a folder as output."
    }
  }
}
