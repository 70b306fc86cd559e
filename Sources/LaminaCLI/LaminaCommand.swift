import ArgumentParser
import Foundation
import Support
import Tensors

/// The program `lamina`: its verbs, and how it starts and ends.
@main
struct LaminaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lamina",
    abstract: "Segments medical scans: DICOM or NIfTI in; label maps, measurements, reports out.",
    discussion: """
      Exit status: 0 done; 2 some cases of a batch failed; 64 wrong usage; 65 damaged input; \
      66 input not found; 69 model or component missing; 70 internal fault; 73 output cannot be \
      written; 130 interrupted.

      \(Version.disclaimer)
      """,
    version: Version.current,
    subcommands: [
      InfoCommand.self, SegmentCommand.self, EnhanceCommand.self, ModelCommand.self,
      ConvertCommand.self, RegisterCommand.self, SynthesizeCommand.self,
      DeidentifyCommand.self,
      PlanCommand.self, TrainCommand.self, EvaluateCommand.self, VisionCommand.self,
      ReportCommand.self, StudyCommand.self,
    ]
  )

  /// Parses the arguments, runs the verb and leaves with its exit status.
  static func main() {
    // A reader that went away (`lamina info ... | head`) must not stop the work or leave a trace.
    signal(SIGPIPE, SIG_IGN)
    EngineMemory.keepFreedBlocks()
    do {
      var command = try parseAsRoot()
      if let verb = command as? any Verb, verb.usesEngine { LibraryEnvironment.relaunchIfUseful() }
      try command.run()
      Self.leave(0)
    } catch {
      Self.leave(ExitReport(error, parser: Self.self).deliver())
    }
  }

  /// Without a verb there is nothing to do: the help, as a usage error.
  func run() throws {
    throw MissingVerb(help: Self.helpMessage())
  }

  private static func leave(_ status: Int32) -> Never {
    fflush(nil)
    Foundation.exit(status)
  }
}

/// A command that only groups others was called without one.
struct MissingVerb: Error {
  /// The group's help page.
  let help: String
}
