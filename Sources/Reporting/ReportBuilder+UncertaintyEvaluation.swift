import Evaluation
import Imaging

extension ReportBuilder {
  /// Whether uncertainty goes with errors; nil where it was not evaluated.
  func uncertaintyAgainstError(_ item: EvaluationReportData) -> ReportSection? {
    guard let found = item.report.uncertainty else { return nil }
    func text(_ value: Double?) -> String {
      value.map { ReportNumber.significant($0, 3) } ?? ReportNumber.undefined
    }
    var blocks: [ReportBlock] = [
      .keyFigures(
        [
          KeyFigure(
            text(found.rankCorrelation),
            "rank correlation of score and 1 \u{2212} Dice, \(counted(found.cases.count, "case"))"
          ),
          KeyFigure(text(found.voxelArea), "area under the curve of entropy for wrong voxels"),
          KeyFigure(
            "\(text(found.riskArea)) (best \(text(found.bestRiskArea)))",
            "mean of 1 \u{2212} Dice over all shares kept; \(text(found.meanRisk)) by chance"
          ),
        ]
          + (found.expectedCalibrationError.map {
            [KeyFigure(text($0), "expected calibration error")]
          } ?? [])
      )
    ]
    if found.cases.count > 2 { blocks += [.chart(selection(found)), .chart(scores(found))] }
    if let chart = reliability(found) { blocks.append(.chart(chart)) }
    blocks.append(
      .note(
        "What the numbers are: \(found.definition). Of \(found.voxels) voxels \(found.wrongVoxels) have "
          + "another label than the reference. 0.5 is the area of a map that tells nothing."
      )
    )
    return ReportSection("Uncertainty against errors", blocks)
  }

  private func selection(_ found: UncertaintyEvaluation) -> ReportChart {
    let all = found.retained.last
    let half = found.retained.first { $0.coverage >= 0.5 }
    return ReportChart(
      title: "Dice when the least certain cases are left to people",
      summary: "The mean Dice of the cases that are kept, most certain first: "
        + "\(ReportNumber.fixed(half?.dice ?? 0, 3)) of half of them, "
        + "\(ReportNumber.fixed(all?.dice ?? 0, 3)) of all.",
      form: .lines(
        [
          .init(
            label: "by certainty",
            points: found.retained.map { SIMD2($0.coverage, $0.dice) }
          ),
          .init(
            label: "by Dice itself",
            points: found.retained.map { SIMD2($0.coverage, $0.bestDice) }
          ),
        ],
        xLabel: "Share of cases kept"
      )
    )
  }

  private func scores(_ found: UncertaintyEvaluation) -> ReportChart {
    ReportChart(
      title: "Dice and uncertainty of each case",
      summary: "Each dot is a case; where uncertainty goes with errors they fall to the right.",
      form: .scatter(
        .init(
          dots: found.cases.map {
            .init(
              place: [$0.score, $0.dice],
              label: "\($0.id): uncertainty \(ReportNumber.significant($0.score, 3)), Dice "
                + ReportNumber.fixed($0.dice, 3),
              color: LabelDefinition.defaultColor(0)
            )
          },
          guides: [],
          xLabel: "uncertainty of the case (0 to 1)",
          yLabel: "mean Dice"
        )
      )
    )
  }

  private func reliability(_ found: UncertaintyEvaluation) -> ReportChart? {
    let filled = found.reliability.filter { $0.count > 0 }
    guard let error = found.expectedCalibrationError, !filled.isEmpty else { return nil }
    return ReportChart(
      title: "Reliability",
      summary:
        "The share of voxels with the right label by the probability of that label; a calibrated "
        + "model lies on the diagonal. Expected calibration error "
        + "\(ReportNumber.significant(error, 3)).",
      form: .lines(
        [
          .init(label: "model", points: filled.map { SIMD2($0.confidence, $0.accuracy) }),
          .init(label: "calibrated", points: [SIMD2(0, 0), SIMD2(1, 1)]),
        ],
        xLabel: "Probability"
      )
    )
  }
}
