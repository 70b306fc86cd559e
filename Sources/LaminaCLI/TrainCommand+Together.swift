import ArgumentParser
import Foundation
import Pipelines
import Support

extension TrainCommand {
  func execute(in context: CommandContext) throws -> CommandOutcome {
    if let task = enhancing.enhance { return try trainEnhancer(for: task, in: context) }
    if let count = unlabelled.suggest {
      try suggest(
        count,
        for: openDataset(),
        in: context
      )
      return .complete
    }
    if slurmOptions.slurm {
      let output = OutputPath.normalised(output)
      try context.outputs.check(output)
      // What is wrong with the data set is said now and not by the job.
      _ = try openDataset()
      let parts = fold == Self.eachFold ? CrossValidation.foldCount : nil
      try slurmOptions.submit("train", output: output, parts: parts, in: context)
      return .complete
    }
    let environment = ProcessInfo.processInfo.environment
    guard mpi || (MessagePassing.processCount(environment) ?? 1) > 1 else {
      return try train(in: context, with: SingleProcess())
    }
    let processes = try MessagePassing(environment: environment)
    do {
      let outcome = try train(in: processes.isRoot ? context : context.silent, with: processes)
      try processes.finish()
      return outcome
    } catch {
      guard !processes.isRoot else {
        if Self.isShared(error) { try processes.finish() }
        throw error
      }
      if Self.isShared(error) {
        // The first process says it.
        try processes.finish()
        throw ExitReport.Status(code: ExitReport(error, parser: LaminaCommand.self).status)
      }
      let failure = (error as? any ClassifiedError)?.failure ?? .internalFault
      throw DistributedError.rank(
        processes.rank,
        count: processes.count,
        failure: failure,
        sentence: ExitReport(error, parser: LaminaCommand.self).sentence
      )
    }
  }

  /// Whether every process met the error in the same step.
  private static func isShared(_ error: any Error) -> Bool {
    switch error {
    case SupportError.interrupted, PipelinesError.trainingDiverged: true
    default: false
    }
  }

  private struct Joined: Encodable {
    let model: String
    let networks: Int
    let results: [ModelDescription.Result]
  }

  /// What `--fold` says for a cross-validation.
  static let eachFold = "each"

  private func train(
    in context: CommandContext,
    with exchange: any GradientExchange
  ) throws -> CommandOutcome {
    guard fold == Self.eachFold else { return try trainOne(in: context, with: exchange) }
    guard try !openDataset().countsObjects else {
      throw ValidationError("--fold each joins networks of structures; objects are found by one.")
    }
    let output = OutputPath.normalised(output)
    let folds = CrossValidation(model: output)
    try context.outputs.check(output)
    if !resume, !outputOptions.force, FileManager.default.fileExists(atPath: folds.folder) {
      throw UnfinishedTraining(path: folds.folder)
    }
    if !resume, exchange.isRoot { folds.discardPlan() }
    let all = Array(0..<CrossValidation.foldCount)
    for fold in slurmOptions.part?.of(all) ?? all {
      // The first process's files count.
      guard try !exchange.agreed(resume && folds.isDone(fold)) else { continue }
      context.progress.note("Fold \(fold) of \(CrossValidation.foldCount).")
      var command = self
      command.fold = "\(fold)"
      command.output = folds.path(fold)
      _ = try command.trainOne(in: context.quiet, with: exchange, of: folds)
    }
    guard slurmOptions.part == nil, exchange.isRoot else { return .complete }
    var joined: ModelDescription?
    try context.outputs.writeFolder(output) {
      joined = try folds.join(
        into: $0,
        name: URL(fileURLWithPath: output).lastPathComponent,
        command: commandLine(exchange)
      )
    }
    PseudoLabels.discard(Self.pseudoFolder(folds.folder))
    folds.discardFolds()
    guard let joined else { return .complete }
    let answer = Joined(
      model: output,
      networks: joined.ensemble.count,
      results: joined.results
    )
    try context.confirm(answer) {
      (["\(output): \(joined.ensemble.count) networks"]
        + joined.results.map {
          "\($0.structure)  \($0.metric)  \($0.mean) (SD \($0.sd), n \($0.cases))"
        }).joined(separator: "\n")
    }
    return .complete
  }
}

extension CommandContext {
  /// The same without a word on either stream, errors apart.
  var silent: CommandContext {
    CommandContext(
      progress: SilentProgress(),
      interruption: interruption,
      outputs: outputs,
      wantsJSON: false,
      isQuiet: true
    )
  }

  /// The same with progress alone.
  var quiet: CommandContext {
    CommandContext(
      progress: progress,
      interruption: interruption,
      outputs: outputs,
      wantsJSON: false,
      isQuiet: true
    )
  }
}
