import ArgumentParser
import Enhancement
import Foundation
import Pipelines
import Support

extension TrainCommand {
  /// Trains a network that improves images.
  /// - Parameters:
  ///   - task: What the network is for.
  ///   - context: Where to report, write and look for Ctrl-C.
  /// - Returns: That all was done.
  /// - Throws: What reading, training and writing throw.
  func trainEnhancer(
    for task: EnhancementPlan.Task,
    in context: CommandContext
  ) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    let checkpoints = output + ".training"
    try context.outputs.check(output)
    if !resume, !outputOptions.force, FileManager.default.fileExists(atPath: checkpoints) {
      throw UnfinishedTraining(path: checkpoints)
    }
    var images = try cleanImages(in: context)
    if enhancing.selfSupervised == .noise2noise, enhancing.noise == nil {
      images = try images.joiningRepeats()
    }
    let targets = try opposing.target.map {
      try CleanImages(
        folder: $0,
        longestSides: enhancing.shrinkTo,
        progress: context.progress,
        interruption: context.interruption
      )
    }
    var request = try enhancing.request(for: task, planning)
    request.adversarial = opposing.request(isTrained: from != nil)
    var values = try EnhancementPlanner.configuration(for: images, targets: targets, request)
    values.seed = seed
    values.steps = (epochs ?? 25) * TrainingConfiguration.stepsPerEpoch
    // Without pairs nothing tells how good a held-out image is.
    if fold == "all" || values.translation?.isPaired == false { values.heldOutShare = 0 }
    if let learningRate { values.learningRate = learningRate }
    context.progress.note("Plan: \(values.plan.summary).")
    let initial = try from.map { try InitialWeights(ModelStore().model($0)) }
    let trainer = EnhancementTrainer(
      images: images,
      targets: targets,
      initial: initial,
      checkpointFolder: checkpoints,
      outputs: context.outputs,
      progress: context.progress,
      interruption: context.interruption
    )
    let outcome = try trainer.run(
      values,
      budget: minutes.map { .minutes($0) } ?? .steps,
      resumes: resume
    )
    for note in outcome.notes { context.progress.warn(note) }
    let model = TrainedEnhancer(
      outcome: outcome,
      origin: ModelOrigin(
        name: URL(fileURLWithPath: output).lastPathComponent,
        dataset: images.name,
        licence: enhancing.licence,
        source: enhancing.source,
        command: enhancementCommand
      )
    )
    try context.outputs.writeFolder(output) { try model.write(to: $0) }
    trainer.discardCheckpoints()
    let answer = Answer(
      model: output,
      steps: outcome.configuration.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      parameters: outcome.network.trainableCount,
      results: model.results,
      notes: outcome.notes
    )
    try context.confirm(answer) {
      let minutes = (answer.seconds / 6).rounded() / 10
      return
        (["\(output): \(answer.steps) steps in \(minutes) minutes"]
        + answer.results.map {
          "\($0.structure)  \($0.metric)  \($0.mean) (SD \($0.sd), n \($0.cases))"
        }).joined(separator: "\n")
    }
    return .complete
  }

  /// The images to train on.
  private func cleanImages(in context: CommandContext) throws -> CleanImages {
    func read(_ path: String, longestSides: [Int]) throws -> CleanImages {
      try CleanImages(
        folder: path,
        longestSides: longestSides,
        progress: context.progress,
        interruption: context.interruption
      )
    }
    var images: CleanImages
    if synthesize {
      images = try CleanImages(
        synthesizedFrom: openDataset(),
        count: enhancing.heads ?? 20,
        seed: seed,
        progress: context.progress,
        interruption: context.interruption
      )
    } else {
      images = try read(dataset, longestSides: enhancing.shrinkTo)
    }
    for path in enhancing.also {
      images = try images.joined(with: read(path, longestSides: enhancing.shrinkTo))
    }
    if !enhancing.shrinkTo.isEmpty, !images.arePictures {
      throw ValidationError("--shrink-to is for pictures, and \(images.name) holds volumes.")
    }
    for path in enhancing.notLike {
      let others = try read(path, longestSides: [])
      let (kept, largest) = try images.without(
        copiesOf: others,
        progress: context.progress,
        interruption: context.interruption
      )
      context.progress.note(
        "None of \(kept.count) images resembles one of the \(others.count) of \(others.name): the "
          + "largest correlation is \((100 * largest).rounded() / 100)."
      )
      images = kept
    }
    if let textures = enhancing.textures {
      images = try images.joined(
        withTextures: textures,
        seed: seed,
        progress: context.progress,
        interruption: context.interruption
      )
    }
    return images
  }

  /// The command again, the images by their folder's name.
  private var enhancementCommand: String {
    func name(_ path: String) -> String {
      URL(fileURLWithPath: OutputPath.normalised(path)).lastPathComponent
    }
    var words = ["lamina train", name(dataset), "--output", name(output), "--seed", "\(seed)"]
    if synthesize { words.append("--synthesize") }
    words += enhancing.words + opposing.words + planning.words
    if let minutes { words += ["--minutes", "\(minutes)"] }
    if let epochs { words += ["--epochs", "\(epochs)"] }
    if fold == "all" { words += ["--fold", "all"] }
    if let from { words += ["--from", name(from)] }
    if let learningRate { words += ["--learning-rate", "\(learningRate)"] }
    return words.joined(separator: " ")
  }
}
