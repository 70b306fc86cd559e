import Foundation
import Synchronization

/// Writes outputs under a temporary name and renames them when they are whole.
///
/// An existing output is replaced only when that was allowed. When the work fails or the run is
/// interrupted, nothing is left behind: neither a half file nor a temporary one.
public final class OutputGuard: Sendable {
  private let mayReplace: Bool
  private let interruption: Interruption
  /// Temporary outputs, and the folders above each that were made for it, deepest first.
  private let pending = Mutex<[String: [String]]>([:])

  /// Creates a guard.
  /// - Parameters:
  ///   - mayReplace: Whether existing outputs may be replaced (`--force`).
  ///   - interruption: A file or folder whose writing ends after this was raised does not appear.
  public init(mayReplace: Bool, interruption: Interruption = Interruption()) {
    self.mayReplace = mayReplace
    self.interruption = interruption
  }

  /// Checks early that an output may be written, before hours of work.
  /// - Parameter path: The output's file or folder.
  /// - Throws: `SupportError.outputExists` when it is there and may not be replaced;
  ///   `SupportError.unwritable` when its folder is missing and cannot be made, or is read-only.
  public func check(_ path: String) throws {
    try check(path, mayReplace: mayReplace)
  }

  private func check(_ path: String, mayReplace: Bool) throws {
    let files = FileManager.default
    if files.fileExists(atPath: path) {
      guard mayReplace else { throw SupportError.outputExists(path: path) }
      try checkContent(ofFolder: path)
    }
    var parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
    while !files.fileExists(atPath: parent), parent != "/" {
      parent = URL(fileURLWithPath: parent).deletingLastPathComponent().path
    }
    guard files.isFolder(parent) else {
      throw SupportError.unwritable(path: path, reason: "\(parent) is not a folder")
    }
    guard access(parent, W_OK) == 0 else {
      throw SupportError.unwritable(path: path, reason: "the folder \(parent) is read-only")
    }
  }

  /// Writes one file.
  /// - Parameters:
  ///   - path: The file to appear.
  ///   - body: Writes the whole file to the temporary path that it is given (same ending).
  /// - Throws: What `check` and the body throw; `SupportError.unwritable` when the system refuses,
  ///   `.interrupted`.
  public func writeFile(_ path: String, _ body: (_ temporaryPath: String) throws -> Void) throws {
    try write(path, isFolder: false, mayReplace: mayReplace) { temporary in
      try body(temporary)
      try interruption.check()
    }
  }

  /// Writes a folder; all its files appear together.
  /// - Parameters:
  ///   - path: The folder to appear.
  ///   - body: Fills the temporary folder that it is given.
  /// - Throws: What `check` and the body throw; `SupportError.unwritable` when the system refuses,
  ///   `.interrupted`.
  public func writeFolder(_ path: String, _ body: (_ temporaryPath: String) throws -> Void) throws {
    try write(path, isFolder: true, mayReplace: mayReplace) { temporary in
      try body(temporary)
      try interruption.check()
    }
  }

  /// Writes bytes as one file.
  /// - Parameters:
  ///   - data: The file's content.
  ///   - path: The file to appear.
  /// - Throws: As `writeFile`.
  public func write(_ data: Data, to path: String) throws {
    try writeFile(path) { temporary in
      do {
        try data.write(to: URL(fileURLWithPath: temporary))
      } catch {
        throw SupportError.unwritable(path: path, reason: Self.reason(of: error))
      }
    }
  }

  /// Writes bytes as one file that the run itself may have written before, such as a checkpoint.
  /// - Parameters:
  ///   - data: The file's content.
  ///   - path: The file to appear; it is replaced whether or not outputs may be.
  /// - Throws: `SupportError.unwritable`.
  public func replace(with data: Data, at path: String) throws {
    try write(path, isFolder: false, mayReplace: true) { temporary in
      do {
        try data.write(to: URL(fileURLWithPath: temporary))
      } catch {
        throw SupportError.unwritable(path: path, reason: Self.reason(of: error))
      }
    }
  }

  /// Removes every temporary output; for a run that stops here.
  public func discardAll() {
    let outputs = pending.withLock { outputs in
      defer { outputs = [:] }
      return outputs
    }
    for (path, parents) in outputs { Self.remove(path, parents: parents) }
  }

  /// Removes a temporary output, and the folders that were made for it as far as they are empty.
  private static func remove(_ path: String, parents: [String]) {
    try? FileManager.default.removeItem(atPath: path)
    for parent in parents where rmdir(parent) != 0 { return }
  }

