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
    self.init(
      predictions: predictions,
      references: references,
      structures: labels.map { [$0.id] }
    )
  }

  /// Tries the steps on structures that may overlap.
  /// - Parameters:
  ///   - predictions: Predicted label maps.
  ///   - references: The references of the same cases.
  ///   - structures: The labels that make up each structure.
  /// - Precondition: As many predictions as references, on the same grids.
  package init(predictions: [LabelMap], references: [LabelMap], structures: [[Int]]) {
    precondition(predictions.count == references.count, "predictions without references")
    var current = predictions
    var scores = Self.dice(current, references, structures)
    before = Self.mean(scores)
    var steps: [[Int]] = []
    func attempt(_ step: [Int], isBetter: ([Double?]) -> Bool) {
      let changed = current.map { NNUNetPostprocessing(steps: [step]).applied(to: $0) }
      let new = Self.dice(changed, references, structures)
      guard isBetter(new) else { return }
      steps.append(step)
      current = changed
      scores = new
    }
    if structures.count > 1 {
      attempt(Set(structures.joined()).sorted()) { new in
        guard let old = Self.mean(scores), let mean = Self.mean(new), mean > old else {
          return false
        }
        return zip(new, scores).allSatisfy { ($0 ?? 0) >= ($1 ?? 0) }
      }
    }
    for (index, members) in structures.enumerated() {
      attempt(members) { new in (new[index] ?? 0) > (scores[index] ?? 0) }
    }
    after = Self.mean(scores)
    postprocessing = steps.isEmpty ? nil : NNUNetPostprocessing(steps: steps)
  }

  /// Each structure's mean Dice over the cases in which either map has it.
  private static func dice(
    _ predictions: [LabelMap],
    _ references: [LabelMap],
    _ structures: [[Int]]
  ) -> [Double?] {
    var structuresOf = [[Int]](repeating: [], count: 1 << 16)
    for (index, members) in structures.enumerated() {
      for number in members where structuresOf.indices.contains(number) {
        structuresOf[number].append(index)
      }
    }
    var sums = [Double](repeating: 0, count: structures.count)
    var counts = [Int](repeating: 0, count: structures.count)
    for (prediction, reference) in zip(predictions, references) {
      var sizes = [Int](repeating: 0, count: structures.count)
      var common = sizes
      for (a, b) in zip(prediction.labels, reference.labels) where a != 0 || b != 0 {
        let (found, wanted) = (structuresOf[Int(a)], structuresOf[Int(b)])
        for index in found {
          sizes[index] += 1
          if wanted.contains(index) { common[index] += 1 }
        }
        for index in wanted { sizes[index] += 1 }
      }
      for index in structures.indices where sizes[index] > 0 {
        sums[index] += 2 * Double(common[index]) / Double(sizes[index])
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
  private let structures: [[Int]]
  private let ignoredLabel: Int?
  private let isKept: Bool
  private var predictions: [LabelMap] = []
  private var references: [LabelMap] = []

  init(_ dataset: SegmentationDataset, heldOut: [DatasetCheck.LoadedCase]) {
    structures =
      dataset.regions.isEmpty
      ? dataset.labels.map { [$0.id] } : dataset.regions.map(\.labels)
    ignoredLabel = dataset.ignoreLabel
    let voxels = heldOut.reduce(0) { $0 + $1.labelMap.labels.count }
    isKept = !dataset.countsObjects && voxels * (structures.count + 1) <= Self.mostWork
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
      : PostprocessingChoice(
        predictions: predictions,
        references: references,
        structures: structures
      )
  }
}
