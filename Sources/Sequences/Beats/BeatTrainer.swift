import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support

/// Trains a recurrent network on annotated beats, and measures it on a later part of the records.
public struct BeatTrainer: Sendable {
  /// What is asked for.
  public struct Request: Sendable {
    /// Which recurrence.
    public var cell = RecurrentConfiguration.Cell.lstm
    /// The length of a direction's state.
    public var width = 32
    /// How many recurrent layers.
    public var layers = 1
    /// Whether windows are also read backwards.
    public var isBidirectional = true

    /// Creates the defaults that the properties show.
    public init() {}
  }

  private let data: BeatDataset
  private let request: Request
  private let run: LearningRun
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a trainer.
  /// - Parameters:
  ///   - data: The records.
  ///   - request: What is asked for.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    data: BeatDataset,
    request: Request,
    checkpointFolder: String,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.data = data
    self.request = request
    // Recurrences hand small errors on: single precision, whose weights are few.
    run = LearningRun(
      checkpointFolder: checkpointFolder,
      weightType: .float32,
      outputs: outputs,
      progress: progress,
      interruption: interruption
    )
    self.progress = progress
    self.interruption = interruption
  }

  /// Removes the checkpoints; for when the model is safely written.
  public func discardCheckpoints() { run.discardCheckpoints() }

  /// Trains.
  /// - Parameters:
  ///   - learning: The numbers of the run.
  ///   - budget: How long to train.
  ///   - resumes: Whether to go on from a checkpoint that is there.
  /// - Returns: The finished run.
  /// - Throws: `SequencesError`; what `LearningRun.train` throws.
  public func train(
    _ learning: LearningConfiguration,
    budget: SegmentationTrainer.Budget,
    resumes: Bool
  ) throws -> SequenceOutcome {
    let (training, validation, test) = (
      data.items(.training), data.items(.validation), data.items(.test)
    )
    let measured = test.isEmpty ? validation : test
    guard !training.isEmpty, !measured.isEmpty else {
      throw SequencesError.nothingToUse(
        path: data.name,
        reason: "no beat is left to train on or to measure"
      )
    }
    var configuration = try configuration(training)
    let windows = try windows(&configuration, training)
    try configuration.plan.check()
    let task = BeatTask(
      configuration,
      windows: windows,
      training: training,
      validation: validation
    )
    let outcome = try run.train(task, learning, budget: budget, resumes: resumes)
    if !validation.isEmpty {
      let temperature = TemperatureScaling.temperature(
        scores: try task.scores(
          of: outcome.network,
          on: validation,
          interruption: interruption
        ),
        classes: validation.map { [$0.label] },
        areFindings: false
      )
      configuration.plan.temperature = (temperature * 1e4).rounded() / 1e4
    }
    return SequenceOutcome(
      configuration: configuration.network,
      plan: configuration.plan,
      classNames: configuration.symbols.map(WFDBAnnotations.name),
      learning: outcome.configuration,
      network: outcome.network,
      weightType: outcome.weightType,
      epochs: outcome.epochs,
      looks: outcome.looks,
      counts: [.training: training.count, .validation: validation.count, .test: test.count],
      evaluation: try task.evaluation(
        of: outcome.network,
        on: measured,
        temperature: configuration.plan.temperature,
        interruption: interruption
      ),
      detection: try detection(),
      notes: data.problems
        + (test.isEmpty ? ["No beat was kept for the test; looks on the way are told."] : [])
    )
  }

  private func configuration(_ training: [BeatDataset.Item]) throws -> BeatConfiguration {
    var recurrence = RecurrentConfiguration(width: request.width)
    recurrence.cell = request.cell
    recurrence.layers = request.layers
    recurrence.isBidirectional = request.isBidirectional
    let plan = SequencePlan.Beats(leads: data.leads)
    let counts = data.symbols.indices.map { label in training.count { $0.label == label } }
    let largest = Double(counts.max() ?? 1)
    let places = training.map { "\($0.record) \($0.beat) \($0.label)" }.joined(separator: "\n")
    return BeatConfiguration(
      network: .signalClassifier(
        SignalClassifierConfiguration(
          inputChannels: data.leads.count + 1,
          outputChannels: data.symbols.count,
          samplesPerStep: plan.samplesPerStep,
          recurrence: recurrence
        )
      ),
      plan: SequencePlan(beats: plan),
      symbols: data.symbols,
      // With the share of a class in batches, which goes by its root too, all classes weigh alike.
      classWeights: counts.map { (largest / Double(max(1, $0))).squareRoot() },
      beatsHash: try SHA256.hexDigest(of: Data(places.utf8))
    )
  }

  /// The windows of all records, once the deviations of the leads are known.
  private func windows(
    _ configuration: inout BeatConfiguration,
    _ training: [BeatDataset.Item]
  ) throws -> [BeatWindows] {
    func windows(_ plan: SequencePlan.Beats) throws -> [BeatWindows] {
      try data.records.map {
        try BeatWindows($0.waveform, beats: $0.samples, plan: plan, path: $0.waveform.name)
      }
    }
    guard var plan = configuration.plan.beats else { return [] }
    let plain = try windows(plan)
    plan.deviations = plan.leads.indices.map { lead in
      let sum = plain.indices.reduce(0.0) { sum, record in
        let own = training.filter { $0.record == record }.map(\.beat)
        return sum + Double(own.count) * plain[record].meanSquare(lead: lead, beats: own)
      }
      let deviation = (sum / Double(max(1, training.count))).squareRoot()
      return deviation > 0 ? (deviation * 1e6).rounded(.up) / 1e6 : 1
    }
    configuration.plan.beats = plan
    return try windows(plan)
  }

  private func detection() throws -> BeatMatching {
    let parts = try data.records.map { record in
      try interruption.check()
      let lead = record.waveform.lead(data.leads[0])?.values ?? []
      return BeatMatching(
        found: BeatDetector().beats(lead, samplingHz: record.waveform.samplingHz),
        reference: record.samples,
        samplingHz: record.waveform.samplingHz
      )
    }
    return BeatMatching(joining: parts)
  }
}
