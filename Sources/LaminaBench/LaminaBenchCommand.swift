import ArgumentParser
import Foundation
import Support
import Tensors

/// The program `lamina-bench`: its commands, and how it starts and ends.
@main
struct LaminaBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lamina-bench",
    abstract:
      "Measures Lamina's engine: networks, training steps, operations, and rivals beside it.",
    discussion: """
      Exit status: 0 done; 64 wrong usage; 65 damaged input; 66 input not found; 69 a precision, \
      an architecture or a rival is missing; 70 internal fault; 73 output cannot be written; \
      130 interrupted. Timings of a shared machine are noisy: compare only what `against` measured \
      in one run.
      """,
    version: Version.current,
    subcommands: [
      NetworkCommand.self, GraphCommand.self, TrainingCommand.self, OperationsCommand.self,
      AgainstCommand.self,
    ]
  )

  /// Parses the arguments, runs the command and leaves with its exit status.
  static func main() {
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      LibraryEnvironment.relaunchIfUseful()
      try command.run()
    } catch {
      leave(error)
    }
    fflush(nil)
    Foundation.exit(0)
  }

  /// Without a command there is nothing to do: the help, as a usage error.
  func run() throws {
    throw ValidationError("Name a command: network, graph, training, operations or against.")
  }

  /// What is wrong with the arguments, and the help page that tells how they should be.
  static func usageSentence(of error: any Error) -> String {
    var message = message(for: error).trimmingCharacters(in: .whitespacesAndNewlines)
      .replacingOccurrences(of: "\n", with: " ")
    if let last = message.last, !".!?".contains(last) { message += "." }
    // "  See 'lamina-bench network --help' for more information." closes every long message.
    let page = fullMessage(for: error).split(separator: "'").first { $0.hasSuffix("--help") }
    return message + " See `\(page ?? "lamina-bench --help")`."
  }

  private static func leave(_ error: any Error) -> Never {
    let status: Int32
    let text: String
    if let classified = error as? any ClassifiedError {
      (status, text) = (classified.failure.rawValue, "lamina-bench: error: \(classified)")
    } else {
      switch exitCode(for: error) {
      case .success: (status, text) = (0, fullMessage(for: error))
      case .validationFailure:
        let sentence = usageSentence(of: error)
        (status, text) = (Failure.usage.rawValue, "lamina-bench: error: \(sentence)")
      default:
        (status, text) = (
          Failure.internalFault.rawValue,
          "lamina-bench: error: Internal fault (\(error)); this is a bug, please report it."
        )
      }
    }
    let stream = status == 0 ? FileHandle.standardOutput : FileHandle.standardError
    try? stream.write(contentsOf: Data((text + "\n").utf8))
    fflush(nil)
    Foundation.exit(status)
  }
}
