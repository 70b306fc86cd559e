import Foundation
import Support
import Synchronization

/// Finds DICOM files and reads their headers.
struct DICOMScan {
  /// A file with its images.
  struct File: Sendable {
    let instance: DICOMInstance
    /// At least one.
    let frames: [DICOMFrame]
  }

  /// The headers, by path.
  var files: [File] = []
  /// Files that are DICOM by their first bytes but hold no data set that can be parsed.
  var damaged: [String] = []
  /// The number of files that are something else.
  var skipped = 0

  /// Headers read between two reports of progress.
  private static let block = 256

  /// Reads the headers of a file, or of all DICOM files of a folder, side by side.
  init(_ path: String, progress: any ProgressReporter) throws {
    let paths = try Self.files(of: path)
    progress.begin("reading headers", total: paths.count)
    defer { progress.end() }
    for start in stride(from: 0, to: paths.count, by: Self.block) {
      let block = Array(paths[start..<min(start + Self.block, paths.count)])
      for (file, outcome) in zip(block, Self.headers(block)) {
        switch outcome {
        case .success(let found): files.append(found)
        case .failure(.notDICOM): skipped += 1
        case .failure(.damaged), .failure(.outOfMemory): damaged.append(file)
        case .failure(.unreadable):
          throw SupportError.unreadable(path: file, reason: "it could not be opened")
        case .failure(.noDictionary):
          throw SupportError.libraryFailure(library: "DCMTK, whose data dictionary is not there,")
        case .failure: throw SupportError.libraryFailure(library: "DCMTK")
        }
      }
      progress.update(start + block.count, detail: nil)
    }
  }

  private static func headers(_ files: [String]) -> [Result<File, DICOMFault>] {
    let outcomes = Mutex(
      [Result<File, DICOMFault>](
        repeating: .failure(.fault),
        count: files.count
      )
    )
    Parallelism.forEach(files.count) { index in
      let outcome = header(files[index])
      outcomes.withLock { $0[index] = outcome }
    }
    return outcomes.withLock { $0 }
  }

  private static func header(_ path: String) -> Result<File, DICOMFault> {
    switch firstBytes(path) {
    case nil: return .failure(.unreadable)
    case .other: return .failure(.notDICOM)
    case .bareDataSet, .part10: break
    }
    do {
      let file = try DICOMFile(path: path)
      let instance = DICOMInstance(path: path, file: file)
      if instance.classUID.isEmpty, !instance.isImage, instance.modality == nil {
        return .failure(instance.isComplete ? .notDICOM : .damaged)
      }
      let frames = DICOMFrames.frames(of: instance, file: file)
      return .success(File(instance: instance, frames: frames))
    } catch {
      return .failure(error)
    }
  }

  // MARK: - Files

  /// What the first bytes of a file look like.
  enum FirstBytes { case part10, bareDataSet, other }

  /// Looks at a file's first bytes.
  ///
  /// A file of PS3.10 has "DICM" after 128 bytes. Older ones begin with the data set: an element of
  /// group 2 or 8 with a value representation, or with a length that fits the file.
  /// - Returns: Nil when the file cannot be read.
  static func firstBytes(_ path: String) -> FirstBytes? {
    guard let facts = FileFacts(path) else { return nil }
    guard facts.kind == .file else { return .other }
    guard let stream = fopen(path, "rb") else { return nil }
    defer { fclose(stream) }
    var head = [UInt8](repeating: 0, count: 132)
    let count = fread(&head, 1, head.count, stream)
    if count == 132, head[128...131].elementsEqual("DICM".utf8) { return .part10 }
    guard count >= 132 else { return .other }
    let isExplicit = head[4...5].allSatisfy { (65...90).contains($0) }
    if head[0] == 0, head[1] == 8 || head[1] == 2, head[2] == 0, isExplicit { return .bareDataSet }
    guard head[0] == 8 || head[0] == 2, head[1] == 0, head[3] == 0 else { return .other }
    let length = (0..<4).reduce(0) { $0 | Int(head[4 + $1]) << (8 * $1) }
    return isExplicit || length <= min(facts.size, 1024) ? .bareDataSet : .other
  }

  /// Whether a file, or any file below a folder, looks like DICOM; stops at the first.
  static func holdsDICOM(_ path: String) -> Bool {
    var found = false
    try? walk(path) { file in
      switch firstBytes(file) {
      case .part10: found = true
      case .bareDataSet: if case .success = header(file) { found = true }
      case .other, nil: break
      }
      return !found
    }
    return found
  }

  /// The file itself, what a DICOMDIR refers to, or all files below a folder by path.
  static func files(of path: String) throws -> [String] {
    if let directory = try DICOMDirectory(path) { return directory.files }
    var files: [String] = []
    try walk(path) { file in
      if !DICOMDirectory.isTableOfContents(file) { files.append(file) }
      return true
    }
    return files.sorted()
  }

  /// Visits the files below a path until the visitor returns false.
  ///
  /// Links are followed, but each folder and each file is visited once, so loops end.
  private static func walk(_ path: String, visit: (String) -> Bool) throws {
    guard let facts = FileFacts(path) else { throw SupportError.notFound(path: path) }
    if facts.kind != .folder {
      _ = visit(path)
      return
    }
    var seen: Set<FileFacts.Identity> = [facts.identity]
    var folders = [path]
    while let folder = folders.popLast() {
      let names: [String]
      do {
        names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      } catch {
        throw SupportError.unreadable(path: folder, reason: "its files could not be listed")
      }
      for name in names {
        let child = folder.hasSuffix("/") ? folder + name : folder + "/" + name
        // A link that leads nowhere is no file.
        guard let facts = FileFacts(child), seen.insert(facts.identity).inserted else { continue }
        switch facts.kind {
        case .folder: folders.append(child)
        case .file: if !visit(child) { return }
        case .other: break
        }
      }
    }
  }
}
