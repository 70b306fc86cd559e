import Foundation
import Imaging
import Layers
import Networks
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct SegmentationTrainerTests {
  private func configuration(_ dataset: SegmentationDataset, steps: Int) throws
    -> TrainingConfiguration
  {
    var values = try TrainingPlanner().configuration(for: dataset, baseFeatures: 8)
    values.steps = steps
    values.batchSize = 8
    values.warmupSteps = 5
    values.averagingDecay = 0.9
    values.learningRate = 5e-3
    return values
  }

  private func trainer(
    _ dataset: SegmentationDataset,
    _ folder: TemporaryFolder,
    _ interruption: Interruption = Interruption(),
    progress: any ProgressReporter = SilentProgress()
  ) -> SegmentationTrainer {
    SegmentationTrainer(
      dataset: dataset,
      checkpointFolder: folder.file("checkpoints"),
      progress: progress,
      interruption: interruption
    )
  }

  @Test func thePlanFollowsTheStatedRules() throws {
    let study = try SyntheticStudy(cases: 2)
    let values = try TrainingPlanner().configuration(
      for: try SegmentationDataset(path: study.path)
    )
    // 20 x 18 x 16 voxels of 1 mm: sagittal slices are the most, of 18 (A) by 16 (S) pixels;
    // 16 pixels are halved once, to 8, and a second time would leave 4, below the minimum of 5.
    let plan = try #require(values.slicePlan)
    #expect(plan.orientation.code == "ASR")
    #expect(plan.patchSize == [16, 18])
    #expect(plan.contextSlices == 3)
    guard case .unet(let network) = values.network else {
      Issue.record("not a U-Net")
      return
    }
    #expect(network.features == [24, 48])
    #expect(network.inputChannels == 7 && network.outputChannels == 3)
    // Mirroring sagittal slices would exchange front and back.
    #expect(plan.mirrorAxes == [])
  }

  @Test func trainingLearnsTheBalls() throws {
    let study = try SyntheticStudy(cases: 10)
    let dataset = try SegmentationDataset(path: study.path)
    let folder = try TemporaryFolder()
    let outcome = try trainer(dataset, folder).run(
      configuration(dataset, steps: 300),
      budget: .steps,
      resumes: false
    )
    let first = try #require(outcome.epochs.first)
    let last = try #require(outcome.epochs.last)
    #expect(last.step == 300 && last.loss < first.loss)
    let evaluation = try #require(outcome.evaluation)
    #expect(!outcome.selfTest.scores.isEmpty && outcome.selfTest.scores.allSatisfy(\.isFinite))
    #expect(outcome.selfTest.source == "\(min(4, evaluation.cases.count)) held-out scans")
    #expect(outcome.selfTest.precisions.values.allSatisfy { $0.voxels > 0 && $0.scoreError > 0 })
    #expect(evaluation.cases.count == 2)
    // Balls this bright are easy; a network that learnt nothing would give 0 for the core.
    let dice = try #require(evaluation.summary["2"]?["dice"]?.mean)
    #expect(dice > 0.8)
  }

  @Test func aResumedRunEndsWhereAnUninterruptedOneDoes() throws {
    let study = try SyntheticStudy(cases: 5)
    let dataset = try SegmentationDataset(path: study.path)
    let values = try configuration(dataset, steps: 130)
    let whole = try trainer(dataset, try TemporaryFolder()).run(
      values,
      budget: .steps,
      resumes: false
    )
    let folder = try TemporaryFolder()
    let interruption = Interruption()
    // The first epoch's end interrupts.
    #expect(throws: SupportError.interrupted) {
      try trainer(
        dataset,
        folder,
        interruption,
        progress: InterruptingProgress(interruption, step: "training")
      ).run(values, budget: .steps, resumes: false)
    }
    let resumed = try trainer(dataset, folder).run(values, budget: .steps, resumes: true)
    #expect(resumed.epochs.map(\.step) == whole.epochs.map(\.step))
    #expect(resumed.epochs.map(\.loss) == whole.epochs.map(\.loss))
    for (a, b) in zip(whole.network.namedParameters, resumed.network.namedParameters) {
      #expect(a.parameter.value.values == b.parameter.value.values, "\(a.name)")
    }
  }

  @Test func aCheckpointOfAnotherRunIsRefused() throws {
    let study = try SyntheticStudy(cases: 5)
    let dataset = try SegmentationDataset(path: study.path)
    var values = try configuration(dataset, steps: 100)
    let folder = try TemporaryFolder()
    _ = try trainer(dataset, folder).run(values, budget: .steps, resumes: false)
    values.seed = 2
    let error = #expect(throws: PipelinesError.self) {
      try trainer(dataset, folder).run(values, budget: .steps, resumes: true)
    }
    #expect(error?.failure == .damagedInput)
  }

  @Test func aFaultyDataSetIsRefusedWithItsFaults() throws {
    let study = try SyntheticStudy(cases: 3)
    try FileManager.default.removeItem(atPath: study.label(0))
    let dataset = try SegmentationDataset(path: study.path)
    #expect(
      throws: PipelinesError.faultyDataset(
        path: study.path,
        faults: ["ball_0 has no label map in labelsTr"]
      )
    ) {
      try trainer(dataset, try TemporaryFolder()).run(
        configuration(dataset, steps: 1),
        budget: .steps,
        resumes: false
      )
    }
  }

  @Test func aBrokenLearningRateStopsWithTheStepTheLayerAndACheckpointFromBeforeIt() throws {
    let study = try SyntheticStudy(cases: 3)
    let dataset = try SegmentationDataset(path: study.path)
    var values = try configuration(dataset, steps: 60)
    values.learningRate = 1e30
    values.warmupSteps = 0
    let folder = try TemporaryFolder()
    let error = #expect(throws: PipelinesError.self) {
      try trainer(dataset, folder).run(values, budget: .steps, resumes: false)
    }
    guard case .trainingDiverged(let step, let reason, let path)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.failure == .damagedInput)
    #expect(step > 0)
    let checkpoint = try #require(path)
    #expect(checkpoint == folder.file("checkpoints") + "/checkpoint.safetensors")
    #expect(error?.description.contains(checkpoint) == true)
    #expect(error?.description.contains("step \(step)") == true)

    // The state before the step: of its number, finite, and failing at once in the same way.
    let stored = try Safetensors(contentsOf: checkpoint)
    let text = try #require(stored.metadata["lamina.training/1"])
    let summary = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    #expect(summary?["step"] as? Int == step)
    for (name, tensor) in stored.tensors {
      #expect(tensor.values.allSatisfy { $0.isFinite }, "\(name)")
    }
    // The reason names a layer or parameter that the network has.
    let layers = stored.tensors.keys.filter { $0.hasPrefix("network.") }.map {
      $0.dropFirst("network.".count).split(separator: ".").dropLast().joined(separator: ".")
    }
    #expect(layers.contains { reason.contains($0) }, "\(reason)")
    let again = #expect(throws: PipelinesError.self) {
      try trainer(dataset, folder).run(values, budget: .steps, resumes: true)
    }
    #expect(again == error)
  }
}

/// Interrupts when a step of the work first reports.
struct InterruptingProgress: ProgressReporter {
  private let interruption: Interruption
  private let step: String
  private let current = Current()

  init(_ interruption: Interruption, step: String) {
    self.interruption = interruption
    self.step = step
  }

  func begin(_ step: String, total: Int?) { current.step = step }
  func update(_ completed: Int, detail: String?) {
    if current.step == step { interruption.raise() }
  }
  func end() {}
  func note(_ message: String) {}
  func warn(_ message: String) {}

  // Used by one thread; the trainer reports from where it runs.
  private final class Current: @unchecked Sendable {
    var step = ""
  }
}
