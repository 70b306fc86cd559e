import Foundation
import Support

/// Gives jobs to Slurm by its `sbatch`.
public struct SlurmQueue: Sendable {
  private let outputs: OutputGuard

  /// Creates a queue.
  /// - Parameter outputs: Writes the scripts.
  public init(outputs: OutputGuard) { self.outputs = outputs }

  /// Writes a script and submits it.
  /// - Parameters:
  ///   - script: The script.
  ///   - path: Where it is kept.
  ///   - predecessor: A job after whose end, good or bad, this one starts; nil for none.
  /// - Returns: The job's number.
  /// - Throws: `SlurmError.notInstalled`, `.refused`; `SupportError.unwritable`.
  public func submit(_ script: SlurmScript, at path: String, after predecessor: String? = nil)
    throws -> String
  {
    guard Self.hasProgram("sbatch") else { throw SlurmError.notInstalled }
    try outputs.replace(with: Data(script.text.utf8), at: path)
    var arguments = ["sbatch", "--parsable"]
    if let predecessor { arguments.append("--dependency=afterany:\(predecessor)") }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments + [path]
    process.standardInput = FileHandle.nullDevice
    let (answer, complaint) = (Pipe(), Pipe())
    process.standardOutput = answer
    process.standardError = complaint
    do {
      try process.run()
    } catch {
      throw SlurmError.notInstalled
    }
    // Both are a line or two, which pipes hold.
    let text = String(decoding: answer.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let reason = String(
      decoding: complaint.fileHandleForReading.readDataToEndOfFile(),
      as: UTF8.self
    )
    process.waitUntilExit()
    // "NUMBER", or "NUMBER;CLUSTER".
    let number = text.split(whereSeparator: { $0 == ";" || $0.isNewline }).first.map(String.init)
    guard process.terminationStatus == 0, let number, Int(number) != nil else {
      let lines = reason.split(whereSeparator: \.isNewline)
      throw SlurmError.refused(script: path, reason: lines.last.map(String.init) ?? "")
    }
    return number
  }

  private static func hasProgram(_ name: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
    }
  }
}
