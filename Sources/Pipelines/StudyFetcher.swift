import Foundation
import Support

/// Obtains a study's files, checks them, cuts out its regions and makes its references.
public struct StudyFetcher: Sendable {
  /// What fetching did.
  public struct Result: Sendable, Equatable {
    /// Whether the files had to be made; false when right ones were there.
    public let didFetch: Bool
    /// The folder of the files.
    public let folder: String
    /// The files' names in it.
    public let files: [String]
  }

  private let outputs: OutputGuard
  private let interruption: Interruption
  private let progress: any ProgressReporter

  /// Creates a fetcher.
  /// - Parameters:
  ///   - outputs: Writes the files; they appear together or not at all.
  ///   - interruption: Stops the work.
  ///   - progress: Told what is done.
  public init(outputs: OutputGuard, interruption: Interruption, progress: any ProgressReporter) {
    self.outputs = outputs
    self.interruption = interruption
    self.progress = progress
  }

  /// Makes the files of a study.
  ///
  /// Right files that are there already are kept.
  /// - Parameters:
  ///   - study: The study.
  ///   - again: Whether to fetch even if the files are there and right.
  /// - Returns: What was done.
  /// - Throws: `StudyError`; `ImagingIOError` for damaged images; `SupportError` for outputs,
  ///   `.outputExists` among them when files are there that are not right.
  public func fetch(_ study: CatalogedStudy, again: Bool) throws -> Result {
    let folder = study.filesFolder
    if study.isFetched, !again {
      return Result(didFetch: false, folder: folder, files: try study.verify())
    }
    try outputs.writeFolder(folder) { temporary in
      let tools = StudyToolRunner(interruption: interruption)
      var origins: [String] = []
      for source in study.description.packages {
        let package: any StudySource =
          switch source.kind {
          case .debianPackage: StudyPackage(source: source, tools: tools)
          case .pypiWheel: StudyWheel(source: source, tools: tools)
          }
        let origin = try package.copyFiles(into: temporary, progress: progress)
        if !origins.contains(origin) { origins.append(origin) }
      }
      for region in study.description.regions {
        try interruption.check()
        progress.begin("cutting out the region \(region.name)", total: nil)
        try StudyRegions.cut(region, in: temporary)
        progress.end()
      }
      for item in study.description.cases ?? [] {
        try interruption.check()
        progress.begin("making the reference of \(item.name)", total: nil)
        try StudyCases.make(item, in: temporary)
        progress.end()
      }
      var hashes: [String: String] = [:]
      for name in study.description.fileNames {
        hashes[name] = try SHA256.hexDigest(ofFile: temporary + "/" + name)
      }
      let record = StudyRecord(
        study: study.description.name,
        origin: origins.joined(separator: ", "),
        laminaVersion: Version.current,
        sha256: hashes
      )
      try record.write(to: temporary + "/" + StudyRecord.fileName)
    }
    return Result(didFetch: true, folder: folder, files: study.description.fileNames)
  }
}

extension StudyRecord {
  /// Writes the record.
  /// - Parameter path: The file to appear.
  /// - Throws: `SupportError.unwritable`.
  fileprivate func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let data = try encoder.encode(self) + Data("\n".utf8)
    do {
      try data.write(to: URL(fileURLWithPath: path))
    } catch {
      throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
    }
  }
}
