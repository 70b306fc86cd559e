import Foundation
import Layers
import Networks
import Pipelines
import Support
import TestSupport
import Testing

/// Several trainers with one network; threads play the processes.
@Suite struct DistributedTrainingTests {
  private func configuration(_ dataset: SegmentationDataset, steps: Int) throws
    -> TrainingConfiguration
  {
    var values = try TrainingPlanner().configuration(for: dataset, baseFeatures: 8)
    values.steps = steps
    values.batchSize = 8
    values.warmupSteps = 0
    // A rule that is linear in the gradients: Adam's first steps are their signs, and the sign of a
    // gradient that is 0 but for rounding is chance.
    values.optimizer = .sgd(momentum: 0.9, weightDecay: 0)
    values.learningRate = 1e-2
    return values
  }

  private struct End: Sendable {
    let loss: Double
    let steps: Int
    let weights: [[Float]]

    init(_ outcome: SegmentationTrainer.Outcome) {
      loss = outcome.epochs.last?.loss ?? .nan
      steps = outcome.configuration.steps
      weights = outcome.network.namedParameters.map(\.parameter.value.values)
    }
  }

  private func train(
    _ dataset: SegmentationDataset,
    _ values: TrainingConfiguration,
    folder: String,
    exchange: any GradientExchange = SingleProcess(),
    interruption: Interruption = Interruption(),
    resumes: Bool = false
  ) throws -> End? {
    let trainer = SegmentationTrainer(
      dataset: dataset,
      checkpointFolder: folder,
      progress: SilentProgress(),
      interruption: interruption,
      exchange: exchange
    )
    guard exchange.isRoot else {
      try trainer.assist(values, budget: .steps)
      return nil
    }
    return End(try trainer.run(values, budget: .steps, resumes: resumes))
  }

  private func expectEqual(_ found: End, _ expected: End) {
    // Sums of single precision in another order, over a few steps.
    let rounding = Tolerance(absolute: 1e-5, relative: 1e-4)
    expectClose([found.loss], [expected.loss], rounding, "the loss")
    for (a, b) in zip(found.weights, expected.weights) { expectClose(a, b, rounding, "weights") }
  }

  /// Dice over the batch, which is no mean over samples, takes part in the loss.
  @Test(arguments: [2, 4]) func processesTakeTheStepsOfOneWithTheWholeBatch(count: Int) throws {
    let study = try SyntheticStudy(cases: 5)
    let dataset = try SegmentationDataset(path: study.path)
    let values = try configuration(dataset, steps: 4)
    let folder = try TemporaryFolder()
    let alone = try #require(try train(dataset, values, folder: folder.file("alone")))
    let together = try ThreadMeeting(count: count).run { exchange in
      try Parallelism.$threadCount.withValue(1) {
        try train(dataset, values, folder: folder.file("together"), exchange: exchange)
      }
    }
    expectEqual(try #require(together[0] ?? nil), alone)
    // Other samples would lead elsewhere: the comparison can fail.
    var other = values
    other.seed = 2
    let elsewhere = try #require(try train(dataset, other, folder: folder.file("other")))
    #expect(abs(elsewhere.loss - alone.loss) > 1e-3 * alone.loss)
  }

  @Test func anInterruptionOfOneProcessStopsAllAndTheyResumeFromTheFirstOnesCheckpoint() throws {
    let study = try SyntheticStudy(cases: 5)
    let dataset = try SegmentationDataset(path: study.path)
    let values = try configuration(dataset, steps: 3)
    let folder = try TemporaryFolder()
    let stopped = try ThreadMeeting(count: 2).run { exchange in
      try Parallelism.$threadCount.withValue(1) {
        let interruption = Interruption()
        do {
          _ = try train(
            dataset,
            values,
            folder: folder.file("checkpoints"),
            exchange: InterruptedExchange(base: exchange, interruption: interruption),
            interruption: interruption
          )
          return false
        } catch SupportError.interrupted {
          return true
        }
      }
    }
    #expect(stopped == [true, true])
    #expect(
      FileManager.default.fileExists(atPath: folder.file("checkpoints/checkpoint.safetensors"))
    )
    let resumed = try ThreadMeeting(count: 2).run { exchange in
      try Parallelism.$threadCount.withValue(1) {
        try train(
          dataset,
          values,
          folder: folder.file("checkpoints"),
          exchange: exchange,
          resumes: true
        )
      }
    }
    let alone = try #require(try train(dataset, values, folder: folder.file("alone")))
    expectEqual(try #require(resumed[0] ?? nil), alone)
  }

  @Test func aBatchWithoutEqualPartsIsRefused() throws {
    let study = try SyntheticStudy(cases: 5)
    let dataset = try SegmentationDataset(path: study.path)
    var odd = try configuration(dataset, steps: 1)
    odd.batchSize = 7
    let values = odd
    let folder = try TemporaryFolder()
    #expect(throws: PipelinesError.self) {
      try ThreadMeeting(count: 2).run { exchange in
        try train(dataset, values, folder: folder.file("checkpoints"), exchange: exchange)
      }
    }
  }

  @Test func launchersAreKnownByTheirVariables() {
    #expect(MessagePassing.processCount([:]) == nil)
    #expect(MessagePassing.processCount(["OMPI_COMM_WORLD_SIZE": "4"]) == 4)
    #expect(MessagePassing.processCount(["PMI_SIZE": "2"]) == 2)
    #expect(MessagePassing.processCount(["PMI_SIZE": "many"]) == nil)
  }
}

/// Interrupts the second process after the first step.
private struct InterruptedExchange: GradientExchange {
  let base: ThreadExchange
  let interruption: Interruption
  var rank: Int { base.rank }
  var count: Int { base.count }

  func sum(_ values: UnsafeMutableBufferPointer<Float>) {
    base.sum(values)
    // Gradients, not the flag that is looked at before each step.
    if rank == 1, values.count > 1 { interruption.raise() }
  }

  func sums(of values: [Double]) -> [Double] { base.sums(of: values) }
  func broadcast(_ data: Data, from root: Int) -> Data { base.broadcast(data, from: root) }
  func wait() { base.wait() }
}
