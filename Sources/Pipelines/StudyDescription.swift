import Foundation

/// What a study is and how to obtain it: the content of `Studies/<name>/study.json`.
public struct StudyDescription: Codable, Equatable, Sendable {
  /// Under which terms the files may be used.
  public struct Licence: Codable, Equatable, Sendable {
    /// The licence's short name.
    public var name: String
    /// The copyright notice.
    public var holder: String
    /// Where that is stated.
    public var statement: String
  }

  /// One file of the source.
  public struct SourceFile: Codable, Equatable, Sendable {
    /// Its name under `files/`.
    public var name: String
    /// Where the installed package has it.
    public var path: String
    /// What it holds.
    public var what: String
    /// SHA-256 of the file, 64 hexadecimal digits.
    public var sha256: String
  }

  /// Where the files come from.
  public enum SourceKind: String, Codable, Sendable {
    /// A package of the Debian archive.
    case debianPackage = "debian-package"
  }

  /// Where the files come from.
  public struct Source: Codable, Equatable, Sendable {
    /// How to obtain them.
    public var kind: SourceKind
    /// The package's name.
    public var package: String
    /// The version whose hashes are listed.
    public var version: String
    /// The upstream project.
    public var homepage: String
    /// The files.
    public var files: [SourceFile]
  }

  /// A part of a scan that is cut out around a label of an atlas.
  public struct Region: Codable, Equatable, Sendable {
    /// Name of the files that are made: `NAME.nii.gz` and `reference/NAME.nii.gz`.
    public var name: String
    /// The scan, by its name under `files/`.
    public var scan: String
    /// A label map on the scan's grid.
    public var atlas: String
    /// The label to cut around.
    public var atlasLabel: Int
    /// What the atlas calls it.
    public var atlasName: String
    /// Axis code of the volumes that are made.
    public var orientation: String
    /// Distance from the label's bounding box to the border, mm, by side (L R P A I S).
    public var marginsMM: [String: Double]
  }

  /// The format's name and version, `lamina.study/1`.
  public var schema: String
  /// The name by which it is fetched; its folder's name.
  public var name: String
  /// One line.
  public var title: String
  /// A few sentences.
  public var description: String
  /// What to cite.
  public var citations: [String]
  /// Under which terms the files may be used.
  public var licence: Licence
  /// Where the files come from.
  public var source: Source
  /// The labels of the reference maps, by structure.
  public var labels: [String: Int]
  /// What is cut out.
  public var regions: [Region]

  /// The schema that this version reads.
  public static let currentSchema = "lamina.study/1"

  /// Every file that fetching makes, relative to `files/`, in order.
  public var fileNames: [String] {
    source.files.map(\.name)
      + regions.flatMap { ["\($0.name).nii.gz", "reference/\($0.name).nii.gz"] }
  }

  /// Reads a description.
  /// - Parameter path: A `study.json`.
  /// - Returns: The description.
  /// - Throws: `StudyError.invalidDescription` when it is not one or names files outside its folder.
  public static func read(_ path: String) throws(StudyError) -> StudyDescription {
    let study: StudyDescription
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      study = try JSONDecoder().decode(StudyDescription.self, from: data)
    } catch {
      throw .invalidDescription(path: path, reason: "it is not the JSON of a study")
    }
    guard study.schema == currentSchema else {
      throw .invalidDescription(
        path: path,
        reason: "its schema is \(study.schema), not \(currentSchema)"
      )
    }
    for name in study.fileNames where name.hasPrefix("/") || name.contains("..") {
      throw .invalidDescription(path: path, reason: "\(name) leaves the study's folder")
    }
    return study
  }
}
