import Foundation
import Networks
import Pipelines
import Recognition
import Support

/// Finds the beats of records and tells their kind, with a model of Lamina's.
public struct BeatAnalyzer: Sendable {
  /// One beat.
  public struct Beat: Codable, Sendable, Equatable {
    /// Where, in samples from the start.
    public let sample: Int
    /// When, s from the start.
    public let seconds: Double
    /// The kind.
    public let name: String
    /// Its probability, 0 to 1.
    public let probability: Double
  }

  /// What was found in a record.
  public struct Result: Codable, Sendable, Equatable {
    /// The record's name.
    public let id: String
    /// How long it is, s.
    public let durationSeconds: Double
    /// Samples a second.
    public let samplingHz: Double
    /// The lead in which beats were looked for.
    public let lead: String
    /// Seconds of it that are missing.
    public let missingSeconds: Double
    /// Beats by kind.
    public let counts: [String: Int]
    /// 60 over the median interval between beats in s, beats a minute; nil for fewer than two beats.
    public let heartRate: Double?
    /// The standard deviation of the intervals between neighbouring normal beats, ms.
    ///
    /// Intervals above 3 s are left out; nil for fewer than two, and for models without normal beats.
    public let sdnnMS: Double?
    /// Every beat.
    public let beats: [Beat]
  }

  /// How a model does on annotated records.
  public struct Evaluation: Codable, Sendable, Equatable {
    /// Version of this record.
    public private(set) var schema = "lamina.beats/1"
    /// The records.
    public let records: [String]
    /// The share of each record's time, its end, that was measured.
    public let lastShare: Double
    /// Beats found against beats annotated.
    public let detection: BeatMatching
    /// Kinds told at the annotated beats.
    public let classification: ClassificationEvaluation
    /// Kinds told at the beats found, of annotated ones; those not found count as told of no kind.
    public let endToEnd: [EndToEnd]
    /// What was left out, one sentence each.
    public let notes: [String]
  }

  /// Finding and telling a kind together.
  public struct EndToEnd: Codable, Sendable, Equatable {
    /// The kind.
    public let name: String
    /// The share of annotated beats of the kind that were found and told so.
    public let sensitivity: ShareWithInterval?
    /// The share of beats told so that are annotated so.
    public let precision: ShareWithInterval?
  }

  /// The model.
  public let model: ModelPackage
  private let plan: SequencePlan
  private let windows: SequencePlan.Beats
  private let network: any Network

  /// The kinds of beats.
  public var classNames: [String] { model.description.labels.map(\.name) }

  /// Loads a model, whose files are checked against their hashes.
  /// - Parameter model: The model.
  /// - Throws: `SequencesError.otherTask`; `PipelinesError.damagedModel`; `LayersError`.
  public init(_ model: ModelPackage) throws {
    guard let plan = model.description.plan.sequence, let windows = plan.beats else {
      throw SequencesError.otherTask(
        model: model.description.name,
        task: model.description.plan.summary,
        wanted: "telling beats apart"
      )
    }
    self.model = model
    self.plan = plan
    self.windows = windows
    network = try model.makeNetwork()
  }

  /// Analyses a record.
  /// - Parameters:
  ///   - path: The record, with or without an ending.
  ///   - interruption: Looked at between batches of beats.
  /// - Returns: The beats.
  /// - Throws: `SequencesError.unsuitableRecord` for a record without the model's leads, sampled too slowly,
  ///   mostly missing, or in which no beat is found; what reading throws.
  public func analyze(_ path: String, interruption: Interruption) throws -> Result {
    let record = try WFDBReader.read(path)
    let (samples, missing) = try beats(of: record, path: path)
    guard !samples.isEmpty else {
      throw SequencesError.unsuitableRecord(
        path: path,
        reason: "no beat is found in its lead \(windows.leads[0])"
      )
    }
    let rows = try probabilities(record, samples, path: path, interruption: interruption)
    let names = classNames
    let found = zip(samples, rows).map { sample, row in
      let label = plan.scoring.told(row)[0]
      return Beat(
        sample: sample,
        seconds: Double(sample) / record.samplingHz,
        name: names[label],
        probability: (row[label] * 1e6).rounded() / 1e6
      )
    }
    let intervals = zip(found, found.dropFirst()).filter {
      $1.seconds - $0.seconds <= BeatWindows.longestInterval
    }
    let lengths = intervals.map { $1.seconds - $0.seconds }.sorted()
    let sinus = WFDBAnnotations.name(of: "N")
    let normal = intervals.filter { $0.name == sinus && $1.name == sinus }
      .map { 1000 * ($1.seconds - $0.seconds) }
    let mean = normal.reduce(0, +) / Double(max(1, normal.count))
    let squares = normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return Result(
      id: record.name,
      durationSeconds: record.durationSeconds,
      samplingHz: record.samplingHz,
      lead: windows.leads[0],
      missingSeconds: Double(missing) / record.samplingHz,
      counts: Dictionary(grouping: found, by: \.name).mapValues(\.count),
      heartRate: lengths.isEmpty
        ? nil : 120 / (lengths[(lengths.count - 1) / 2] + lengths[lengths.count / 2]),
      sdnnMS: normal.count > 1 ? (squares / Double(normal.count - 1)).squareRoot() : nil,
      beats: found
    )
  }

