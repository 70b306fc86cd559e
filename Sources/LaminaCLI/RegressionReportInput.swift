import Foundation
import Imaging
import Recognition
import Reporting

/// Results of networks for numbers as the report wants them.
enum RegressionReportInput {
  /// At most so many images are listed.
  private static let largestCaseCount = 500
  /// A miss of an interval is drawn in this colour.
  private static let missColor = LabelColor(red: 200, green: 70, blue: 40)

  /// The page of an evaluation.
  /// - Parameters:
  ///   - evaluation: The results.
  ///   - title: The page's title.
  ///   - facts: What was done, by name.
  /// - Returns: The page.
  static func page(
    _ evaluation: RegressionEvaluation,
    title: String,
    facts: [(name: String, value: String)]
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: title)
    page.facts = facts
    let isOne = evaluation.targets.count == 1
    for (place, target) in evaluation.targets.enumerated() {
      page.results += rows(target, level: evaluation.level, named: !isOne)
      page.curves += charts(target, place, evaluation)
    }
    page.cases = cases(evaluation)
    page.notes.append(
      "Errors are what was told less the truth. Intervals of mean absolute errors and gains are by the "
        + "bootstrap over images, of biases and limits by Student's t, of coverage exact."
    )
    if evaluation.cases.count > largestCaseCount {
      page.notes.append(
        "Of \(evaluation.cases.count) images the \(largestCaseCount) with the largest errors are listed."
      )
    }
    return page
  }

  private static func unit(_ target: RegressionEvaluation.TargetResult) -> String {
    target.unit.isEmpty ? "" : " (\(target.unit))"
  }

  private static func rows(
    _ target: RegressionEvaluation.TargetResult,
    level: Double,
    named: Bool
  ) -> [RecognitionReportData.Row] {
    let (unit, n) = (unit(target), target.count)
    func row(
      _ name: String,
      _ value: Double?,
      _ interval: [Double]? = nil
    ) -> RecognitionReportData.Row {
      .init(
        name: named ? "\(target.name): \(name)" : name,
        value: value,
        interval: interval,
        n: n
      )
    }
    var rows = [
      row("Mean absolute error" + unit, target.mae, target.maeCI95),
      row("Root mean squared error" + unit, target.rmse),
      row("R2, share of the variance that is told", target.r2),
      row("Pearson's correlation", target.pearson),
      row("Concordance (Lin)", target.concordance, target.concordanceCI95),
      row("Bias" + unit, target.bias, target.biasCI95),
      row("Lower limit of agreement" + unit, target.limits?[0], target.lowerLimitCI95),
      row("Upper limit of agreement" + unit, target.limits?[1], target.upperLimitCI95),
    ]
    if let coverage = target.coverage {
      rows += [
        row(
          "Share of intervals for \(ReportNumber.significant(100 * level, 3)) % with the truth",
          coverage.value,
          coverage.ci95
        ), row("Mean width of the intervals" + unit, target.meanWidth),
      ]
    }
    for baseline in target.baselines {
      rows += [
        row("\(baseline.name): mean absolute error" + unit, baseline.mae),
        row("\(baseline.name): R2", baseline.r2),
        row(
          "\(baseline.name): its mean absolute error less the network's" + unit,
          baseline.gain,
          baseline.gainCI95
        ),
      ]
    }
    return rows
  }

  private static func charts(
    _ target: RegressionEvaluation.TargetResult,
    _ place: Int,
    _ evaluation: RegressionEvaluation
  ) -> [ReportChart] {
    let unit = unit(target)
    func number(_ value: Double) -> String { ReportNumber.significant(value, 4) }
    func dots(
      _ at: (RegressionEvaluation.Value) -> SIMD2<Double>
    ) -> [ReportChart.Scatter.Dot] {
      evaluation.cases.map { item in
        let value = item.values[place]
        var words = "\(item.id): told \(number(value.prediction)), truth \(number(value.truth))"
        var color = LabelDefinition.defaultColor(place)
        if let low = value.low, let high = value.high {
          words += ", interval \(number(low)) to \(number(high))"
          if !(low...high).contains(value.truth) { color = missColor }
        }
        return ReportChart.Scatter.Dot(place: at(value), label: words, color: color)
      }
    }
    let misses =
      target.coverage.map { " \($0.count - $0.hits) of \($0.count) lie outside their intervals." }
      ?? ""
    var guides = [
      ReportChart.Scatter.Guide(y: target.bias, label: "bias \(number(target.bias))")
    ]
    if let limits = target.limits {
      guides += [
        .init(y: limits[0], label: "lower limit \(number(limits[0]))"),
        .init(y: limits[1], label: "upper limit \(number(limits[1]))"),
      ]
    }
    return [
      ReportChart(
        title: "\(target.name): told against true",
        summary: "Images on the line are told rightly; mean absolute error \(number(target.mae))"
          + "\(unit)." + misses,
        form: .scatter(
          .init(
            dots: dots { [$0.truth, $0.prediction] },
            hasDiagonal: true,
            xLabel: "truth\(unit)",
            yLabel: "told\(unit)"
          )
        )
      ),
      ReportChart(
        title: "\(target.name): difference against mean (Bland and Altman)",
        summary: "What is told is \(number(abs(target.bias)))\(unit) too "
          + (target.bias < 0 ? "small" : "large") + " on average"
          + (target.limits.map {
            "; about 95 % of errors lie between \(number($0[0])) and \(number($0[1]))"
          } ?? "") + ".",
        form: .scatter(
          .init(
            dots: dots { [($0.prediction + $0.truth) / 2, $0.prediction - $0.truth] },
            guides: guides,
            xLabel: "mean of told and true\(unit)",
            yLabel: "told less true\(unit)"
          )
        )
      ),
      ReportChart(
        title: "\(target.name): residuals",
        summary:
          "True numbers less those told, by those told; a trend means that large ones are told "
          + "too small or small ones too large.",
        form: .scatter(
          .init(
            dots: dots { [$0.prediction, $0.truth - $0.prediction] },
            guides: [.init(y: 0, label: "right")],
            xLabel: "told\(unit)",
            yLabel: "true less told\(unit)"
          )
        )
      ),
    ]
  }

  /// Images by the size of their errors, on the scale of each number's mean absolute error.
  private static func cases(
    _ evaluation: RegressionEvaluation
  ) -> (columns: [String], rows: [[String]]) {
    func error(_ item: RegressionEvaluation.Case) -> Double {
      zip(item.values, evaluation.targets).reduce(0) {
        max($0, abs($1.0.prediction - $1.0.truth) / max($1.1.mae, 1e-12))
      }
    }
    let sorted = evaluation.cases.enumerated().sorted {
      let (a, b) = (error($0.element), error($1.element))
      return a != b ? a > b : $0.offset < $1.offset
    }.map(\.element)
    func number(_ value: Double?) -> String {
      value.map { ReportNumber.significant($0, 4) } ?? ""
    }
    return (
      ["Image", "Number", "Interval", "Truth", "Told", "Error"],
      sorted.prefix(largestCaseCount).flatMap { item in
        zip(item.values, evaluation.targets).map { value, target in
          [
            item.id, target.name,
            value.low.map { "\(number($0)) to \(number(value.high))" } ?? "none",
            number(value.truth), number(value.prediction),
            number(value.prediction - value.truth),
          ]
        }
      }
    )
  }
}
