import Foundation
import Support

/// What fetching made: the hash of every file, kept beside the files.
public struct StudyRecord: Codable, Equatable, Sendable {
  /// The record's name under `files/`.
  public static let fileName = "fetched.json"

  /// The study's name.
  public var study: String
  /// Where the source files came from: `installed` or `downloaded`, or both with a comma between.
  public var origin: String
  /// The program's version.
  public var laminaVersion: String
  /// SHA-256 by name under `files/`.
  public var sha256: [String: String]

  /// Reads a study's record.
  /// - Parameter study: The study.
  /// - Returns: The record.
  /// - Throws: `StudyError.notFetched`, or `.fileMissing` when the record is damaged.
  static func read(of study: CatalogedStudy) throws(StudyError) -> StudyRecord {
    guard study.isFetched else { throw .notFetched(name: study.description.name) }
    let path = study.filesFolder + "/" + fileName
    guard let data = FileManager.default.contents(atPath: path),
      let record = try? JSONDecoder().decode(StudyRecord.self, from: data)
    else { throw .invalidDescription(path: path, reason: "it is not the record of a fetch") }
    return record
  }
}

extension CatalogedStudy {
  /// Checks every file against its hash.
  ///
  /// The source's files are held against `study.json`, what was cut out of them against the record
  /// of the fetch.
  /// - Returns: The names of the files that were checked.
  /// - Throws: `StudyError.notFetched`, `.fileMissing` or `.hashMismatch` for the first bad file.
  @discardableResult
  public func verify() throws -> [String] {
    let record = try StudyRecord.read(of: self)
    let published = Dictionary(
      description.sourceFiles.map { ($0.name, $0.sha256) },
      uniquingKeysWith: { first, _ in first }
    )
    for name in description.fileNames {
      let path = filesFolder + "/" + name
      guard FileManager.default.fileExists(atPath: path),
        let expected = published[name] ?? record.sha256[name]
      else { throw StudyError.fileMissing(name: description.name, file: name) }
      let found = try SHA256.hexDigest(ofFile: path)
      guard found == expected else {
        throw StudyError.hashMismatch(file: path, expected: expected, found: found)
      }
    }
    return description.fileNames
  }
}
