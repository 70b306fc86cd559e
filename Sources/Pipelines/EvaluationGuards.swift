import Evaluation
import Imaging

/// Checks of a prediction against its reference that come before any metric.
struct EvaluationGuards {
  /// Whether a label map on another grid is brought onto the reference's.
  let resamplesPrediction: Bool
  /// Whether the user said what the numbers mean.
  let hasLabelFile: Bool

  /// Brings a prediction onto its reference's grid, or refuses it.
  /// - Parameters:
  ///   - prediction: The map to judge.
  ///   - reference: The map taken as true.
  ///   - id: The case's name.
  /// - Returns: The prediction on the reference's grid, and what was done to it.
  /// - Throws: `EvaluationError.gridMismatch` when the grids differ and may not be made equal;
  ///   `.labelMismatch` when the tables of both contradict each other.
  func checked(
    _ prediction: LabelMap,
    against reference: LabelMap,
    id: String
  ) throws(EvaluationError) -> (prediction: LabelMap, problems: [String]) {
    let names = try labelProblems(prediction, reference, id: id)
    guard let difference = prediction.geometry.difference(from: reference.geometry) else {
      return (prediction, names)
    }
    let (from, to) = (prediction.geometry.orientation, reference.geometry.orientation)
    let isReordered =
      from != to
      && prediction.geometry.reoriented(to: to).difference(from: reference.geometry) == nil
    if isReordered {
      guard resamplesPrediction else {
        throw .gridMismatch(
          caseID: id,
          reason: "the voxels are the same but stored in the order \(from) against \(to)"
        )
      }
      let line = "the prediction's voxels were reordered from \(from) to \(to); none was resampled"
      return (prediction.reoriented(to: to), names + [line])
    }
    guard resamplesPrediction else { throw .gridMismatch(caseID: id, reason: difference) }
    let line =
      "the prediction was resampled onto the reference's grid by nearest neighbour (\(difference))"
    return (prediction.resampled(to: reference.geometry), names + [line])
  }

  /// Compares the tables of both maps where both have one and no label file stands above them.
  private func labelProblems(
    _ prediction: LabelMap,
    _ reference: LabelMap,
    id: String
  ) throws(EvaluationError) -> [String] {
    guard !hasLabelFile else { return [] }
    var known: [Int: String] = [:]
    for entry in reference.table where known[entry.id] == nil { known[entry.id] = entry.name }
    let names = Set(known.values.map(Self.plain))
    var problems: [String] = []
    for entry in prediction.table where entry.id != 0 {
      guard let other = known[entry.id], Self.plain(other) != Self.plain(entry.name) else {
        continue
      }
      // The name under another number: the two maps certainly count differently.
      if names.contains(Self.plain(entry.name)) {
        throw .labelMismatch(
          caseID: id,
          label: entry.id,
          prediction: entry.name,
          reference: other
        )
      }
      problems.append(
        "label \(entry.id) is \"\(entry.name)\" in the prediction and \"\(other)\" in the reference"
      )
    }
    return problems
  }

  /// A name without case of letters and punctuation, in which programs differ.
  private static func plain(_ name: String) -> String {
    name.lowercased().filter { $0.isLetter || $0.isNumber }
  }
}
