import Pipelines
import Support

extension TrainCommand {
  private struct Suggestions: Encodable {
    let model: String
    let scans: Int
    let uncertainty: String
    let diversity: String
    let suggestions: [CaseSuggestion]
  }

  /// Names the scans that are most worth labelling.
  /// - Parameters:
  ///   - count: How many.
  ///   - dataset: The data set with unlabelled scans.
  ///   - context: Where to report and look for Ctrl-C.
  /// - Throws: What segmenting throws; `UnlabelledError`.
  func suggest(
    _ count: Int,
    for dataset: SegmentationDataset,
    in context: CommandContext
  ) throws {
    guard let from else { preconditionFailure("checked when arguments were parsed") }
    let model = try ModelStore().model(from)
    let scans = try dataset.unlabelledScans()
    guard !scans.isEmpty else { throw UnlabelledError.noScans(path: dataset.path) }
    let found = try CaseRanking(
      model: model,
      progress: context.progress,
      interruption: context.interruption
    ).suggestions(among: scans, count: count)
    let answer = Suggestions(
      model: model.description.name,
      scans: scans.count,
      uncertainty: "mean normalised entropy where background is less than 99 % certain",
      diversity: "distance to the nearest suggestion before, by volumes and intensities",
      suggestions: found
    )
    try context.answer(answer) {
      TextTable.lines(
        [["case", "rank", "uncertainty", "distance"]]
          + found.map {
            [
              $0.id, "\($0.rank)", rounded($0.uncertainty),
              $0.distance.map(rounded) ?? "-",
            ]
          }
      ).joined(separator: "\n")
    }
  }

  private func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

  /// The data set with the scans that `--from` labels.
  /// - Parameters:
  ///   - dataset: The data set.
  ///   - target: Where the label maps of an unfinished run are kept.
  ///   - context: Where to report and look for Ctrl-C.
  /// - Returns: The data set as it is without `--pseudo-labels`.
  /// - Throws: What segmenting throws; `UnlabelledError`.
  func addingPseudoLabels(
    to dataset: SegmentationDataset,
    keptIn target: String,
    in context: CommandContext
  ) throws -> SegmentationDataset {
    guard let folder = unlabelled.pseudoLabels, let from else { return dataset }
    return try PseudoLabels(
      model: try ModelStore().model(from),
      confidence: unlabelled.confidence,
      progress: context.progress,
      interruption: context.interruption
    ).adding(
      SegmentationInputs([folder], picturesAreCases: dataset.isPictures).cases,
      in: target,
      to: dataset
    )
  }

  /// Where the labels of an unfinished run are kept.
  static func pseudoFolder(_ folder: String) -> String { folder + "/pseudo-labels" }
}
