import Foundation
import Support

/// A way to obtain the files of a study.
protocol StudySource {
  /// The package and its files.
  var source: StudyDescription.Source { get }

  /// Copies the files into a folder, each checked against its hash.
  /// - Parameters:
  ///   - folder: Where the files go, under their names.
  ///   - progress: Told what is done.
  /// - Returns: Where they came from, for the record.
  /// - Throws: `StudyError.hashMismatch`, `.unobtainable`, `.toolMissing`; `SupportError` for the file
  ///   system.
  func copyFiles(into folder: String, progress: any ProgressReporter) throws -> String
}

extension StudySource {
  /// Copies one file, and checks the copy: it is what is used.
  /// - Parameters:
  ///   - file: The file.
  ///   - path: Where it lies; nil when the package does not contain it.
  ///   - folder: Where it goes.
  /// - Throws: `StudyError.unobtainable`, `.hashMismatch`; `SupportError.unwritable`.
  func copy(
    _ file: StudyDescription.SourceFile,
    at path: String?,
    into folder: String
  ) throws {
    guard let path, FileManager.default.fileExists(atPath: path) else {
      throw StudyError.unobtainable(
        source.kind,
        package: source.package,
        reason: "it does not contain \(file.path)"
      )
    }
    let target = folder + "/" + file.name
    do {
      try FileManager.default.copyItem(atPath: path, toPath: target)
    } catch {
      throw SupportError.unwritable(path: target, reason: OutputGuard.reason(of: error))
    }
    let found = try SHA256.hexDigest(ofFile: target)
    guard found == file.sha256 else {
      throw StudyError.hashMismatch(
        file: "\(file.path) of the package \(source.package)",
        expected: file.sha256,
        found: found
      )
    }
  }
}
