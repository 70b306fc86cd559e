import Foundation
import TestSupport

/// Runs the built `lamina` as users do.
enum Program {
  /// What a run left.
  struct Result {
    let status: Int32
    let output: String
    let error: String

    /// The lines on stderr that are not progress.
    var errorLines: [String] {
      error.split(separator: "\n").map(String.init).filter { $0.hasPrefix("lamina: error:") }
    }

    /// Stdout as one JSON document, or nil when it is anything else.
    var json: Any? { try? JSONSerialization.jsonObject(with: Data(output.utf8)) }
  }

  /// The executable, which the build puts beside the test bundle.
  static let path: String = {
    let folder =
      Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
      .deletingLastPathComponent()
      ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    return folder.appendingPathComponent("lamina").path
  }()

  /// Starts the program, with further environment variables if any, or by a launcher.
  static func start(
    _ arguments: [String],
    in folder: String? = nil,
    environment: [String: String] = [:],
    launcher: [String] = []
  ) throws -> Running {
    let process = Process()
    let words = launcher + [path] + arguments
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    if !environment.isEmpty {
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    }
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.standardInput = FileHandle.nullDevice
    // Files, not pipes: a full pipe would stop the program.
    let logs = try TemporaryFolder()
    for name in ["output", "error"] {
      _ = FileManager.default.createFile(atPath: logs.file(name), contents: nil)
    }
    process.standardOutput = FileHandle(forWritingAtPath: logs.file("output"))
    process.standardError = FileHandle(forWritingAtPath: logs.file("error"))
    try process.run()
    return Running(process: process, logs: logs)
  }

  /// Runs the program to its end.
  static func run(_ arguments: String..., in folder: String? = nil) throws -> Result {
    try start(arguments, in: folder).wait()
  }

  /// A run that has not ended.
  struct Running {
    let process: Process
    let logs: TemporaryFolder

    /// Waits for the end.
    func wait() -> Result {
      process.waitUntilExit()
      func text(_ name: String) -> String {
        (FileManager.default.contents(atPath: logs.file(name)))
          .map { String(decoding: $0, as: UTF8.self) } ?? ""
      }
      return Result(
        status: process.terminationStatus,
        output: text("output"),
        error: text("error")
      )
    }
  }
}