  /// Measures on annotated records.
  /// - Parameters:
  ///   - paths: Records or folders of them.
  ///   - annotator: The ending of the annotation files.
  ///   - lastShare: The share of each record's time, its end, that is measured.
  ///   - interruption: Looked at between records.
  /// - Returns: The results.
  /// - Throws: As `analyze`; `SequencesError.nothingToUse` where no beat is of the model's kinds.
  public func evaluate(
    _ paths: [String],
    annotator: String = "atr",
    lastShare: Double = 1,
    interruption: Interruption
  ) throws -> Evaluation {
    let names = classNames
    var (records, parts, rows) = ([String](), [BeatMatching](), [[Double]]())
    var truths: [ClassificationEvaluation.Truth] = []
    var others = 0
    var told = [Int](repeating: 0, count: names.count)
    var right = told
    for path in try paths.flatMap({ try WFDBReader.records($0) }) {
      try interruption.check()
      let record = try BeatDataset.record(path, annotator: annotator)
      let start = Int(Double(record.waveform.count) * (1 - lastShare))
      let isMeasured = { (sample: Int) in sample >= start }
      let found = try beats(of: record.waveform, path: path).samples
      let matching = BeatMatching(
        found: found.filter(isMeasured),
        reference: record.samples.filter(isMeasured),
        samplingHz: record.waveform.samplingHz
      )
      records.append(record.waveform.name)
      parts.append(matching)
      let kinds = record.beats.map { names.firstIndex(of: WFDBAnnotations.name(of: $0.symbol)) }
      let own = try probabilities(
        record.waveform,
        record.samples,
        path: path,
        interruption: interruption
      )
      for (index, kind) in kinds.enumerated() where isMeasured(record.samples[index]) {
        guard let kind else {
          others += 1
          continue
        }
        rows.append(own[index])
        truths.append(.init(id: "\(record.waveform.name), beat \(index + 1)", classes: [kind]))
      }
      // From here on indices are those of the measured part.
      let ends = try probabilities(record.waveform, found, path: path, interruption: interruption)
      let measuredEnds = zip(found, ends).filter { isMeasured($0.0) }
        .map { plan.scoring.told($0.1)[0] }
      for label in measuredEnds { told[label] += 1 }
      let measuredKinds = zip(record.samples, kinds).filter { isMeasured($0.0) }.map(\.1)
      for pair in matching.pairs where measuredKinds[pair.reference] == measuredEnds[pair.found] {
        right[measuredEnds[pair.found]] += 1
      }
    }
    guard !truths.isEmpty else {
      throw SequencesError.nothingToUse(
        path: paths[0],
        reason: "none of its beats is of the model's kinds \(names.joined(separator: ", "))"
      )
    }
    return Evaluation(
      records: records,
      lastShare: lastShare,
      detection: BeatMatching(joining: parts),
      classification: ClassificationEvaluation(
        rows,
        truths: truths,
        plan: plan.scoring,
        classNames: names
      ),
      endToEnd: names.indices.map { label in
        EndToEnd(
          name: names[label],
          sensitivity: ShareWithInterval(
            right[label],
            of: truths.count { $0.classes == [label] }
          ),
          precision: ShareWithInterval(right[label], of: told[label])
        )
      },
      notes: others > 0 ? ["\(others) beats of other kinds were left out of the kinds."] : []
    )
  }

  /// The beats that the detector finds, and how many samples of the lead are missing.
  private func beats(
    of record: WaveformRecord,
    path: String
  ) throws -> (samples: [Int], missing: Int) {
    guard record.samplingHz >= BeatDetector.leastSamplingHz else {
      throw SequencesError.unsuitableRecord(
        path: path,
        reason: "\(record.samplingHz) samples a second are fewer than "
          + "\(BeatDetector.leastSamplingHz)"
      )
    }
    guard let lead = record.lead(windows.leads[0]) else {
      throw SequencesError.unsuitableRecord(
        path: path,
        reason: "it has no lead \(windows.leads[0]), but "
          + record.leadNames.joined(separator: ", ")
      )
    }
    let missing = lead.values.count { !$0.isFinite }
    guard missing * 2 <= record.count else {
      throw SequencesError.unsuitableRecord(
        path: path,
        reason: "more than half of its lead \(windows.leads[0]) is missing"
      )
    }
    return (BeatDetector().beats(lead.values, samplingHz: record.samplingHz), missing)
  }

  private func probabilities(
    _ record: WaveformRecord,
    _ samples: [Int],
    path: String,
    interruption: Interruption
  ) throws -> [[Double]] {
    let cut = try BeatWindows(record, beats: samples, plan: windows, path: path)
    return try SequenceScoring.scores(
      of: network,
      count: samples.count,
      shape: plan.windowShape,
      interruption: interruption
    ) { index in
      var random = RandomStream(seed: 0)
      return cut.values(index, &random)
    }.map(plan.scoring.probabilities)
  }
}
