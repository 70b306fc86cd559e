import Evaluation
import Imaging

/// Keeps pictures of the held-out cases with the lowest mean Dice coefficients.
struct WorstPictures {
  private let classes: PicturedClasses
  private var entries: [(score: Double, picture: SlicePicture)] = []

  /// The most cases.
  static let limit = 4

  init(_ classes: PicturedClasses) { self.classes = classes }

  /// The pictures, the worst first.
  var pictures: [SlicePicture] { entries.map(\.picture) }

  /// Looks at one more case.
  /// - Parameters:
  ///   - entry: The case.
  ///   - prediction: What the model made of it.
  ///   - evaluation: How good that is.
  /// - Throws: `SupportError.libraryFailure`.
  mutating func add(
    _ entry: DatasetCheck.LoadedCase,
    _ prediction: LabelMap,
    _ evaluation: CaseEvaluation
  ) throws {
    let values = evaluation.labels.compactMap { $0.values["dice"]?.number }
    guard !values.isEmpty else { return }
    let score = values.reduce(0, +) / Double(values.count)
    let place = entries.firstIndex { $0.score > score } ?? entries.count
    guard place < Self.limit else { return }
    let picture = try SlicePicture(
      scan: entry.scan,
      reference: entry.labelMap,
      caseID: entry.id,
      classes: classes,
      differing: prediction
    )
    entries.insert((score, picture), at: place)
    if entries.count > Self.limit { entries.removeLast() }
  }
}
