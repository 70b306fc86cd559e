import Foundation
import Layers
import Pipelines
import Support
import Tensors

/// Trains a model of images, with checkpoints from which a killed run resumes.
public struct GenerationTrainer: Sendable {
  /// A finished run.
  public struct Outcome: Sendable {
    /// The model with its averaged weights.
    public let model: TrainedGenerator
    /// The curves.
    public let epochs: [GenerationEpoch]
    /// The same random vectors' images on the way: the step, and images of −1 to 1.
    package let looks: [(step: Int, images: Tensor)]
    /// The same, one array for each image.
    public var sheets: [(step: Int, images: [[Float]])] {
      looks.map { ($0.step, ImageSheet.split($0.images)) }
    }
    /// How long it took.
    public let seconds: Double
  }

  private static let stepsPerEpoch = 100
  private static let looked = 32

  private let pictures: GenerationPictures
  private let checkpoint: TrainingCheckpoint
  private let outputs: OutputGuard
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a trainer.
  /// - Parameters:
  ///   - pictures: The images.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    pictures: GenerationPictures,
    checkpointFolder: String,
    outputs: OutputGuard,
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.pictures = pictures
    checkpoint = TrainingCheckpoint(folder: checkpointFolder)
    (self.outputs, self.progress, self.interruption) = (outputs, progress, interruption)
  }

  /// Removes the checkpoints; for when the model is safely written.
  public func discardCheckpoints() { checkpoint.remove() }

  /// Trains.
  /// - Parameters:
  ///   - configuration: The values; the images' size and hash are put in.
  ///   - resumes: Whether to go on from a checkpoint that is there.
  ///   - saves: Whether checkpoints are kept.
  /// - Returns: The finished run.
  /// - Throws: `GenerationError.unfit`; `PipelinesError.checkpointMismatch`, `.trainingDiverged`;
  ///   `SupportError.interrupted` after a checkpoint was saved.
  public func train(
    _ configuration: GenerationConfiguration,
    resumes: Bool,
    saves: Bool = true
  ) throws -> Outcome {
    var values = configuration
    (values.height, values.width, values.channels) = (
      pictures.size[0], pictures.size[1], pictures.size[2]
    )
    values.imagesHash = try pictures.hash
    var state = try GenerationState(values)
    if resumes, let stored = try checkpoint.load() {
      try state.restore(stored, from: checkpoint.path)
    }
    let clock = ContinuousClock()
    let started = clock.now
    var looks: [(step: Int, images: Tensor)] = []
    let lookInterval = max(Self.stepsPerEpoch, values.steps / 6 / 100 * 100)
    progress.begin("training", total: values.steps)
    while state.step < values.steps {
      if interruption.isRaised {
        if saves { try checkpoint.save(state.stored(), outputs: outputs) }
        throw SupportError.interrupted
      }
      do {
        try state.advance(pictures)
      } catch PipelinesError.trainingDiverged(let step, let reason, _) {
        progress.end()
        if saves { try checkpoint.save(state.stored(), outputs: outputs) }
        throw PipelinesError.trainingDiverged(
          step: step,
          reason: reason,
          checkpoint: saves ? checkpoint.path : nil
        )
      }
      let isLast = state.step == values.steps
      guard isLast || state.step % Self.stepsPerEpoch == 0 else { continue }
      state.closeEpoch()
      if isLast || state.step % lookInterval == 0 {
        let model = try TrainedGenerator(values, weights: state.averaged)
        looks.append((state.step, try model.images(count: Self.looked, seed: 7, leaps: 20).images))
      }
      if let epoch = state.epochs.last {
        func text(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
        let critic = epoch.critic.map { ", critic \(text($0))" } ?? ""
        progress.update(state.step, detail: "loss \(text(epoch.generator))\(critic)")
      }
      if saves { try checkpoint.save(state.stored(), outputs: outputs) }
    }
    progress.end()
    let seconds = Double((clock.now - started).components.seconds)
    return Outcome(
      model: try TrainedGenerator(values, weights: state.averaged),
      epochs: state.epochs,
      looks: looks,
      seconds: seconds
    )
  }
}
