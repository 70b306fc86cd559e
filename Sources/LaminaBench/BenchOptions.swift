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

  /// The number of threads that `run` uses.
  var count: Int { threads ?? Parallelism.threadCount }

  /// Runs the body on as many threads.
  func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Parallelism.$threadCount.withValue(
      count,
      operation: body
    )
  }
}

/// How a measurement of one network is given away.
struct RecordOptions: ParsableArguments {
  @Flag(help: "Do not round the record's numbers (`against` does this for small networks).")
  var unrounded = false

  @Option(
    help: ArgumentHelp(
      "Write the record, each call's time, machine and date to a file too, for `lamina report`.",
      valueName: "file.json"
    )
  )
  var output: String?

  @Flag(help: "Replace the file if it exists.")
  var force = false

  /// Fails early when the file may not be written.
  func check() throws {
    if let output { try OutputGuard(mayReplace: force).check(output) }
  }

  /// Prints the record as one line, and writes it where that was asked for.
  func give(_ record: BenchRecord, seconds: [Double], threads: Int) throws {
    try BenchOutput.print(try record.line)
    guard let output else { return }
    let file = BenchmarkFile(
      .measurement(record, callsMS: seconds.map { 1e3 * $0 }),
      threads: threads
    )
    try OutputGuard(mayReplace: force).write(file.json(), to: output)
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
}