  /// The folders above a path that are not there yet, deepest first.
  private static func missingParents(of path: URL) -> [String] {
    var missing: [String] = []
    var parent = path.deletingLastPathComponent()
    while !FileManager.default.fileExists(atPath: parent.path), parent.path != "/" {
      missing.append(parent.path)
      parent.deleteLastPathComponent()
    }
    return missing
  }

  private func write(
    _ path: String,
    isFolder: Bool,
    mayReplace: Bool,
    _ body: (String) throws -> Void
  ) throws {
    try check(path, mayReplace: mayReplace)
    try checkKind(path, isFolder: isFolder)
    let files = FileManager.default
    let target = URL(fileURLWithPath: path)
    let parent = target.deletingLastPathComponent()
    // The unfinished output keeps the ending, by which writers choose a format.
    let temporary = parent.appendingPathComponent(
      ".partial-\(ProcessInfo.processInfo.processIdentifier)-\(target.lastPathComponent)"
    )
    let newParents = Self.missingParents(of: target)
    pending.withLock { $0[temporary.path] = newParents }
    var isInstalled = false
    defer {
      pending.withLock { _ = $0.removeValue(forKey: temporary.path) }
      if !isInstalled { Self.remove(temporary.path, parents: newParents) }
    }
    do {
      try files.createDirectory(
        at: isFolder ? temporary : parent,
        withIntermediateDirectories: true
      )
    } catch {
      throw SupportError.unwritable(path: path, reason: Self.reason(of: error))
    }
    do {
      try body(temporary.path)
    } catch SupportError.unwritable(let part, let reason) {
      // The user knows the output by its own name.
      let named =
        part.hasPrefix(temporary.path) ? path + part.dropFirst(temporary.path.count) : part
      throw SupportError.unwritable(path: named, reason: reason)
    }
    do {
      try install(temporary, at: target)
    } catch {
      throw SupportError.unwritable(path: path, reason: Self.reason(of: error))
    }
    isInstalled = true
  }

  /// Files by which a folder is known as one that Lamina wrote.
  private static let folderMarks = [
    "run.json", "manifest.json", "model.json", "fetched.json", "slice_0001.png",
  ]

  /// A folder is replaced only by a folder, and only when it is empty or Lamina wrote it: one slip of
  /// the pen with `--force` must not cost a folder of scans.
  private func checkKind(_ path: String, isFolder: Bool) throws {
    let files = FileManager.default
    guard files.fileExists(atPath: path) else { return }
    let thereIsFolder = files.isFolder(path)
    guard thereIsFolder == isFolder else {
      throw SupportError.unwritable(
        path: path,
        reason: thereIsFolder ? "a folder is there" : "a file is there"
      )
    }
    if isFolder { try checkContent(ofFolder: path) }
  }

  /// Refuses a folder that holds something else than Lamina's results; files pass.
  private func checkContent(ofFolder path: String) throws {
    guard FileManager.default.isFolder(path) else { return }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw SupportError.unwritable(
        path: path,
        reason: "what the folder holds may not be listed"
      )
    }
    if !names.isEmpty, !Self.folderMarks.contains(where: names.contains) {
      throw SupportError.unwritable(
        path: path,
        reason: "the folder holds other files than Lamina's results"
      )
    }
  }

  /// `rename` replaces a file in one step; a folder that stands there is moved aside first.
  private func install(_ temporary: URL, at target: URL) throws {
    if rename(temporary.path, target.path) == 0 { return }
    guard errno == ENOTEMPTY || errno == EEXIST || errno == EISDIR || errno == ENOTDIR else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    let aside = temporary.deletingLastPathComponent().appendingPathComponent(
      ".replaced-\(ProcessInfo.processInfo.processIdentifier)-\(target.lastPathComponent)"
    )
    try FileManager.default.moveItem(at: target, to: aside)
    do {
      try FileManager.default.moveItem(at: temporary, to: target)
    } catch {
      try? FileManager.default.moveItem(at: aside, to: target)
      throw error
    }
    try? FileManager.default.removeItem(at: aside)
  }

  /// The system's reason in a few words, without the path that Foundation repeats.
  public static func reason(of error: any Error) -> String {
    if let posix = error as? POSIXError { return String(cString: strerror(posix.code.rawValue)) }
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    if let underlying, underlying.domain == NSPOSIXErrorDomain {
      return String(cString: strerror(Int32(underlying.code)))
    }
    return (error as NSError).localizedDescription
  }
}
