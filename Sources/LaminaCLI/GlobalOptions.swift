import ArgumentParser
import Foundation

/// The options that every verb has.
struct GlobalOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Number of threads (default: all cores).", valueName: "n"))
  var threads: Int?

  @Flag(help: "Print the result as one JSON document on stdout, and nothing else there.")
  var json = false

  @Flag(help: "Print results and errors; no progress, warnings or confirmations.")
  var quiet = false

  @Flag(name: .long, help: "Print more about what is done and how long it takes.")
  var verbose = false

  @Flag(name: .long, help: "Show no progress on stderr.")
  var noProgress = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads) but must be 1 to 1024.")
    }
    if quiet, verbose {
      throw ValidationError("--quiet and --verbose exclude each other.")
    }
  }
}

/// The option of every verb that writes files.
struct OutputOptions: ParsableArguments {
  @Flag(name: .long, help: "Replace outputs that exist.")
  var force = false
}
