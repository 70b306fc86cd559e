import Foundation
import ImagingIO
import Support
import Synchronization

/// De-identifies a DICOM file or all DICOM files of a folder.
///
/// The output's names come from new identifiers alone: PATIENT/ST-study/SE-series/IM-instance.dcm.
/// No name or path of an input file reaches the output, the protocol or a message.
package struct Deidentification: Sendable {
  private let engine: DICOMDeidentification
  private let outputs: OutputGuard
  private let interruption: Interruption
  private let progress: any ProgressReporter
  /// Files worked on between two looks at the interruption.
  private static let block = 32

  /// Creates the job.
  /// - Parameters:
  ///   - engine: Cleans one file.
  ///   - outputs: Writes the output.
  ///   - interruption: Stops between blocks of files.
  ///   - progress: Told how many files are done.
  /// - Throws: `DeidentificationError.invalidSubject`.
  package init(
    engine: DICOMDeidentification,
    outputs: OutputGuard,
    interruption: Interruption,
    progress: any ProgressReporter
  ) throws {
    if let subject = engine.options.subject {
      let isPlain = subject.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x5C }
      let hasText = subject.contains { $0 != " " }
      guard isPlain, hasText, subject.utf8.count <= 64 else {
        throw DeidentificationError.invalidSubject
      }
    }
    self.engine = engine
    self.outputs = outputs
    self.interruption = interruption
    self.progress = progress
  }

  /// Reads a key that a person keeps.
  /// - Parameter path: A file of at least 16 bytes.
  /// - Returns: The key.
  /// - Throws: `SupportError.notFound`, `DeidentificationError.shortKey`.
  package static func key(ofFile path: String) throws -> DICOMDeidentificationKey {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    guard data.count >= 16 else {
      throw DeidentificationError.shortKey(path: path, bytes: data.count)
    }
    return DICOMDeidentificationKey(secret: [UInt8](data))
  }

  /// De-identifies.
  /// - Parameters:
  ///   - input: A file or folder.
  ///   - output: A folder; for a single file also a path ending in `.dcm`.
  ///   - showsKey: Whether the protocol holds the key.
  ///   - encode: Writes the manifest as JSON.
  /// - Returns: What became of each file.
  /// - Throws: `DeidentificationError`; `SupportError` for outputs and interruption.
  package func run(
    _ input: String,
    to output: String,
    showsKey: Bool,
    encode: (DeidentificationProtocol.Manifest) throws -> Data
  ) throws -> DeidentificationProtocol {
    try outputs.check(output)
    let files = try listed(input)
    let isSingle = output.lowercased().hasSuffix(".dcm")
    if isSingle, FileManager.default.isFolder(input) {
      throw DeidentificationError.outputIsNoFolder(path: output)
    }
    var report = DeidentificationProtocol(engine, showsKey: showsKey)
    do {
      if isSingle, let file = files.first {
        try outputs.writeFile(output) { temporary in
          try clean([file], into: temporary, isSingle: true, &report)
          try check(report, files.count)
          if report.count(.done) == 0 { throw NothingWritten() }
        }
      } else {
        try outputs.writeFolder(output) { temporary in
          try clean(files, into: temporary, isSingle: false, &report)
          try check(report, files.count)
          try outputs.write(
            try encode(report.manifest),
            to: temporary + "/" + DeidentificationProtocol.Manifest.fileName
          )
        }
      }
    } catch is NothingWritten {
      // The report says why.
    }
    return report
  }

  /// The only object was withheld.
  private struct NothingWritten: Error {}

  private func listed(_ input: String) throws(DeidentificationError) -> [String] {
    do {
      return try DICOMDeidentification.files(of: input)
    } catch SupportError.notFound {
      throw .inputNotFound
    } catch {
      throw .inputUnreadable
    }
  }

  private func check(_ report: DeidentificationProtocol, _ count: Int) throws {
    if report.files.isEmpty { throw DeidentificationError.noObjects(files: count) }
  }

  // MARK: - Files

  private struct Cleaned: Sendable {
    var outcome: Result<DICOMDeidentificationOutcome, any Error>
    var digest: String?
  }

  private func clean(
    _ files: [String],
    into target: String,
    isSingle: Bool,
    _ report: inout DeidentificationProtocol
  ) throws {
    progress.begin("de-identifying", total: files.count)
    defer { progress.end() }
    let work = target + "/.work"
    if !isSingle { try OutputGuard.makeFolder(work) }
    var names: Set<String> = []
    var patients: Set<String> = []
    for start in stride(from: 0, to: files.count, by: Self.block) {
      try interruption.check()
      let block = Array(files[start..<min(start + Self.block, files.count)])
      let cleaned = clean(block) { isSingle ? target : "\(work)/\(start + $0).dcm" }
      for (place, result) in cleaned.enumerated() {
        let ordinal = start + place
        var output: String?
        if case .success(.written(let record)) = result.outcome {
          patients.insert(record.patientDigest)
          output = isSingle ? URL(fileURLWithPath: target).lastPathComponent : nil
          if !isSingle {
            output = name(record, &names)
            try move("\(work)/\(ordinal).dcm", to: target, output ?? "")
          }
        }
        try note(result, ordinal + 1, output, &report)
      }
      if engine.options.subject != nil, patients.count > 1 {
        throw DeidentificationError.severalPatients(count: patients.count)
      }
      progress.update(start + block.count, detail: nil)
    }
    if !isSingle { try? FileManager.default.removeItem(atPath: work) }
  }

  private func clean(_ files: [String], place: @Sendable (Int) -> String) -> [Cleaned] {
    let failed = Cleaned(outcome: .success(.damaged), digest: nil)
    let cleaned = Mutex([Cleaned](repeating: failed, count: files.count))
    Parallelism.forEach(files.count) { index in
      let outcome = Result { try engine.clean(files[index]) { _ in place(index) } }
      var digest: String?
      if let hash = try? SHA256.hexDigest(ofFile: files[index]) {
        digest = try? engine.key.digest("file", hash)
      }
      cleaned.withLock { $0[index] = Cleaned(outcome: outcome, digest: digest) }
    }
    return cleaned.withLock { $0 }
  }

  private func note(
    _ cleaned: Cleaned,
    _ ordinal: Int,
    _ output: String?,
    _ report: inout DeidentificationProtocol
  ) throws {
    var status = DeidentificationProtocol.Status.failed
    var known: DICOMDeidentificationRecord?
    var error: String?
    switch cleaned.outcome {
    case .success(.foreign):
      report.otherFiles += 1
      return
    case .success(.written(let record)): (status, known) = (.done, record)
    case .success(.withheld(let record)): (status, known) = (.withheld, record)
    case .success(.directory):
      status = .skipped
      error = "It is a directory of the other files (DICOMDIR); it would name them."
    case .success(.damaged): error = "It is damaged, so that not all of it could be cleaned."
    case .success(.unsupported): error = "Its transfer syntax is unknown here."
    case .failure(let failure):
      // The disk's faults end the run; what one object provokes does not.
      guard case SupportError.libraryFailure(let library) = failure else { throw failure }
      error = "\(library) refused it."
    }
    if status == .withheld {
      let reasons = (known?.flags ?? []).map(\.message).joined(separator: " ")
      progress.warn("file \(ordinal) is withheld: \(reasons)")
    } else if let error, status == .failed {
      progress.warn("file \(ordinal) is left out: \(error)")
    }
    report.add(
      DeidentificationProtocol.File(
        id: "file \(ordinal)",
        inputDigest: cleaned.digest,
        status: status,
        output: output,
        patient: known?.pseudonym,
        counts: known.map(DeidentificationProtocol.counts),
        flags: known?.flags ?? [],
        error: error
      ),
      record: known
    )
  }

  // MARK: - Names

  /// A path of new identifiers; copies of one object get numbers.
  private func name(_ record: DICOMDeidentificationRecord, _ names: inout Set<String>) -> String {
    let patient = record.pseudonym.map { character in
      character.isASCII && (character.isLetter || character.isNumber || "-_".contains(character))
        ? character : "_"
    }
    let folder =
      "\(String(patient))/ST-\(record.studyDigest.prefix(12))/SE-\(record.seriesDigest.prefix(12))"
    let base = "\(folder)/IM-\(record.instanceDigest.prefix(16))"
    var name = base + ".dcm"
    var copy = 2
    while !names.insert(name).inserted {
      name = "\(base)-\(copy).dcm"
      copy += 1
    }
    return name
  }

  private func move(_ file: String, to folder: String, _ name: String) throws {
    let target = folder + "/" + name
    try OutputGuard.makeFolder(URL(fileURLWithPath: target).deletingLastPathComponent().path)
    guard rename(file, target) == 0 else {
      throw SupportError.unwritable(path: target, reason: String(cString: strerror(errno)))
    }
  }
}
