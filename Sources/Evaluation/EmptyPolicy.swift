/// What the metrics of a structure are when the prediction, the reference or both lack it.
///
/// Programs disagree here more than anywhere else; a report names its policy. The rules of the
/// named programs are those of nnU-Net 2 (`summary.json`), MONAI 1.5 (`ignore_empty=True`), Metrics
/// Reloaded (Maier-Hein, Reinke et al. 2024) and the BraTS challenges.
///
/// | policy | overlap, both empty | one empty | distance, both empty | one empty |
/// | --- | --- | --- | --- | --- |
/// | lamina | undefined | 0 | undefined | diagonal of the image, mm |
/// | nnunet | undefined | 0 | undefined | undefined |
/// | monai | undefined | 0; undefined if the reference is the empty one | undefined | undefined |
/// | metrics-reloaded | 1 (IoU undefined) | 0 | 0 | undefined |
/// | brats | 1 | 0 | 0 | 374 mm |
///
/// Overlap stands for Dice, IoU, volume similarity, both surface Dices, boundary IoU (as IoU), centreline
/// Dice, lesion F1 and panoptic and recognition quality; distance for the Hausdorff and mean surface
/// distances. Sensitivity, precision and specificity, also of lesions, follow their formula under every
/// policy and are undefined where it is 0/0. An empty mask has Betti numbers of 0 and no lesions; the
/// errors of Betti numbers of two empty masks are those of a distance.
public enum EmptyPolicy: String, Sendable, CaseIterable, Codable {
  case lamina
  case nnunet
  case monai
  case metricsReloaded = "metrics-reloaded"
  case brats

  /// The distance that BraTS assigns to a missed structure: the diagonal of its 240x240x155 grid.
  static let bratsPenaltyMM = 374.0

  /// The policy in one sentence, for reports.
  public var explanation: String {
    switch self {
    case .lamina:
      "A structure absent from both maps is left out and counted; absent from one of them its "
        + "overlap is 0 and its distance the diagonal of the image."
    case .nnunet:
      "As nnU-Net: a structure absent from both maps is left out; absent from one its overlap is 0; "
        + "distances then are undefined."
    case .monai:
      "As MONAI: a structure absent from the reference is left out; missed by the prediction its "
        + "overlap is 0; distances then are undefined."
    case .metricsReloaded:
      "As Metrics Reloaded: a structure absent from both maps has Dice 1 and distance 0; absent from "
        + "one its overlap is 0 and its distance undefined."
    case .brats:
      "As BraTS: a structure absent from both maps has overlap 1 and distance 0; absent from one "
        + "overlap 0 and distance 374 mm."
    }
  }

  /// The overlap of two masks of which at least one is empty, or nil when none is.
  func overlap(_ state: EmptyState, bothEmptyIsOne: Bool = true) -> MetricValue? {
    switch (state, self) {
    case (.neither, _): nil
    case (.both, .metricsReloaded) where bothEmptyIsOne: .value(1)
    case (.both, .brats): .value(1)
    case (.both, _), (.reference, .monai): .undefined(reason: state.reason)
    case (.prediction, _), (.reference, _): .value(0)
    }
  }

  /// The distance of two masks of which at least one is empty, or nil when none is.
  func distance(_ state: EmptyState, diagonalMM: Double) -> MetricValue? {
    switch (state, self) {
    case (.neither, _): nil
    case (.both, .metricsReloaded), (.both, .brats): .value(0)
    case (.both, _): .undefined(reason: state.reason)
    case (_, .lamina): .value(diagonalMM)
    case (_, .brats): .value(Self.bratsPenaltyMM)
    case (_, _): .undefined(reason: state.reason)
    }
  }
}

/// Which of two masks is empty.
public enum EmptyState: Sendable, Equatable {
  case neither
  /// The structure is in neither map.
  case both
  /// Only the prediction lacks the structure: it was missed.
  case prediction
  /// Only the reference lacks the structure: a false alarm.
  case reference

  var reason: String {
    switch self {
    case .neither: "no mask is empty"
    case .both: "both masks are empty"
    case .prediction: "the prediction is empty"
    case .reference: "the reference is empty"
    }
  }
}
