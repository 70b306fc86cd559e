/// Why a group of slices cannot become a volume: a problem for `info`, an error for a reader.
struct DICOMBlocker: Error, Equatable, Sendable {
  let problem: InputProblem
  let error: ImagingIOError

  /// Valid content that cannot be a volume here.
  static func unsupported(path: String, code: String, what: String, remedy: String) -> Self {
    DICOMBlocker(
      problem: InputProblem(
        code: code,
        message: "\(path) holds \(what).",
        remedy: sentence(remedy)
      ),
      error: .unsupported(path: path, what: what, remedy: remedy)
    )
  }

  /// Content that contradicts itself or ends early.
  static func damaged(path: String, code: String = "damaged-file", reason: String) -> Self {
    let error = ImagingIOError.damaged(path: path, reason: reason)
    return DICOMBlocker(
      problem: InputProblem(
        code: code,
        message: error.description,
        remedy: "Export or transfer the file again."
      ),
      error: error
    )
  }

  /// Another error of the reader.
  static func failed(code: String, error: ImagingIOError, remedy: String) -> Self {
    DICOMBlocker(
      problem: InputProblem(code: code, message: error.description, remedy: remedy),
      error: error
    )
  }

  private static func sentence(_ words: String) -> String {
    words.prefix(1).uppercased() + words.dropFirst() + "."
  }
}
