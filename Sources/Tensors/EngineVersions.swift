import COneDNN

/// The versions of the libraries that compute.
public enum EngineVersions {
  /// oneDNN's version, such as "3.7.2".
  public static var oneDNN: String {
    var version: [Int32] = [0, 0, 0]
    codn_version(&version)
    return version.map(String.init).joined(separator: ".")
  }
}
