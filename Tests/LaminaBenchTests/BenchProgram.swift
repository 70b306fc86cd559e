import Foundation
import LaminaBench
import TestSupport

/// Runs the built `lamina-bench` as people do.
enum BenchProgram {
  /// What a run left.
  struct Result {
    let status: Int32
    let output: String
    let error: String
  }

  /// The executable, which the build puts beside the test bundle.
  static let path: String = {
    let folder =
      Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
      .deletingLastPathComponent()
      ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    // A package without the named product builds the program under its target's name.
    let names = ["lamina-bench", "LaminaBench"].map { folder.appendingPathComponent($0).path }
    return names.first { FileManager.default.isExecutableFile(atPath: $0) } ?? names[0]
  }()

  /// Runs the program to its end.
  static func run(_ arguments: String...) throws -> Result { try run(arguments) }

  /// Runs the program to its end.
  static func run(_ arguments: [String]) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    // Files, not pipes: a full pipe would stop the program.
    let logs = try TemporaryFolder()
    for name in ["output", "error"] {
      _ = FileManager.default.createFile(atPath: logs.file(name), contents: nil)
    }
    process.standardOutput = FileHandle(forWritingAtPath: logs.file("output"))
    process.standardError = FileHandle(forWritingAtPath: logs.file("error"))
    try process.run()
    process.waitUntilExit()
    func text(_ name: String) -> String {
      String(
        decoding: FileManager.default.contents(atPath: logs.file(name)) ?? Data(),
        as: UTF8.self
      )
    }
    return Result(
      status: process.terminationStatus,
      output: text("output"),
      error: text("error")
    )
  }
}
