import ArgumentParser
import Foundation
import Support

/// How a verb's body ended when it threw nothing.
enum CommandOutcome {
  /// Everything asked for was done.
  case complete
  /// The batch finished, but some of its cases failed; each was listed.
  case partial

  /// The exit status.
  var status: Int32 {
    switch self {
    case .complete: 0
    case .partial: 2
    }
  }
}

/// A verb: arguments, and a body that is run with the common options in force.
protocol Verb: ParsableCommand {
  /// The common options.
  var global: GlobalOptions { get }
  /// Whether outputs that exist may be replaced.
  var mayReplaceOutputs: Bool { get }
  /// Whether it computes with networks; such a verb starts with `LibraryEnvironment`'s variables.
  var usesEngine: Bool { get }
  /// Does the work.
  /// - Parameter context: Where to report, write and look for Ctrl-C.
  /// - Returns: Whether every case was done.
  /// - Throws: What went wrong; `ExitReport` gives it its exit status.
  func execute(in context: CommandContext) throws -> CommandOutcome
}

extension Verb {
  var mayReplaceOutputs: Bool { false }
  var usesEngine: Bool { false }

  func run() throws {
    let interruption = Interruption()
    let outputs = OutputGuard(mayReplace: mayReplaceOutputs, interruption: interruption)
    let progress = TerminalProgress(
      style: .init(quiet: global.quiet, showsProgress: !global.noProgress, verbose: global.verbose)
    )
    let watch = InterruptionWatch(interruption: interruption, outputs: outputs, progress: progress)
    let context = CommandContext(
      progress: progress,
      interruption: interruption,
      outputs: outputs,
      wantsJSON: global.json,
      isQuiet: global.quiet
    )
    let threads = global.threads ?? Parallelism.threadCount
    let outcome = try withExtendedLifetime(watch) {
      defer { progress.clear() }
      return try Parallelism.$threadCount.withValue(threads) { try execute(in: context) }
    }
    if outcome.status != 0 { throw ExitReport.Status(code: outcome.status) }
  }
}
