import Foundation
import Imaging
import ImagingIO
import Networks
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct TrainingMonitorTests {
  private func outcome(
    _ dataset: SegmentationDataset,
    share: Double,
    keepsPictures: Bool = true,
    progress: any ProgressReporter = SilentProgress()
  ) throws -> SegmentationTrainer.Outcome {
    var values = try TrainingPlanner().configuration(for: dataset, baseFeatures: 8)
    values.steps = 300
    values.batchSize = 8
    values.averagingDecay = 0.9
    values.learningRate = 5e-3
    let folder = try TemporaryFolder()
    var trainer = SegmentationTrainer(
      dataset: dataset,
      checkpointFolder: folder.file("checkpoints"),
      progress: progress,
      interruption: Interruption()
    )
    trainer.validationShare = share
    trainer.keepsPictures = keepsPictures
    return try trainer.run(values, budget: .steps, resumes: false)
  }

  @Test func looksAtHeldOutCasesChangeNoWeight() throws {
    let study = try SyntheticStudy(cases: 10)
    let dataset = try SegmentationDataset(path: study.path)
    // Every epoch's end may look when looks may take all of the time.
    let watched = try outcome(dataset, share: 1)
    let alone = try outcome(dataset, share: 0, keepsPictures: false)
    #expect(watched.journal.validations.map(\.step) == [100, 200, 300])
    #expect(alone.journal.validations.map(\.step) == [300])
    for (a, b) in zip(watched.network.namedParameters, alone.network.namedParameters) {
      #expect(a.parameter.value.values == b.parameter.value.values, "\(a.name)")
    }
    #expect(watched.epochs.map(\.loss) == alone.epochs.map(\.loss))
    #expect(watched.epochs.allSatisfy { ($0.gradientNorm ?? 0) > 0 })

    // The last look is the evaluation of the same cases.
    let evaluation = try #require(watched.evaluation)
    let last = try #require(watched.journal.validations.last)
    let held = evaluation.cases.filter { last.cases.contains($0.id) }
    #expect(held.count == last.cases.count && !held.isEmpty)
    let dice = held.compactMap { $0.labels.first { $0.key == "2" }?.values["dice"]?.number }
    #expect(last.dice["2"] == dice.reduce(0, +) / Double(dice.count))

    // One slice before and after, and the two held-out cases by rising Dice.
    let example = try #require(watched.journal.example)
    #expect(example.predictions.map(\.step) == [100, 200, 300])
    let image = try PNGDecoder.decode(example.reference, path: "")
    guard case .eightBit(let classes) = image.samples else {
      Issue.record("\(image.bitDepth) bits")
      return
    }
    #expect(image.width == 20 && image.height == 18)
    #expect(Set(classes) == [0, 1, 2])
    #expect(watched.worst.count == 2)
    #expect(Set(watched.worst.map(\.caseID)) == Set(evaluation.cases.map(\.id)))
    #expect(alone.journal.example == nil && alone.worst.isEmpty)
  }

  @Test func aStructureThatNoTrainingCaseHasIsToldAfterTheFirstEpoch() throws {
    let study = try SyntheticStudy(cases: 5, labels: #""ball": 1, "core": 2, "ghost": 9"#)
    let warnings = Warnings()
    let outcome = try outcome(
      try SegmentationDataset(path: study.path),
      share: 0,
      progress: warnings
    )
    #expect(outcome.journal.troubles.contains(.neverSampled(["ghost"])))
    #expect(warnings.all.contains { $0.contains("ghost") })
  }
}

/// Keeps warnings.
private final class Warnings: ProgressReporter, @unchecked Sendable {
  // Used by one thread; the trainer reports from where it runs.
  private(set) var all: [String] = []

  func begin(_ step: String, total: Int?) {}
  func update(_ completed: Int, detail: String?) {}
  func end() {}
  func note(_ message: String) {}
  func warn(_ message: String) { all.append(message) }
}
