import Foundation
import Support

/// A measurement in a process of its own, which prints its record as the last line of stdout.
package struct ChildRun {
  /// How a run ended.
  package enum Outcome: Equatable {
    /// It printed a record.
    case record(BenchRecord)
    /// It failed, with this status and for this reason.
    case failure(status: Int32, reason: String)
  }

  /// The program.
  package let executable: String
  /// Its arguments.
  package let arguments: [String]

  /// A command line for the system's shell.
  package static func shell(_ command: String) -> ChildRun {
    ChildRun(executable: "/bin/sh", arguments: ["-c", command])
  }

  /// Creates a run.
  package init(executable: String, arguments: [String]) {
    self.executable = executable
    self.arguments = arguments
  }

  /// Runs the program to its end.
  /// - Returns: The record, or how it failed.
  package func run() -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    // A file, not a second pipe: whichever is read last would stop the program when full.
    let messages = FileManager.default.temporaryDirectory
      .appendingPathComponent("lamina-bench-\(UUID().uuidString).log")
    _ = FileManager.default.createFile(atPath: messages.path, contents: nil)
    defer { try? FileManager.default.removeItem(at: messages) }
    process.standardError = FileHandle(forWritingAtPath: messages.path) ?? FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      return .failure(status: 127, reason: "it cannot be started")
    }
    let text = (try? output.fileHandleForReading.readToEnd()) ?? nil
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      let end =
        process.terminationReason == .exit
        ? "status \(process.terminationStatus)" : "signal \(process.terminationStatus)"
      let last = Self.lastLine(FileManager.default.contents(atPath: messages.path))
      return .failure(
        status: process.terminationReason == .exit
          ? process.terminationStatus : 128 + process.terminationStatus,
        reason: "it ended with \(end)" + (last.isEmpty ? "" : " after saying: \(last)")
      )
    }
    let line = Self.lastLine(text)
    guard let record = try? JSONDecoder().decode(BenchRecord.self, from: Data(line.utf8)) else {
      return .failure(status: 0, reason: "its last line is no record: \(line.prefix(200))")
    }
    return .record(record)
  }

  private static func lastLine(_ data: Data?) -> String {
    String(decoding: data ?? Data(), as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }.last { !$0.isEmpty } ?? ""
  }
}
