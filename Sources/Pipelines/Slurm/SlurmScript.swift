/// The script of a Slurm job that runs the program, once or for each part of an array.
///
/// A task that a signal or a fault ended is tried again, and one whose node failed or was taken away is
/// put back into the queue: the program goes on from what is there. What a retry cannot mend (wrong
/// usage, damaged inputs) ends the task at once.
public struct SlurmScript: Sendable, Equatable {
  /// The job's name.
  public var name: String
  /// The program and its arguments.
  public var command: [String]
  /// Parts of an array, each of which gets `--part NUMBER/COUNT`; nil for a single task.
  public var parts: Int?
  /// Options for sbatch as they were given; nil for none.
  public var options: String?
  /// The folder that the job starts in.
  public var workingFolder: String
  /// The file of what it prints; `%a` stands for the number of the part.
  public var log: String

  /// Times that a task is tried.
  public static let tries = 3

  /// Creates a script.
  /// - Parameters:
  ///   - name: The job's name.
  ///   - command: The program and its arguments.
  ///   - parts: Parts of an array, or nil.
  ///   - options: Options for sbatch, or nil.
  ///   - workingFolder: The folder that the job starts in.
  ///   - log: The file of what it prints.
  public init(
    name: String,
    command: [String],
    parts: Int?,
    options: String?,
    workingFolder: String,
    log: String
  ) {
    self.name = name
    self.command = command
    self.parts = parts
    self.options = options
    self.workingFolder = workingFolder
    self.log = log
  }

  /// The script's text.
  public var text: String {
    var lines = ["#!/bin/bash", "#SBATCH --job-name=\(name)"]
    if let parts { lines.append("#SBATCH --array=1-\(parts)") }
    lines += [
      "#SBATCH --requeue",
      "#SBATCH --open-mode=append",
      "#SBATCH --chdir=\(Self.quoted(workingFolder))",
      "#SBATCH --output=\(Self.quoted(log))",
    ]
    // Last, so that they count.
    if let options { lines.append("#SBATCH \(options)") }
    var words = command.map(Self.quoted)
    if let parts { words.append("--part \"$SLURM_ARRAY_TASK_ID/\(parts)\"") }
    if !command.contains("--threads"), !command.contains(where: { $0.hasPrefix("--threads=") }) {
      words.append("--threads \"${SLURM_CPUS_ON_NODE:-1}\"")
    }
    lines += [
      "",
      "for attempt in \((1...Self.tries).map(String.init).joined(separator: " ")); do",
      "  " + words.joined(separator: " "),
      "  status=$?",
      "  # Done, some cases failed, a retry would not help, or the job was told to stop.",
      "  case $status in 0|2|64|65|66|69|73|130) exit $status ;; esac",
      "  echo \"attempt $attempt ended with status $status\" >&2",
      "done",
      "exit $status",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// A word as the shell takes it literally.
  /// - Parameter word: Any text.
  /// - Returns: The word, in quotes where it needs them.
  public static func quoted(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy {
      $0.isASCII
        && ($0.properties.isAlphabetic || "0123456789_-+=./:,@%".unicodeScalars.contains($0))
    }
    if isPlain, !word.isEmpty { return word }
    return "'" + word.replacing("'", with: #"'\''"#) + "'"
  }
}
