import Foundation
import Imaging
import Support

/// Chooses on held-out cases which structures keep their largest component only.
///
/// As nnU-Net does (Isensee et al. 2021, methods, "Postprocessing"; `determine_postprocessing` of
/// version 2): all structures taken together first, which stays if the mean Dice over structures rises
/// and none falls; then each structure by itself, which stays if its own mean Dice rises.
package struct PostprocessingChoice: Sendable {
  /// What was chosen; nil where nothing helps.
  package private(set) var postprocessing: NNUNetPostprocessing?
  /// Mean Dice over structures, of their means over cases, without the steps; nil without any.
  package private(set) var before: Double?
  /// The same with the steps.
  package private(set) var after: Double?

  /// Tries the steps.
  /// - Parameters:
  ///   - predictions: Predicted label maps.
  ///   - references: The references of the same cases.
  ///   - labels: The structures.
  /// - Precondition: As many predictions as references, on the same grids.
  package init(predictions: [LabelMap], references: [LabelMap], labels: [LabelDefinition]) {
    precondition(predictions.count == references.count, "predictions without references")
    let ids = labels.map(\.id)
    var current = predictions
    var scores = Self.dice(current, references, ids)
    before = Self.mean(scores)
    var steps: [[Int]] = []
    func attempt(_ step: [Int], isBetter: ([Double?]) -> Bool) {
      let changed = current.map { NNUNetPostprocessing(steps: [step]).applied(to: $0) }
      let new = Self.dice(changed, references, ids)
      guard isBetter(new) else { return }
      steps.append(step)
      current = changed
      scores = new
    }
    if ids.count > 1 {
      attempt(ids) { new in
        guard let old = Self.mean(scores), let mean = Self.mean(new), mean > old else {
          return false
        }
        return zip(new, scores).allSatisfy { ($0 ?? 0) >= ($1 ?? 0) }
      }
    }
    for (index, id) in ids.enumerated() {
      attempt([id]) { new in (new[index] ?? 0) > (scores[index] ?? 0) }
    }
    after = Self.mean(scores)
    postprocessing = steps.isEmpty ? nil : NNUNetPostprocessing(steps: steps)
  }

  /// Each structure's mean Dice over the cases in which either map has it.
  private static func dice(
    _ predictions: [LabelMap],
    _ references: [LabelMap],
    _ ids: [Int]
  ) -> [Double?] {
    var sums = [Double](repeating: 0, count: ids.count)
    var counts = [Int](repeating: 0, count: ids.count)
    for (prediction, reference) in zip(predictions, references) {
      var agreement = LabelAgreement(ids)
      agreement.add(prediction, reference)
      for (index, id) in ids.enumerated() {
        guard let value = agreement.dice(id) else { continue }
        sums[index] += value
        counts[index] += 1
      }
    }
    return zip(sums, counts).map { $1 == 0 ? nil : $0 / Double($1) }
  }

  private static func mean(_ scores: [Double?]) -> Double? {
    let known = scores.compactMap { $0 }
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }
}

extension PostprocessingChoice {
  /// What was found, in a sentence; nil where no case had a structure.
  var sentence: String? {
    guard let before, let after else { return nil }
    func fixed(_ value: Double) -> String {
      value.formatted(.number.precision(.fractionLength(4)).grouping(.never))
    }
    return postprocessing == nil
      ? "Keeping largest components only would not raise the mean Dice of \(fixed(before))."
      : "Keeping largest components only raises the mean Dice from \(fixed(before)) to "
        + "\(fixed(after)); segment --postprocess does it."
  }
}

/// Gathers held-out predictions for the choice.
struct LargestComponents {
  /// No choice is made where voxels times structures exceed this: it would take minutes.
  private static let mostWork = 2_000_000_000
  private let labels: [LabelDefinition]
  private let ignoredLabel: Int?
  private let isKept: Bool
  private var predictions: [LabelMap] = []
  private var references: [LabelMap] = []

  init(_ dataset: SegmentationDataset, heldOut: [DatasetCheck.LoadedCase]) {
    labels = dataset.labels
    ignoredLabel = dataset.ignoreLabel
    let voxels = heldOut.reduce(0) { $0 + $1.labelMap.labels.count }
    isKept = !dataset.countsObjects && voxels * (labels.count + 1) <= Self.mostWork
  }

  /// Keeps a prediction; voxels that the reference ignores become background.
  mutating func add(_ prediction: LabelMap, reference: LabelMap) {
    guard isKept else { return }
    var prediction = prediction
    if let ignoredLabel {
      for i in prediction.labels.indices where Int(reference.labels[i]) == ignoredLabel {
        prediction.labels[i] = 0
      }
    }
    predictions.append(prediction)
    references.append(reference)
  }

  /// The choice; nil without cases.
  func choice() -> PostprocessingChoice? {
    predictions.isEmpty
      ? nil
      : PostprocessingChoice(predictions: predictions, references: references, labels: labels)
  }
}
