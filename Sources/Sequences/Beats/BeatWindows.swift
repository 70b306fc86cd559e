import Foundation
import Pipelines
import Support

/// What a network sees of the beats of one record: windows of its leads, and the intervals around.
package struct BeatWindows: Sendable {
  /// Changes of a window while training.
  package struct Change: Sendable {
    /// By how much the window starts later, s.
    var shiftSeconds = 0.0
    /// What the leads are multiplied by.
    var gain: Float = 1
    /// The deviation of added noise, in those of the leads.
    var noise: Float = 0

    /// No change.
    package init() {}
  }

  /// Intervals longer than this say that beats are missing, not how the heart beats, s.
  static let longestInterval = 3.0
  /// Intervals on each side whose median the beat's own are compared with.
  static let neighbours = 5
  /// Makes intervals as large as the leads' values.
  private static let intervalScale = 3.0

  private let plan: SequencePlan.Beats
  private let samplingHz: Double
  private let leads: [[Float]]
  private let beats: [Int]

  /// Prepares a record.
  /// - Parameters:
  ///   - record: The record.
  ///   - beats: The samples of its beats, rising.
  ///   - plan: What the network sees.
  ///   - path: The record, for messages.
  /// - Throws: `SequencesError.unsuitableRecord` for a lead that is not there or has no value.
  package init(
    _ record: WaveformRecord,
    beats: [Int],
    plan: SequencePlan.Beats,
    path: String
  ) throws(SequencesError) {
    self.plan = plan
    self.beats = beats
    samplingHz = record.samplingHz
    var leads: [[Float]] = []
    for name in plan.leads {
      guard let signal = record.lead(name) else {
        throw .unsuitableRecord(
          path: path,
          reason: "it has no lead \(name), but \(record.leadNames.joined(separator: ", "))"
        )
      }
      guard let first = signal.values.first(where: \.isFinite) else {
        throw .unsuitableRecord(path: path, reason: "its lead \(name) has no value")
      }
      // A missing sample is the one before.
      var last = first
      leads.append(
        signal.values.map {
          if $0.isFinite { last = $0 }
          return last
        }
      )
    }
    self.leads = leads
  }

  /// The mean square of a lead's windows about some beats, each about its own median.
  func meanSquare(lead: Int, beats indices: [Int]) -> Double {
    var sum = 0.0
    for index in indices {
      let window = window(lead: lead, beat: index, shiftSeconds: 0)
      sum += window.reduce(0) { $0 + Double($1) * Double($1) } / Double(window.count)
    }
    return sum / Double(max(1, indices.count))
  }

  /// What the network sees of a beat: `[leads + 1, steps, samplesPerStep]`.
  ///
  /// Each lead about its window's median, divided by its deviation; beyond the record's ends its first or
  /// last value. The last channel repeats four numbers: the intervals to the beat before and to the next,
  /// each over the median of ten around less 1, the logarithm of their ratio, and 1 where both are known.
  /// - Parameters:
  ///   - index: Which beat.
  ///   - change: Changes while training.
  ///   - random: The stream to draw noise from.
  /// - Returns: The values.
  package func values(
    _ index: Int,
    change: Change = Change(),
    _ random: inout RandomStream
  ) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity((leads.count + 1) * plan.samples)
    for lead in leads.indices {
      let factor = change.gain / Float(plan.deviations[lead])
      for value in window(lead: lead, beat: index, shiftSeconds: change.shiftSeconds) {
        result.append(
          value * factor + (change.noise > 0 ? change.noise * Float(random.normal()) : 0)
        )
      }
    }
    let intervals = intervals(index)
    for _ in 0..<plan.steps {
      for sample in 0..<plan.samplesPerStep { result.append(intervals[sample % 4]) }
    }
    return result
  }

  /// A lead about a beat, linearly interpolated, less its median.
  private func window(lead: Int, beat: Int, shiftSeconds: Double) -> [Float] {
    let signal = leads[lead]
    let start =
      Double(beats[beat]) + (shiftSeconds - plan.secondsBefore) * samplingHz
    let step = samplingHz / plan.samplingHz
    let values = (0..<plan.samples).map { sample -> Float in
      let place = min(max(start + Double(sample) * step, 0), Double(signal.count - 1))
      let left = Int(place)
      let right = min(left + 1, signal.count - 1)
      return signal[left] + Float(place - Double(left)) * (signal[right] - signal[left])
    }
    let median = values.sorted()[values.count / 2]
    return values.map { $0 - median }
  }

  private func intervals(_ index: Int) -> [Float] {
    func interval(_ later: Int) -> Double? {
      guard later > 0, later < beats.count else { return nil }
      let seconds = Double(beats[later] - beats[later - 1]) / samplingHz
      return seconds > 0 && seconds <= Self.longestInterval ? seconds : nil
    }
    let around = (index - Self.neighbours + 1...index + Self.neighbours).compactMap(interval)
      .sorted()
    guard !around.isEmpty else { return [0, 0, 0, 0] }
    let median = around[around.count / 2]
    let (before, after) = (interval(index), interval(index + 1))
    let ratio = before.flatMap { before in after.map { log($0 / before) } }
    return [
      before.map { $0 / median - 1 } ?? 0, after.map { $0 / median - 1 } ?? 0, ratio ?? 0,
      ratio == nil ? 0 : 1 / Self.intervalScale,
    ].map { Float(Self.intervalScale * $0) }
  }
}
