import Evaluation
import Foundation
import Reporting
import Support
import Testing

struct ComparisonReportTests {
  /// An evaluation whose Dice is better by a margin; volumes are 2 ml too large on average.
  private static func report(margin: Double) throws -> EvaluationReport {
    var random = RandomStream(seed: 11)
    let cases = (0..<24).map { index in
      CaseEvaluation(
        id: "c\(index)",
        prediction: "p",
        reference: "r",
        labels: [("1", "liver"), ("2", "spleen")].map { key, name in
          let (noise, volume) = (0.05 * random.uniform(), 100 + 50 * random.uniform())
          let extra = key == "1" ? margin : 0
          return LabelEvaluation(
            key: key,
            name: name,
            values: [
              "dice": .value(0.8 + noise + extra),
              "volumePredictionML": .value(volume + (index % 2 == 0 ? 1 : 3)),
              "volumeReferenceML": .value(volume),
            ]
          )
        },
        problems: []
      )
    }
    return EvaluationReport(cases: cases, evaluator: try Evaluator())
  }

  private static func page(_ report: EvaluationReport) throws -> String {
    let page = try builder().html(
      [.evaluation(EvaluationReportData(title: "new", report: report))],
      date: sampleDate
    )
    #expect(Markup.problems(page) == [])
    return page
  }

  @Test func aComparisonSaysWhichIsBetterAndShowsEveryCase() throws {
    var report = try Self.report(margin: 0.1)
    report.comparisons = ModelComparison.compare(
      report,
      with: [.init(title: "old", path: "old.json", report: try Self.report(margin: 0))]
    )
    report.ranking = ModelRanking(
      report,
      others: [.init(title: "old", path: "", report: try Self.report(margin: 0))]
    )
    let page = try Self.page(report)
    // Liver 1 against 2, spleen 1.5 each.
    #expect(page.contains("the mean ranks are new 1.25 and old 1.75."))
    #expect(page.contains("<h1>new against old</h1>"))
    #expect(
      page.contains(
        "By Dice similarity coefficient in 24 cases, new is better for liver (corrected p below "
          + "0.05). The other structures do not differ beyond chance."
      ) || page.contains("new is better for liver (corrected p below 0.05).")
    )
    #expect(page.contains("Above the line new is better: 24 of 24 cases"))
    #expect(page.contains("&lt; 0.001"))
    let row = try #require(
      report.comparisons[0].rows.first { $0.metric == "dice" && $0.structure == "1" }
    )
    // The numbers of the page are those of the record.
    #expect(page.contains(">\(ReportNumber.fixed(try #require(row.meanDifference), 3))<"))
    let chance = try #require(row.wilcoxon?.holmP)
    #expect(chance < 0.001)
  }

  @Test func volumesHaveTheirBiasAndLimits() throws {
    let report = try Self.report(margin: 0)
    let agreement = try #require(report.volumeAgreement.first { $0.structure == "1" })
    let page = try Self.page(report)
    #expect(try abs(#require(agreement.biasML) - 2) < 1e-9)
    #expect(page.contains("On average the prediction is 2.00\u{202F}ml larger than the reference"))
    #expect(page.contains("Volume of liver: difference against mean"))
    let limits = try #require(agreement.limitsML)
    #expect(page.contains("upper limit \(ReportNumber.millilitres(limits.upperBound))\u{202F}ml"))
  }

  @Test func groupsHaveTheirGaps() throws {
    var report = try Self.report(margin: 0)
    report.subgroups = [
      SubgroupAnalysis(
        report,
        property: "site",
        groups: [
          ("north", Set((0..<12).map { "c\($0)" })), ("south", Set((12..<24).map { "c\($0)" })),
        ]
      )
    ]
    let page = try Self.page(report)
    #expect(page.contains("Groups by site: new"))
    #expect(page.contains("Groups: north (12) and south (12)."))
    #expect(page.contains("Gaps by site"))
  }

  @Test func unpairedCasesAreListed() throws {
    var report = try Self.report(margin: 0)
    report.pairing = PairingRecord(
      exact: 24,
      byRule: [],
      unpaired: [.init(id: "c99", side: .reference, path: "r/c99.nii.gz", reason: "no prediction")]
    )
    let page = try Self.page(report)
    #expect(page.contains("24 cases paired by equal names.") && page.contains("r/c99.nii.gz"))
  }
}
