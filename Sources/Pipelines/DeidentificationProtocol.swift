import ImagingIO
import Support

/// The written protocol of a de-identification: what was done to each file, without any original
/// value.
package struct DeidentificationProtocol: Encodable, Sendable {
  /// What became of a file.
  package enum Status: String, Codable, Sendable {
    /// Cleaned and written.
    case done
    /// Not written, because it may still show identity.
    case withheld
    /// Not written, because it could not be cleaned wholly.
    case failed
    /// Not written, because it is a directory of others (DICOMDIR).
    case skipped
  }

  /// A code of what was done (PS3.16, context group 7050).
  package struct Code: Encodable, Sendable {
    let value: String
    let meaning: String
  }

  /// The options of the run.
  package struct Options: Encodable, Sendable {
    let dates: DICOMDeidentificationOptions.Dates
    let keep: [DICOMDeidentificationOptions.Retention]
    let subjectGiven: Bool
    let allowBurnedIn: Bool
  }

  /// What new identifiers were derived from.
  package struct Key: Encodable, Sendable {
    let origin: DICOMDeidentificationKey.Origin
    /// In hexadecimal, if it was asked for.
    let value: String?
  }

  /// What was done to one element, at any depth of the object.
  package struct Action: Encodable, Hashable, Sendable {
    let tag: String
    /// Nil for private and unknown elements.
    let keyword: String?
    let change: DICOMDeidentificationRecord.Change
    let count: Int
  }

  /// One file of the input, by its place in the sorted list of files.
  package struct File: Encodable, Sendable {
    /// "file 12".
    package let id: String
    /// HMAC-SHA256 under the key of the file's SHA-256.
    let inputDigest: String?
    /// What became of it.
    package let status: Status
    /// Path below the output folder.
    package internal(set) var output: String?
    /// The new name of the patient.
    let patient: String?
    /// How many elements were changed how.
    let counts: [String: Int]?
    /// Place in `actionLists`, from 0.
    var actions: Int?
    /// What may show identity.
    package let flags: [DICOMDeidentificationRecord.Flag]
    /// Why it failed.
    package let error: String?
  }

  /// Version of this protocol.
  package let schema = "lamina.deidentification/1"
  /// Program and version.
  package let program = "lamina \(Version.current)"
  /// What the rules follow.
  package let profile =
    "DICOM PS3.15 Basic Application Level Confidentiality Profile, table E.1-1 (2026c)"
  /// What was done, as it stands in each object.
  package let codes: [Code]
  package let options: Options
  package let key: Key
  /// Distinct lists of actions; files of a series share one.
  package internal(set) var actionLists: [[Action]] = []
  /// Every DICOM file.
  package internal(set) var files: [File] = []
  /// Files that are no DICOM objects; they were not copied.
  package internal(set) var otherFiles = 0
  /// What this de-identification does not do.
  package let limits = [
    "Pixels are not changed: text in them is looked for, faces that a volume may show are not.",
    "Descriptions and codes that table E.1-1 does not list stay, unless they repeat an identifier.",
  ]

  /// A protocol without files.
  init(_ engine: DICOMDeidentification, showsKey: Bool) {
    let options = engine.options
    codes = options.codes.map { Code(value: $0.value, meaning: $0.meaning) }
    self.options = Options(
      dates: options.dates,
      keep: DICOMDeidentificationOptions.Retention.allCases.filter(options.kept.contains),
      subjectGiven: options.subject != nil,
      allowBurnedIn: options.allowsFlagged
    )
    key = Key(origin: engine.key.origin, value: showsKey ? engine.key.hexadecimal : nil)
  }

  /// Files with a status.
  package func count(_ status: Status) -> Int { files.count { $0.status == status } }

  /// Adds a file, and its actions if no other file had the same.
  mutating func add(_ file: File, record: DICOMDeidentificationRecord?) {
    var file = file
    if let record {
      let actions = Self.actions(record)
      if let place = actionLists.firstIndex(of: actions) {
        file.actions = place
      } else {
        file.actions = actionLists.count
        actionLists.append(actions)
      }
    }
    files.append(file)
  }

  private static func actions(_ record: DICOMDeidentificationRecord) -> [Action] {
    record.steps.keys.sorted().map { step in
      let digits = String(step.tag, radix: 16, uppercase: true)
      return Action(
        tag: String(repeating: "0", count: 8 - digits.count) + digits,
        keyword: DICOMKeyword.of(step.tag),
        change: step.change,
        count: record.steps[step] ?? 0
      )
    }
  }

  /// How many elements of a record were changed how.
  static func counts(_ record: DICOMDeidentificationRecord) -> [String: Int] {
    var counts: [String: Int] = [:]
    for change in DICOMDeidentificationRecord.Change.allCases {
      counts[change.rawValue] = record.count(change)
    }
    return counts
  }

  // MARK: - Manifest

  /// The short form that lies in the output folder: which files were written, which not and why.
  package struct Manifest: Encodable, Sendable {
    /// One file.
    package struct Case: Encodable, Sendable {
      let id: String
      let status: Status
      let output: String?
      let error: String?
    }

    /// Version of this manifest.
    package let schema = "lamina.deidentification.manifest/1"
    package let cases: [Case]
    package let otherFiles: Int
    /// The manifest's name in the output folder.
    package static let fileName = "manifest.json"
  }

  /// The short form of the protocol.
  package var manifest: Manifest {
    Manifest(
      cases: files.map { file in
        let reasons = file.flags.map(\.message)
        return Manifest.Case(
          id: file.id,
          status: file.status,
          output: file.output,
          error: file.error ?? (file.status == .withheld ? reasons.joined(separator: " ") : nil)
        )
      },
      otherFiles: otherFiles
    )
  }
}
