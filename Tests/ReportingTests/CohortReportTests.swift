import Evaluation
import Foundation
import Imaging
import Reporting
import Support
import Testing

struct CohortReportTests {
  /// An evaluation of made-up numbers.
  private static func evaluation(cases: Int, structures: Int) throws -> EvaluationReportData {
    var random = RandomStream(seed: 5)
    let evaluator = try Evaluator()
    let items = (0..<cases).map { index in
      CaseEvaluation(
        id: "case-\(index)",
        prediction: "p/\(index)",
        reference: "r/\(index)",
        labels: (1...structures).map { label in
          let dice = 0.6 + 0.4 * random.uniform()
          return LabelEvaluation(
            key: "\(label)",
            name: "structure \(label)",
            values: [
              "dice": index == 7 && label == 1
                ? .undefined(reason: "both are empty") : .value(index == 3 ? dice / 4 : dice),
              "hd95": .value(10 * random.uniform()),
              "volumePredictionML": .value(100 * random.uniform()),
              "volumeReferenceML": .value(100 * random.uniform()),
            ]
          )
        },
        problems: []
      )
    }
    return EvaluationReportData(
      title: "cohort",
      report: EvaluationReport(cases: items, evaluator: evaluator)
    )
  }

  @Test func casesThatFailedAreNotCountedAmongTheEvaluated() throws {
    var evaluation = try Self.evaluation(cases: 9, structures: 2)
    evaluation.report = evaluation.report.adding(
      failed: [
        CaseEvaluation(
          id: "x",
          prediction: "p",
          reference: "",
          labels: [],
          problems: ["no partner"]
        )
      ]
    )
    let html = try builder().html([.evaluation(evaluation)], date: sampleDate)
    #expect(html.contains("in 9 cases") && html.contains("Statistics over 9 cases"))
    #expect(!html.contains("10 cases") && html.contains("no partner"))
  }

  /// Each metric that uses the tolerance says it, also when it is the only one.
  @Test(arguments: ["nsd", "nsdSurface", "boundaryIoU"])
  func pagesTellTheTolerance(metric: String) throws {
    let item = CaseEvaluation(
      id: "a",
      prediction: "",
      reference: "",
      labels: [LabelEvaluation(key: "1", name: "one", values: [metric: .value(0.5)])],
      problems: []
    )
    let report = EvaluationReport(
      cases: [item],
      evaluator: try Evaluator(
        metrics: try Metric.parse(metric),
        toleranceMM: 2,
        tolerances: ["one": 3]
      )
    )
    let data = EvaluationReportData(title: "t", report: report)
    let html = try builder().html([.evaluation(data)], date: sampleDate)
    #expect(html.contains("Tolerance: 2.0 mm; one 3.0 mm."))
  }

  /// Folders may bear patients' names.
  @Test func problemsNameFilesWithoutTheirFolders() throws {
    var evaluation = try Self.evaluation(cases: 2, structures: 1)
    evaluation.report = evaluation.report.adding(
      failed: [
        CaseEvaluation(
          id: "x",
          prediction: "scans of Doe/x.nii.gz",
          reference: "/data/Doe/x_seg.nii.gz",
          labels: [],
          problems: [
            "scans of Doe/x.nii.gz is damaged.", "/data/Doe/x_seg.nii.gz: 3 mm/s, (/Doe/labels).",
          ]
        )
      ]
    )
    let html = try builder().html([.evaluation(evaluation)], date: sampleDate)
    #expect(html.contains("x: x.nii.gz is damaged."))
    #expect(html.contains("x: x_seg.nii.gz: 3 mm/s, (labels)."))
    #expect(!html.contains("Doe"))
  }

  @Test(
    arguments: [
      ("no path at all", "no path at all"), ("/a/b/c.nii,", "c.nii,"), ("(/a/b.nii)", "(b.nii)"),
      ("1/2 of and/or mm/s", "1/2 of and/or mm/s"), ("see https://a.b/c", "see https://a.b/c"),
      ("\"/a/b c.nii\"", "\"b c.nii\""), ("/dev is a folder", "/dev is a folder"),
      ("a  / b", "a  / b"),
    ]
  )
  func sentencesKeepTheLastPartOfPaths(sentence: String, expected: String) {
    #expect(PathNames.shortened(sentence) == expected)
  }

  @Test func fiveHundredCasesMakeAReportOfLessThanTwentyMegabytes() throws {
    let evaluation = try Self.evaluation(cases: 500, structures: 6)
    let (scan, labels) = try sampleScan()
    var items: [ReportItem] = [.evaluation(evaluation)]
    for index in 0..<500 {
      var data = SegmentationReportData(
        caseID: "case-\(index)",
        scan: scan,
        labelMap: labels,
        statistics: try StructureStatistics.measure(labels, scan: scan),
        provenance: ProvenanceRecord(programVersion: "0")
      )
      data.reference = shifted(labels, by: [1, 0, 0])
      // Pages of a few stand for those of all, which are made alike.
      guard index < 8 else { continue }
      let (linked, page) = try builder().linkedCase(
        data,
        number: index + 1,
        folder: "report-pages",
        report: "report.html",
        date: sampleDate
      )
      #expect(page.name == "case-000\(index + 1).html" && Markup.problems(page.html) == [])
      #expect(page.html.contains("<a href=\"../report.html\">Back to the report</a>"))
      items.append(.linkedCase(linked))
    }
    let pages = try builder().pages(
      items,
      report: "report.html",
      folder: "report-pages",
      date: sampleDate
    )
    #expect(pages.main.utf8.count < 4 << 20)
    #expect(pages.linked.count == 2)
    for page in pages.linked {
      #expect(page.html.utf8.count < 4 << 20)
      #expect(pages.main.contains("href=\"report-pages/\(page.name)\""))
    }
    let rows = pages.linked.reduce(0) { $0 + $1.html.ranges(of: "<th scope=\"row\">").count }
    #expect(rows == 500 * 6)
    // Cases with pages of their own are linked, and the worst one comes with its pictures.
    #expect(pages.main.contains("<a href=\"report-pages/case-0004.html\">case-3</a>"))
    #expect(pages.main.contains("<h3>case-3: Dice"))
  }

  @Test func aSmallCohortIsOnePageWithItsCharts() throws {
    let evaluation = try Self.evaluation(cases: 30, structures: 3)
    let pages = try builder().pages(
      [.evaluation(evaluation)],
      report: "r.html",
      folder: "r-pages",
      date: sampleDate
    )
    #expect(pages.linked.isEmpty && Markup.problems(pages.main) == [])
    for text in ["Cases by rank", "Cases and structures", "the worst is case-3", "Worst cases"] {
      #expect(pages.main.contains(text), "\(text)")
    }
    // 30 values have a shape.
    #expect(pages.main.ranges(of: "class=\"violin\"").count == 3)
    #expect(pages.main.contains("undefined: both are empty"))
  }

  @Test func aSingleCaseHasNoRanking() throws {
    let page = try builder().html(
      [.evaluation(try Self.evaluation(cases: 1, structures: 2))],
      date: sampleDate
    )
    #expect(!page.contains("Cases by rank") && !page.contains("Worst cases"))
  }
}
