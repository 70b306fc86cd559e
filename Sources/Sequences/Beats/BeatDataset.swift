import Foundation
import Recognition
import Support

/// Annotated records whose beats are trained and measured on, each record divided by time.
public struct BeatDataset: Sendable {
  /// One beat.
  package struct Item: Sendable {
    /// Which record.
    package let record: Int
    /// Which of its beats.
    package let beat: Int
    /// Its class.
    package let label: Int
    /// What it is for.
    package let split: LabelledImages.Split
  }

  /// A record with its beats.
  package struct Record: Sendable {
    /// The signals.
    package let waveform: WaveformRecord
    /// The annotated beats, in the order of time; those of unused classes too, for the intervals.
    package let beats: [WFDBAnnotations.Mark]

    /// The samples of the beats.
    package var samples: [Int] { beats.map(\.sample) }
  }

  /// A class of fewer beats to train on is left out when classes are chosen.
  static let leastCount = 5

  /// The data set's name.
  public let name: String
  /// The classes, as PhysioNet's symbols.
  public let symbols: [String]
  /// Leads that all records have, in the order of the first.
  public let leads: [String]
  /// The records.
  package let records: [Record]
  /// The beats of the classes.
  package let items: [Item]
  /// What was left out or is odd, one sentence each.
  public let problems: [String]

  /// Reads records with annotations and divides them.
  ///
  /// The last share of each record's time is the test, the last share of the rest for looks on the way, so
  /// that, with a validation share above 0, no beat of the test has a neighbour that was trained on.
  /// - Parameters:
  ///   - paths: Records, with or without an ending, or folders of them.
  ///   - annotator: The ending of the annotation files.
  ///   - symbols: The classes; those with enough beats to train on when nil.
  ///   - leads: The leads; all that every record has when nil.
  ///   - testShare: Share of the time for the test, 0 to below 1.
  ///   - validationShare: Share of the rest for looks on the way.
  ///   - interruption: Looked at before each record.
  /// - Throws: What reading throws; `SequencesError.unsuitableRecord` for a record without beats, without
  ///   the leads, or sampled too slowly; `.nothingToUse` where fewer than two classes are left.
  public init(
    _ paths: [String],
    annotator: String = "atr",
    symbols: [String]? = nil,
    leads: [String]? = nil,
    testShare: Double,
    validationShare: Double,
    interruption: Interruption
  ) throws {
    let found = try paths.flatMap { try WFDBReader.records($0) }
    let records = try found.map { path -> Record in
      try interruption.check()
      return try Self.record(path, annotator: annotator)
    }
    var seen: Set<String> = []
    let common = records[0].waveform.leadNames.filter { name in
      seen.insert(name).inserted && records.allSatisfy { $0.waveform.leadNames.contains(name) }
    }
    for (path, record) in zip(found, records) {
      if let missing = (leads ?? []).first(where: { !record.waveform.leadNames.contains($0) }) {
        throw SequencesError.unsuitableRecord(
          path: path,
          reason: "it has no lead \(missing), but "
            + record.waveform.leadNames.joined(separator: ", ")
        )
      }
    }
    self.leads = leads ?? common
    guard !self.leads.isEmpty else {
      throw SequencesError.nothingToUse(
        path: paths[0],
        reason: "its records have no lead in common"
      )
    }
    name = records.map(\.waveform.name).joined(separator: ", ")
    self.records = records

    func split(_ mark: WFDBAnnotations.Mark, _ count: Int) -> LabelledImages.Split {
      let place = Double(mark.sample) / Double(max(1, count))
      if place >= 1 - testShare { return .test }
      return place >= (1 - testShare) * (1 - validationShare) ? .validation : .training
    }
    let all = records.enumerated().flatMap { index, record in
      record.beats.enumerated().map { beat, mark in
        (index, beat, mark, split(mark, record.waveform.count))
      }
    }
    let training = Dictionary(grouping: all.filter { $0.3 == .training }, by: \.2.symbol)
      .mapValues(\.count)
    let chosen =
      symbols
      ?? training.filter { $0.value >= Self.leastCount }.map(\.key).sorted {
        (training[$0] ?? 0, $1) > (training[$1] ?? 0, $0)
      }
    self.symbols = chosen
    if let rare = chosen.first(where: { training[$0] == nil }) {
      throw SequencesError.nothingToUse(
        path: paths[0],
        reason: "none of the beats to train on is \(WFDBAnnotations.name(of: rare)) (\(rare))"
      )
    }
    guard chosen.count > 1 else {
      throw SequencesError.nothingToUse(
        path: paths[0],
        reason: "fewer than two kinds of beats have \(Self.leastCount) to train on"
      )
    }
    items = all.compactMap { record, beat, mark, split in
      chosen.firstIndex(of: mark.symbol).map {
        Item(record: record, beat: beat, label: $0, split: split)
      }
    }
    let others = Dictionary(grouping: all.filter { !chosen.contains($0.2.symbol) }, by: \.2.symbol)
    problems = others.sorted { $0.key < $1.key }.map { symbol, beats in
      "\(beats.count) \(beats.count == 1 ? "beat" : "beats") of the kind "
        + "\(WFDBAnnotations.name(of: symbol)) (\(symbol)) left out: of no class."
    }
  }

  /// Reads one record with its beats.
  static func record(_ path: String, annotator: String) throws -> Record {
    let waveform = try WFDBReader.read(path)
    guard waveform.samplingHz >= BeatDetector.leastSamplingHz else {
      throw SequencesError.unsuitableRecord(
        path: path,
        reason: "\(waveform.samplingHz) samples a second are fewer than "
          + "\(BeatDetector.leastSamplingHz)"
      )
    }
    let beats = try WFDBAnnotations(path: path + "." + annotator).beats
    guard !beats.isEmpty else {
      throw SequencesError.unsuitableRecord(path: path, reason: "no beat is annotated")
    }
    guard beats[beats.count - 1].sample < waveform.count else {
      throw SequencesError.unsuitableRecord(
        path: path,
        reason: "beats are annotated after its end; the files belong to different records"
      )
    }
    return Record(waveform: waveform, beats: beats)
  }

  /// The beats of a split.
  package func items(_ split: LabelledImages.Split) -> [Item] {
    items.filter { $0.split == split }
  }
}

extension WaveformRecord {
  /// The leads' names; "lead 1" and so on where there is none.
  public var leadNames: [String] {
    signals.enumerated().map { $1.name.isEmpty ? "lead \($0 + 1)" : $1.name }
  }

  /// The lead of a name; nil without one.
  /// - Parameter name: Such as "MLII".
  /// - Returns: The signal.
  public func lead(_ name: String) -> Signal? {
    leadNames.firstIndex(of: name).map { signals[$0] }
  }
}
