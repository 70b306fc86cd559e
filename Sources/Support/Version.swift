/// The program's version, as it stands in every output.
public enum Version {
  /// Semantic version.
  public static let current = "0.1.0"
  /// The sentence that every report and DICOM object carries.
  public static let disclaimer =
    "Lamina is research software. Not for clinical use: do not base diagnosis or treatment on this."
}
