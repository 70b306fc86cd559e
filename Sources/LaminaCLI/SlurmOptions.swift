import ArgumentParser
import Foundation
import Pipelines
import Support

extension WorkPart: ExpressibleByArgument {
  /// Reads "2/8".
  /// - Parameter argument: The word as given.
  public init?(argument: String) { self.init(argument) }
}

/// The options of verbs whose work Slurm can do.
struct SlurmOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Give the work to Slurm's sbatch and leave.",
      discussion: "Scripts and what the tasks print stand in OUT.slurm."
    )
  )
  var slurm = false

  // The value begins with a dash.
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Options for sbatch, such as \"--partition=long --time=8:00:00\".",
      valueName: "options"
    )
  )
  var slurmOptions: String?

  @Option(
    help: ArgumentHelp(
      "Only one of several parts of the work: of the cases, or one of five folds.",
      valueName: "k/n"
    )
  )
  var part: WorkPart?

  func validate() throws {
    if slurmOptions != nil, !slurm { throw ValidationError("--slurm-options needs --slurm.") }
    if slurmOptions?.contains(where: \.isNewline) == true {
      throw ValidationError("--slurm-options is one line.")
    }
    if slurm, part != nil { throw ValidationError("--slurm and --part exclude each other.") }
  }

  /// What was given to Slurm.
  struct Submission: Encodable {
    /// The number of the job that does the work.
    let job: String
    /// The number of the job that joins the parts after it; nil where nothing is to be joined.
    let joiningJob: String?
    /// The folder of scripts and logs.
    let folder: String
    /// The command that joins the parts, and does what is missing.
    let joiningCommand: String
  }

  /// Submits the present command.
  /// - Parameters:
  ///   - verb: The verb, for the job's name.
  ///   - output: The output's path, without a slash at its end.
  ///   - parts: The parts of an array, or nil for a single task.
  ///   - context: Where to write and confirm.
  /// - Throws: `SlurmError`; `SupportError.unwritable`.
  func submit(
    _ verb: String,
    output: String,
    parts: Int?,
    in context: CommandContext
  ) throws {
    guard !CommandLine.arguments.contains("--") else {
      throw ValidationError("--slurm adds options of its own; leave out --.")
    }
    let folder = URL(fileURLWithPath: output + ".slurm").path
    let command = Self.command(CommandLine.arguments)
    func script(_ name: String, parts: Int?) -> SlurmScript {
      SlurmScript(
        name: "lamina-\(name)",
        command: command,
        parts: parts,
        options: slurmOptions,
        workingFolder: FileManager.default.currentDirectoryPath,
        log: folder + "/\(name)" + (parts == nil ? ".log" : "-%a.log")
      )
    }
    let queue = SlurmQueue(outputs: context.outputs)
    let job = try queue.submit(script(verb, parts: parts), at: folder + "/\(verb).sh")
    let joining = try parts.map { _ in
      try queue.submit(script("join", parts: nil), at: folder + "/join.sh", after: job)
    }
    let again = (["lamina"] + command.dropFirst()).map(SlurmScript.quoted).joined(separator: " ")
    let answer = Submission(
      job: job,
      joiningJob: joining,
      folder: folder,
      joiningCommand: again
    )
    try context.confirm(answer) {
      var lines = ["Job \(job)" + (parts.map { " of \($0) tasks" } ?? "") + "; logs in \(folder)"]
      if let joining {
        lines.append("Job \(joining) joins the results after it, as does: \(again)")
      } else {
        lines.append("To go on after it was stopped: \(again)")
      }
      return lines.joined(separator: "\n")
    }
  }

  /// The command that a job runs: as given, without Slurm, going on from what is there.
  static func command(_ arguments: [String]) -> [String] {
    var words = [executable]
    var skipsValue = false
    for word in arguments.dropFirst() {
      if skipsValue {
        skipsValue = false
      } else if ["--slurm-options", "--slurm-tasks"].contains(word) {
        skipsValue = true
      } else if !["--slurm", "--resume", "--json", "--no-progress"].contains(word),
        !["--slurm-options=", "--slurm-tasks="].contains(where: word.hasPrefix)
      {
        words.append(word)
      }
    }
    return words + ["--resume", "--no-progress"]
  }

  private static var executable: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
  }
}
