import ArgumentParser
import Foundation
import Support

/// The option of every measurement.
struct ThreadOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Number of threads (default: all cores).", valueName: "n"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads) but must be 1 to 1024.")
    }
  }

  /// Runs the body on as many threads.
  func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Parallelism.$threadCount.withValue(
      threads ?? Parallelism.threadCount,
      operation: body
    )
  }
}

extension BenchPrecision: ExpressibleByArgument {}

/// The program's outputs.
enum BenchOutput {
  /// Prints a line that must arrive.
  /// - Throws: `SupportError.unwritable` when the system refuses.
  static func print(_ text: String) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    } catch {
      throw SupportError.unwritable(
        path: "standard output",
        reason: OutputGuard.reason(of: error)
      )
    }
  }

  /// Indented JSON of sorted keys with a final line end.
  static func json(_ document: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(document) + Data("\n".utf8)
  }
}
