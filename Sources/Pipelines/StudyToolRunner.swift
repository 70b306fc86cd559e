import Foundation
import Support

/// Runs a tool of the system with its output captured, never on the user's terminal.
struct StudyToolRunner: Sendable {
  /// What a tool returned.
  struct Result: Sendable {
    /// The exit status.
    let status: Int32
    /// The last line of what it printed, for an error message.
    let lastLine: String

    var succeeded: Bool { status == 0 }
  }

  /// Stops the tool when it is raised.
  let interruption: Interruption

  /// Runs a tool to its end.
  /// - Parameters:
  ///   - arguments: The tool, found on the PATH, and its arguments.
  ///   - folder: The working folder; also holds the captured output while the tool runs.
  /// - Returns: The result; status 127 when there is no such tool.
  /// - Throws: `SupportError.interrupted` or `.unwritable`.
  func run(_ arguments: [String], in folder: String) throws -> Result {
    let log = folder + "/.tool-output"
    guard FileManager.default.createFile(atPath: log, contents: nil),
      let handle = FileHandle(forWritingAtPath: log)
    else { throw SupportError.unwritable(path: log, reason: "it cannot be created") }
    defer {
      try? handle.close()
      try? FileManager.default.removeItem(atPath: log)
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    do {
      try process.run()
    } catch {
      return Result(status: 127, lastLine: "\(arguments.first ?? "") cannot be started")
    }
    // The tool inherits that Ctrl-C is ignored, so it is stopped here.
    while process.isRunning {
      if interruption.isRaised {
        process.terminate()
        process.waitUntilExit()
        throw SupportError.interrupted
      }
      usleep(20_000)
    }
    let text = FileManager.default.contents(atPath: log).map { String(decoding: $0, as: UTF8.self) }
    let line = (text ?? "").split(separator: "\n").last.map(String.init) ?? "no message"
    return Result(status: process.terminationStatus, lastLine: line)
  }
}
