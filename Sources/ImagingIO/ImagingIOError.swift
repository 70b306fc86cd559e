import Support

/// What can go wrong between a file and a volume.
public enum ImagingIOError: ClassifiedError, Equatable {
  /// No format knows the file.
  case unrecognised(path: String)
  /// The content contradicts itself or ends early.
  case damaged(path: String, reason: String)
  /// The content is valid but cannot be a volume here, such as colour or complex values.
  case unsupported(path: String, what: String, remedy: String)
  /// Several series are there and none was chosen; one line each.
  case severalSeries(path: String, choices: [String])
  /// Several volumes are there and none was chosen; one line each.
  case severalVolumes(path: String, choices: [String])
  /// The chosen series or volume is not there.
  case noSuchSelection(path: String, selection: String)
  /// The volume has several time points and none was chosen; one line each.
  case severalTimePoints(path: String, choices: [String])
  /// Slices of one series do not share orientation, size or spacing.
  case mixedGeometry(path: String, what: String)
  /// The output's ending names no format that can be written.
  case unknownOutputFormat(path: String)
  /// What went wrong with a file of an archive, in words that name the archive.
  case inArchive(message: String, failure: Failure)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .unrecognised, .damaged, .unsupported, .mixedGeometry: .damagedInput
    case .severalSeries, .severalVolumes, .severalTimePoints, .noSuchSelection,
      .unknownOutputFormat:
      .usage
    case .inArchive(_, let failure): failure
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .unrecognised(let path):
      "\(path) is not an image that Lamina can read; "
        + "give NIfTI, DICOM, NRRD, MetaImage, MGH, PNG, JPEG, TIFF or BMP."
    case .damaged(let path, let reason): "\(path) is damaged: \(reason)."
    case .unsupported(let path, let what, let remedy): "\(path) holds \(what); \(remedy)."
    case .severalSeries(let path, let choices):
      "\(path) holds \(choices.count) series; choose one with --series: "
        + choices.joined(separator: "; ") + "."
    case .severalVolumes(let path, let choices):
      "\(path) holds \(choices.count) volumes; choose one with --volume: "
        + choices.joined(separator: "; ") + "."
    case .noSuchSelection(let path, let selection):
      "\(path) holds no \(selection); lamina info lists what is there."
    case .severalTimePoints(let path, let choices):
      "\(path) holds a 4-D volume of \(choices.count) time points; choose one: "
        + choices.prefix(12).joined(separator: "; ") + (choices.count > 12 ? "; ..." : "") + "."
    case .mixedGeometry(let path, let what):
      "\(path) mixes slices of different \(what); separate them into series."
    case .unknownOutputFormat(let path):
      "\(path) names no known format; "
        + "end it in .nii, .nii.gz, .nrrd, .mha, .png, or for surfaces .stl, .obj or .glb."
    case .inArchive(let message, _): message
    }
  }
}
