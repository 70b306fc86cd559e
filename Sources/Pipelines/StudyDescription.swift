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
    /// Where the installed Debian package has it, or its name in the wheel.
    public var path: String
    /// What it holds.
    public var what: String
    /// SHA-256 of the file, 64 hexadecimal digits.
    public var sha256: String
    /// Under which terms this file may be used; nil for those of the study.
    public var licence: String?
    /// Who made this file; nil for who made the study.
    public var author: String?
  }

  /// Where the files come from.
  public enum SourceKind: String, Codable, Sendable {
    /// A package of the Debian archive.
    case debianPackage = "debian-package"
    /// A wheel of the Python Package Index; its files are read, its code is never run.
    case pypiWheel = "pypi-wheel"
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

  /// A whole scan with a label map as its reference.
  public struct Case: Codable, Equatable, Sendable {
    /// Name of the files that are made: `NAME.nii.gz` and `reference/NAME.nii.gz`.
    public var name: String
    /// The scan, by its name under `files/`; it is copied.
    public var scan: String
    /// How the reference is made.
    public var reference: Reference
    /// The labels of the reference, by structure.
    public var labels: [String: Int]
  }

  /// How the reference of a whole scan is made; exactly one of the two is given.
  public struct Reference: Codable, Equatable, Sendable {
    /// From maps of probability: the label of the largest where that is above a threshold.
    public var probabilities: Probabilities?
    /// From a label map whose regions get other numbers; what is not named becomes background.
    public var atlas: Atlas?
  }

  /// Maps of probability on the scan's grid.
  public struct Probabilities: Codable, Equatable, Sendable {
    /// One map and the label that it stands for.
    public struct Map: Codable, Equatable, Sendable {
      /// The map, by its name under `files/`.
      public var file: String
      /// The label.
      public var label: Int
    }

    /// The maps; of equal probabilities the first wins.
    public var maps: [Map]
    /// The value that stands for certainty, such as 255.
    public var certainty: Double
    /// A voxel whose largest probability is not above this is background.
    public var above: Double
  }

  /// A label map on the scan's grid, renumbered.
  public struct Atlas: Codable, Equatable, Sendable {
    /// The label map, by its name under `files/`.
    public var file: String
    /// The reference's label by the atlas's.
    public var labels: [String: Int]
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
  /// Where the files come from, when they come from one package.
  public var source: Source?
  /// Where the files come from, when they come from several packages.
  public var sources: [Source]?
  /// The labels of the reference maps, by structure.
  public var labels: [String: Int]
  /// What is cut out.
  public var regions: [Region]
  /// Whole scans with a reference; nil for none.
  public var cases: [Case]?

  /// The schema that this version reads.
  public static let currentSchema = "lamina.study/1"

  /// The packages that the files come from.
  public var packages: [Source] { sources ?? source.map { [$0] } ?? [] }

  /// The files of all packages.
  public var sourceFiles: [SourceFile] { packages.flatMap(\.files) }

  /// Every file that fetching makes, relative to `files/`, in order.
  public var fileNames: [String] {
    sourceFiles.map(\.name)
      + (regions.map(\.name) + (cases ?? []).map(\.name))
      .flatMap { ["\($0).nii.gz", "reference/\($0).nii.gz"] }
  }

  /// Reads a description.
  /// - Parameter path: A `study.json`.
  /// - Returns: The description.
  /// - Throws: `StudyError.invalidDescription` when it is not one, names files outside its folder, or
  ///   makes one file twice.
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
    guard (study.source == nil) != (study.sources == nil), !study.sourceFiles.isEmpty else {
      throw .invalidDescription(
        path: path,
        reason: "it needs a source or sources, not both, with at least one file"
      )
    }
    for name in study.fileNames where name.hasPrefix("/") || name.contains("..") {
      throw .invalidDescription(path: path, reason: "\(name) leaves the study's folder")
    }
    guard Set(study.fileNames).count == study.fileNames.count else {
      throw .invalidDescription(path: path, reason: "two of its files have one name")
    }
    return study
  }
}
