import Generation
import Reporting
import Support

/// Pages of models that make images.
enum GenerationReportInput {
  private static func sheet(_ images: [[Float]], size: [Int], columns: Int) -> RGBImage {
    let laid = ImageSheet.laid(images, size: size, columns: columns, factor: 2)
    return RGBImage(width: laid.width, height: laid.height, bytes: laid.bytes)
  }

  /// The page of a training: curves, and the same random vectors' images on the way.
  static func page(
    _ outcome: GenerationTrainer.Outcome,
    title: String,
    facts: [(name: String, value: String)]
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: title)
    page.facts = facts
    page.notes = [Version.disclaimer]
    func line(_ label: String, _ value: (GenerationEpoch) -> Double?) -> ReportChart.Line? {
      let points = outcome.epochs.compactMap { epoch in
        value(epoch).map { SIMD2(Double(epoch.step), $0) }
      }
      return points.isEmpty ? nil : ReportChart.Line(label: label, points: points)
    }
    page.curves = [
      ReportChart(
        title: "Losses",
        summary: "Means over 100 steps each; those of a game need not fall.",
        form: .lines(
          [
            line("generator", \.generator), line("critic", \.critic), line("penalty", \.penalty),
          ].compactMap(\.self),
          xLabel: "step"
        )
      )
    ]
    let c = outcome.model.configuration
    page.pictures = [
      (
        heading: "Images on the way", note: "The same random vectors, averaged weights.",
        pictures: outcome.sheets.map { step, images in
          .init(
            sheet(images, size: [c.height, c.width, c.channels], columns: 8),
            caption: "step \(step)"
          )
        }
      )
    ]
    return page
  }

  /// The page of a study of made images as training images.
  static func page(
    _ outcome: AugmentationStudy.Outcome,
    facts: [(name: String, value: String)]
  ) -> RecognitionReportData {
    let result = outcome.result
    var page = RecognitionReportData(title: "Made images beside few labelled ones")
    page.facts = facts + [("Share of labels", "\(ReportNumber.significant(result.share, 3))")]
    page.notes = [Version.disclaimer, result.verdict, result.definition]
    page.results = [
      .init(name: "accuracy, labelled images alone", value: result.accuracy, n: result.test),
      .init(name: "accuracy, with made images", value: result.accuracyWithMade, n: result.test),
      .init(
        name: "gain",
        value: result.gain,
        interval: result.gainCI95,
        n: result.test
      ),
    ]
    page.things = "repeats"
    func text(_ value: Double) -> String { ReportNumber.significant(value, 4) }
    page.cases = (
      columns: [
        "seed", "labelled", "made", "accuracy", "with made images", "gained", "lost", "p (McNemar)",
      ],
      rows: result.rounds.map { round in
        [
          "\(round.seed)", "\(round.labelled)", "\(round.made)", text(round.accuracy),
          text(round.accuracyWithMade), "\(round.gained)", "\(round.lost)", text(round.p),
        ]
      }
    )
    page.pictures = [
      (
        heading: "Labelled and made images", note: "Of the last repeat, class by class.",
        pictures: [
          .init(
            sheet(outcome.samples.labelled, size: outcome.size, columns: 8),
            caption: "labelled"
          ),
          .init(sheet(outcome.samples.made, size: outcome.size, columns: 8), caption: "made"),
        ]
      )
    ]
    return page
  }

  /// The page of a measurement.
  static func page(
    _ result: GenerationMeasurement,
    made: [[Float]],
    nearest: [[Float]],
    size: [Int],
    facts: [(name: String, value: String)]
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: "Made images beside real ones")
    page.facts = facts + [("Features", "\(result.features), \(result.dimensions) values")]
    page.notes = [Version.disclaimer]
    page.results = [
      .init(name: "precision", value: result.precision, n: result.made),
      .init(name: "recall", value: result.recall, n: result.real),
      .init(name: "density", value: result.density, n: result.made),
      .init(name: "coverage", value: result.coverage, n: result.real),
      .init(name: "Fréchet distance", value: result.frechet),
      .init(name: "distance to the nearest training image", value: result.nearestTraining),
      .init(
        name: "the same of real images that were not trained on",
        value: result.nearestTrainingOfHeldOut
      ),
      .init(name: "class as asked for", value: result.agreement, n: result.made),
    ]
    if let counts = result.classCounts {
      page.results += counts.sorted { $0.key < $1.key }.map {
        .init(name: "images of class \($0.key)", value: Double($0.value))
      }
    }
    let pairs = zip(made, nearest).prefix(32).flatMap { [$0, $1] }
    page.pictures = [
      (
        heading: "Nearest training images",
        note: "Pairs: a made image, and on its right the training image nearest by the features.",
        pictures: [.init(sheet(pairs, size: size, columns: 16), caption: "32 pairs")]
      )
    ]
    return page
  }
}
