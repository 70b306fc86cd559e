import Foundation
import Imaging
import Recognition
import Reporting

/// Results of networks for whole images as the report wants them.
enum RecognitionReportInput {
  /// Pictures smaller than this are enlarged by whole numbers.
  private static let leastSide = 160

  /// The page of an evaluation.
  /// - Parameters:
  ///   - evaluation: The results.
  ///   - title: The page's title.
  ///   - facts: What was done, by name.
  /// - Returns: The page.
  static func page(
    _ evaluation: ClassificationEvaluation,
    title: String,
    facts: [(name: String, value: String)]
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: title)
    page.facts = facts
    let n = evaluation.cases.count
    page.results = [
      row("Accuracy", evaluation.accuracy),
      .init(name: "Balanced accuracy", value: evaluation.balancedAccuracy, n: n),
      .init(name: "Macro F1", value: evaluation.macroF1, n: n),
      .init(name: "Kappa", value: evaluation.kappa, n: n),
      .init(name: "Mean AUC", value: evaluation.meanArea, n: n),
    ]
    if let calibration = evaluation.calibration {
      page.results += [
        .init(name: "Expected calibration error (15 bins)", value: calibration.expectedError, n: n),
        .init(name: "Brier score (summed over classes)", value: calibration.brierScore, n: n),
        .init(name: "Negative log-likelihood", value: calibration.negativeLogLikelihood, n: n),
      ]
    }
    if let coverage = evaluation.conformalCoverage {
      page.results += [
        row("Share of conformal sets with the true class", coverage),
        .init(name: "Mean classes in a conformal set", value: evaluation.conformalSize, n: n),
      ]
    }
    page.classRows = evaluation.classResults.map { result in
      .init(
        name: result.name,
        count: result.count,
        values: [
          row("", result.sensitivity), row("", result.specificity), row("", result.precision),
          .init(name: "", value: result.area, interval: result.areaCI95),
        ]
      )
    }
    page.confusion = evaluation.confusion.map { (evaluation.classes, $0) }
    page.curves = curves(evaluation)
    page.subgroups = evaluation.subgroups.map { row("\($0.property) = \($0.value)", $0.accuracy) }
    page.cases = (
      ["Image", "Truth", "Told", "Largest probability"],
      worstFirst(evaluation).prefix(500).map { item in
        [
          item.id, item.truth.joined(separator: ", "), item.prediction.joined(separator: ", "),
          ReportNumber.significant(item.probabilities.max() ?? 0, 3),
        ]
      }
    )
    if n > 500 {
      page.notes.append("Of \(n) images the 500 that the model is most wrong about are listed.")
    }
    return page
  }

  private static func row(
    _ name: String,
    _ share: ShareWithInterval?
  ) -> RecognitionReportData.Row {
    .init(name: name, value: share?.value, interval: share?.ci95, n: share?.count)
  }

  /// Wrong ones first, the most certain of them before the others.
  private static func worstFirst(
    _ evaluation: ClassificationEvaluation
  ) -> [ClassificationEvaluation.Case] {
    evaluation.cases.enumerated().sorted { a, b in
      let (wrongA, wrongB) = (
        a.element.truth != a.element.prediction, b.element.truth != b.element.prediction
      )
      if wrongA != wrongB { return wrongA }
      let (p, q) = (a.element.probabilities.max() ?? 0, b.element.probabilities.max() ?? 0)
      return p != q ? (wrongA ? p > q : p < q) : a.offset < b.offset
    }.map(\.element)
  }

  private static func curves(_ evaluation: ClassificationEvaluation) -> [ReportChart] {
    var charts: [ReportChart] = []
    if let calibration = evaluation.calibration {
      let filled = calibration.bins.filter { $0.count > 0 }
      charts.append(
        ReportChart(
          title: "Reliability",
          summary:
            "The share of right answers by their probability; a model that is calibrated lies on "
            + "the diagonal. Expected calibration error "
            + "\(ReportNumber.significant(calibration.expectedError, 3)).",
          form: .lines(
            [
              .init(label: "model", points: filled.map { SIMD2($0.confidence, $0.accuracy) }),
              .init(label: "calibrated", points: [SIMD2(0, 0), SIMD2(1, 1)]),
            ],
            xLabel: "Probability"
          )
        )
      )
    }
    if !evaluation.selection.isEmpty {
      charts.append(
        ReportChart(
          title: "Accuracy when the least certain images are left to people",
          summary: "Of the most certain 50 % of images "
            + (evaluation.selection.first { $0.coverage == 0.5 }.map {
              ReportNumber.significant(100 * $0.accuracy, 4) + " % are told rightly."
            } ?? "nothing is known."),
          form: .lines(
            [
              .init(
                label: "accuracy",
                points: evaluation.selection.map { SIMD2($0.coverage, $0.accuracy) }.reversed()
              )
            ],
            xLabel: "Share of images kept"
          )
        )
      )
    }
    return charts
  }

  /// An image with the evidence laid over it.
  /// - Parameter item: The image.
  /// - Returns: The picture, enlarged if it is small.
  static func overlay(_ item: ExplainedImage) -> RGBImage {
    let factor = max(1, leastSide / max(1, min(item.width, item.height)))
    let (width, height) = (item.width * factor, item.height * factor)
    var bytes = [UInt8](repeating: 0, count: 3 * width * height)
    for y in 0..<height {
      for x in 0..<width {
        let place = (y / factor) * item.width + x / factor
        let under = SIMD3(
          Double(item.image[3 * place]),
          Double(item.image[3 * place + 1]),
          Double(item.image[3 * place + 2])
        )
        let color = HeatScale.laid(Double(item.evidence[place]), over: under)
        for channel in 0..<3 {
          bytes[3 * (y * width + x) + channel] = UInt8(color[channel].rounded())
        }
      }
    }
    return RGBImage(width: width, height: height, bytes: bytes)
  }

  /// The caption of an explained image.
  static func caption(_ item: ExplainedImage, id: String) -> String {
    func number(_ value: Double?) -> String { value.map { ReportNumber.significant($0, 3) } ?? "" }
    var words = "\(id): \(item.className), probability \(number(item.probability))"
    if let deletion = item.explanation.deletion {
      words += "; deletion \(number(deletion)), insertion \(number(item.explanation.insertion))"
    }
    return words
  }

  /// How well maps point at what was marked.
  static func rows(_ game: PointingGame) -> [RecognitionReportData.Row] {
    [
      .init(
        name: "\(game.method.title): share of maps whose largest value lies in the marked region",
        value: game.hits.value,
        interval: game.hits.ci95,
        n: game.hits.count
      ),
      .init(
        name: "\(game.method.title): mean share of the evidence in the marked region",
        value: game.energy,
        interval: game.energyCI95,
        n: game.hits.count - game.empty
      ),
      .init(
        name: "\(game.method.title): chance, the mean share of the area that is marked",
        value: game.chance,
        n: game.hits.count
      ),
    ]
  }

  /// What stands below explained images.
  static func note(_ method: ExplanationMethod) -> String {
    "\(method.title): warm colours mark what speaks for the class in this network. It shows what the "
      + "network uses, not why the image is of the class, and not that either is right. "
      + "Explanations show what moved this score, not causes."
  }

  /// What stands below explained segmentations.
  static func segmentationNote(_ method: ExplanationMethod) -> String {
    "\(method.title); target: the sum of the structure's scores over the region that the network gives to "
      + "it (outlined)\(method == .occlusion || method == .rise ? ", judged by its mean probability there" : ""). "
      + "Warm colours mark what raised it. Explanations show what moved this score, not causes."
  }

  /// What stands below explained boxes.
  static func boxNote(_ method: ExplanationMethod) -> String {
    let target =
      switch method {
      case .rise:
        "D-RISE with random masks; target: overlap times score of the box of this class that is most like "
          + "the one shown"
      case .occlusion:
        "occlusion; target: overlap times score of the box of this class that is most like the one shown"
      default:
        "\(method.title); target: the score of the class in the cell or region that the box is made of"
      }
    return target
      + ". Warm colours mark what raised it. Explanations show what moved this score, not causes."
  }
}
