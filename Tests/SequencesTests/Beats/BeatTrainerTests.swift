import Foundation
import Layers
import Pipelines
import Recognition
import Sequences
import Support
import TestSupport
import Testing

@Suite(.serialized) struct BeatTrainerTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try SyntheticECG(seconds: 120, seed: 5).write(to: folder.path, name: "one")
    try SyntheticECG(seconds: 90, seed: 6).write(to: folder.path, name: "two")
  }

  private func data(_ symbols: [String]? = nil, leads: [String]? = nil) throws -> BeatDataset {
    try BeatDataset(
      [folder.path],
      symbols: symbols,
      leads: leads,
      testShare: 0.4,
      validationShare: 0.2,
      interruption: Interruption()
    )
  }

  private func trainer(_ interruption: Interruption = Interruption()) throws -> BeatTrainer {
    var request = BeatTrainer.Request()
    request.width = 8
    return BeatTrainer(
      data: try data(),
      request: request,
      checkpointFolder: folder.file("checkpoints"),
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: interruption
    )
  }

  private var learning: LearningConfiguration {
    var values = LearningConfiguration()
    (values.steps, values.batchSize, values.warmupSteps, values.learningRate) = (120, 32, 5, 1e-2)
    return values
  }

  @Test func recordsAreDividedByTime() throws {
    let data = try data()
    #expect(data.symbols == ["N", "A"] && data.leads == ["MLII", "V5"] && data.records.count == 2)
    for record in data.records.indices {
      func places(_ split: LabelledImages.Split) -> [Int] {
        data.items(split).filter { $0.record == record }.map {
          data.records[record].samples[$0.beat]
        }
      }
      let (training, validation, test) = (places(.training), places(.validation), places(.test))
      #expect((training.max() ?? 0) < (validation.min() ?? 0))
      #expect((validation.max() ?? 0) < (test.min() ?? 0))
      let end = Double(data.records[record].waveform.count)
      #expect(Double(test.min() ?? 0) >= 0.6 * end)
    }
    // What is of no class counts for the intervals and is told.
    let only = try self.data(["A", "N"], leads: ["V5"])
    #expect(only.symbols == ["A", "N"] && only.leads == ["V5"] && only.problems.isEmpty)
    #expect(throws: SequencesError.self) { try self.data(["N", "V"]) }
    #expect(throws: SequencesError.self) { try self.data(["N"]) }
    #expect(throws: SequencesError.self) { try self.data(leads: ["II"]) }
  }

  @Test func intervalsAndWindowsAreThoseOfTheBeat() throws {
    // One lead that rises by 1 a second, at 100 Hz; a beat each second, one half a second early.
    let record = WaveformRecord(
      name: "r",
      samplingHz: 100,
      signals: [.init(name: "II", unit: "mV", values: (0..<2000).map { Float($0) / 100 })]
    )
    let beats = [100, 200, 300, 400, 450, 600, 700, 800, 1300]
    var plan = SequencePlan.Beats(leads: ["II"])
    plan.deviations = [2]
    let windows = try BeatWindows(record, beats: beats, plan: plan, path: "r")
    var random = RandomStream(seed: 1)
    let values = windows.values(4, &random)
    #expect(values.count == 2 * plan.samples)
    // The window's median is its middle sample, 67 of 135 at 180 Hz.
    #expect(abs(values[67]) < 1e-6)
    #expect(abs(values[0] + Float(67.0 / 180 / 2)) < 1e-5)
    let own = Array(values[plan.samples..<plan.samples + 4])
    // Before 0.5 s, after 1.5 s, the median 1 s.
    let expected: [Float] = [3 * -0.5, 3 * 0.5, 3 * Float(log(3.0)), 1]
    for (a, b) in zip(own, expected) { #expect(abs(a - b) < 1e-5) }
    // The first has no beat before it; a gap of 5 s is no interval.
    let first = windows.values(0, &random)
    #expect(first[plan.samples] == 0 && first[plan.samples + 3] == 0)
    let last = windows.values(7, &random)
    #expect(last[plan.samples + 1] == 0 && last[plan.samples + 3] == 0)
    #expect(throws: SequencesError.self) {
      try BeatWindows(record, beats: beats, plan: SequencePlan.Beats(leads: ["V1"]), path: "r")
    }
  }

  @Test func aTrainedModelTellsPrematureBeats() throws {
    let trainer = try trainer()
    let outcome = try trainer.train(learning, budget: .steps, resumes: false)
    trainer.discardCheckpoints()
    #expect(outcome.classNames == ["normal", "atrial premature"])
    #expect((outcome.evaluation.accuracy?.value ?? 0) > 0.95)
    #expect(outcome.detection?.f1 == 1)
    let package = folder.file("model")
    try FileManager.default.createDirectory(atPath: package, withIntermediateDirectories: true)
    let trained = TrainedSequenceModel(
      outcome: outcome,
      origin: ModelOrigin(
        name: "beats",
        dataset: "made up",
        licence: "own",
        source: "own",
        command: "lamina"
      )
    )
    try trained.write(to: package)
    #expect(trained.card.contains("Not for clinical use"))
    let analyzer = try BeatAnalyzer(try ModelPackage(path: package))
    let evaluation = try analyzer.evaluate(
      [folder.path],
      lastShare: 0.4,
      interruption: Interruption()
    )
    // Through the file and back, the same kinds as after the training.
    #expect(evaluation.classification.confusion == outcome.evaluation.confusion)
    #expect(evaluation.detection.f1 == 1)
    #expect(
      evaluation.endToEnd.map { $0.sensitivity?.hits }
        == evaluation.classification.classResults.map { $0.sensitivity?.hits }
    )
    let result = try analyzer.analyze(folder.file("one"), interruption: Interruption())
    #expect(result.beats.count == SyntheticECG(seconds: 120, seed: 5).beats.count)
    #expect((70...82).contains(result.heartRate ?? 0) && result.missingSeconds == 0)
    #expect(result.counts.values.reduce(0, +) == result.beats.count)
    // A record of other leads is refused by name.
    try Data("flat 1 360 900\nflat.dat 80 200 8 0 0 0 0 II".utf8)
      .write(to: URL(fileURLWithPath: folder.file("flat.hea")))
    try Data([UInt8](repeating: 128, count: 900))
      .write(to: URL(fileURLWithPath: folder.file("flat.dat")))
    let error = #expect(throws: SequencesError.self) {
      try analyzer.analyze(folder.file("flat"), interruption: Interruption())
    }
    #expect(error?.description.contains("MLII") == true && error?.failure == .damagedInput)
  }

  @Test func aResumedTrainingEndsAsAnUninterruptedOne() throws {
    let whole = try trainer().train(learning, budget: .steps, resumes: false)
    try trainer().discardCheckpoints()
    // Stopped after the checkpoint of step 100 by the interruption that comes with it.
    let stop = Interruption()
    let stopping = BeatTrainer(
      data: try data(),
      request: {
        var request = BeatTrainer.Request()
        request.width = 8
        return request
      }(),
      checkpointFolder: folder.file("checkpoints"),
      outputs: OutputGuard(mayReplace: true),
      progress: StoppingProgress(stop, at: 100),
      interruption: stop
    )
    #expect(throws: SupportError.interrupted) {
      try stopping.train(learning, budget: .steps, resumes: false)
    }
    let resumed = try trainer().train(learning, budget: .steps, resumes: true)
    for (a, b) in zip(whole.network.namedParameters, resumed.network.namedParameters) {
      #expect(a.parameter.value.values == b.parameter.value.values, "\(a.name)")
    }
    #expect(resumed.evaluation == whole.evaluation)
  }
}

/// Raises the interruption when a step is reported.
private struct StoppingProgress: ProgressReporter {
  private let interruption: Interruption
  private let step: Int

  init(_ interruption: Interruption, at step: Int) {
    self.interruption = interruption
    self.step = step
  }

  func begin(_ task: String, total: Int?) {}
  func update(_ completed: Int, detail: String?) { if completed == step { interruption.raise() } }
  func note(_ message: String) {}
  func warn(_ message: String) {}
  func end() {}
}
