import ArgumentParser
import Foundation
import Support

/// `lamina-bench against`: Lamina and another program in turn.
struct AgainstCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "against",
    abstract: "Runs a rival's timer and Lamina's in turn, and prints both medians and their ratio.",
    usage: """
      lamina-bench against 'RIVAL COMMAND' -- network FOLDER NAME f32
      lamina-bench against 'RIVAL COMMAND' -- training FOLDER NAME BATCH f32
      """,
    discussion: """
      Each run is a process of its own; the rival's last line on stdout must be a JSON record with \
      the keys of `lamina-bench network`. The result is JSON: for both sides the median record and \
      all records, and the ratio of medians, Lamina's to the rival's, of time, peak memory and \
      first result (below 1: Lamina needs less), with the machine and the date, as `lamina report` \
      reads it. Lamina's records are not rounded. The runs of a rival that fails end with status 69.
      """
  )

  @Argument(help: "The rival's timer as a command line for the shell.")
  var rival: String

  @Argument(
    parsing: .postTerminator,
    help: "Lamina's measurement: `network` or `training` with its arguments."
  )
  var own: [String]

  @Option(help: ArgumentHelp("How many times each side runs, 1 to 100.", valueName: "n"))
  var pairs = 3

  @Option(help: ArgumentHelp("Write the result to a file too.", valueName: "file.json"))
  var output: String?

  @Flag(help: "Replace the file if it exists.")
  var force = false

  func validate() throws {
    guard (1...100).contains(pairs) else {
      throw ValidationError("--pairs is \(pairs) but must be 1 to 100.")
    }
    guard let command = own.first, ["network", "training"].contains(command) else {
      throw ValidationError("After -- comes `network` or `training` with its arguments.")
    }
    // Wrong usage is told before anything runs.
    do {
      _ = try threadCount
    } catch {
      throw ValidationError("After --: " + LaminaBenchCommand.usageSentence(of: error))
    }
  }

  /// How many threads Lamina's runs use.
  private var threadCount: Int {
    get throws {
      switch try LaminaBenchCommand.parseAsRoot(own) {
      case let command as NetworkCommand: command.threads.count
      case let command as TrainingCommand: command.threads.count
      default: Parallelism.threadCount
      }
    }
  }

  func run() throws {
    let outputs = OutputGuard(mayReplace: force)
    if let output { try outputs.check(output) }
    let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
    let unrounded = own.contains("--unrounded") ? [] : ["--unrounded"]
    let comparison = try BenchComparison.run(
      rival: (.shell(rival), rival),
      own: (
        ChildRun(executable: program, arguments: own + unrounded),
        (["lamina-bench"] + own).joined(separator: " ")
      ),
      pairs: pairs
    ) { record in
      // Hours may pass; the records are shown as they come, beside the result.
      let text = "\(record.engine) \(record.network): \(record.medianMS) ms\n"
      try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
    let data = try BenchmarkFile(.comparison(comparison), threads: threadCount).json()
    try BenchOutput.print(String(decoding: data.dropLast(), as: UTF8.self))
    if let output { try outputs.write(data, to: output) }
  }
}
