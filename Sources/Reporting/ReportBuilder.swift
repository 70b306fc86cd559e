import Evaluation
import Foundation
import Imaging
import Support

/// Makes a document of results: what it says first, what it shows, and in which words.
public struct ReportBuilder: Sendable {
  /// Draws the pictures.
  let renderer: OverlayRenderer
  /// The folder of linked pages, from the report's own; nil when the report is one page.
  var linkFolder: String?

  /// Creates a builder.
  /// - Parameter renderer: Draws the pictures.
  public init(renderer: OverlayRenderer = OverlayRenderer()) {
    self.renderer = renderer
  }

  /// The document of any mix of results.
  /// - Parameters:
  ///   - items: The results, in the order of the page.
  ///   - title: The page's title; nil for one made of the results.
  ///   - introduction: A paragraph before the summary's own words, such as what the study is.
  ///   - date: When the page was made.
  /// - Returns: The document.
  /// - Throws: `ImagingError.gridMismatch` when a scan and its labels lie on different grids.
  public func document(
    _ items: [ReportItem],
    title: String? = nil,
    introduction: String? = nil,
    date: Date
  ) throws -> ReportDocument {
    let parts = Parts(items)
    let profiles = parts.segmentations.map { StructureProfile.profiles(of: $0.labelMap) }
    let findings = zip(parts.segmentations, profiles).map(QualityCheck.findings)
    let remarks = findings.reduce(0) { $0 + $1.count }
    var sections = [summary(parts, introduction, remarks: remarks)]
    if !parts.segmentations.isEmpty { sections.append(inputs(parts)) }
    if !parts.problems.isEmpty {
      sections.append(ReportSection("Problems", [.problems(parts.problems)]))
    }
    if !parts.segmentations.isEmpty {
      sections.append(try pictures(parts))
      if let section = try explanations(parts) { sections.append(section) }
      sections.append(measurements(parts, profiles, findings))
      if let section = try uncertainty(parts) { sections.append(section) }
      sections.append(quality(parts, findings))
    }
    for item in parts.evaluations {
      sections.append(agreement(item, parts))
      sections += statisticalSections(item)
      if let section = uncertaintyAgainstError(item) { sections.append(section) }
      if let section = try worstCases(item, parts) { sections.append(section) }
    }
    if let section = linkedCases(parts) { sections.append(section) }
    for item in parts.trainings { sections.append(try training(item)) }
    for group in BenchmarkGroup.groups(of: parts.benchmarks) { sections.append(benchmark(group)) }
    sections.append(provenance(parts))
    sections += modelCards(parts)
    return ReportDocument(
      title: title ?? parts.defaultTitle,
      subtitle: "\(Self.text(of: date)) \u{00B7} lamina \(Version.current)",
      sections: sections
    )
  }

  /// The page of any mix of results.
  /// - Parameters:
  ///   - items: The results, in the order of the page.
  ///   - title: The page's title; nil for one made of the results.
  ///   - introduction: A paragraph before the summary's own words.
  ///   - date: When the page was made.
  /// - Returns: HTML, UTF-8.
  /// - Throws: As `document(_:title:introduction:date:)`.
  public func html(
    _ items: [ReportItem],
    title: String? = nil,
    introduction: String? = nil,
    date: Date
  ) throws -> String {
    ReportWriter.html(
      try document(items, title: title, introduction: introduction, date: date)
    )
  }

  /// The report of any mix of results, and pages for what would make it too large: the rows of a
  /// table of cases beyond a thousand.
  ///
  /// Scans come onto pages of their own by `linkedCase(_:number:folder:report:date:)`.
  /// - Parameters:
  ///   - items: The results, in the order of the page.
  ///   - title: The page's title; nil for one made of the results.
  ///   - introduction: A paragraph before the summary's own words.
  ///   - report: The report's file name, to which the pages lead back.
  ///   - folder: The folder of pages, from the report's own folder.
  ///   - date: When the report was made.
  /// - Returns: The report and the pages of its folder.
  /// - Throws: As `document(_:title:introduction:date:)`.
  public func pages(
    _ items: [ReportItem],
    title: String? = nil,
    introduction: String? = nil,
    report: String,
    folder: String,
    date: Date
  ) throws -> ReportPages {
    var linking = self
    linking.linkFolder = folder
    let document = try linking.document(
      items,
      title: title,
      introduction: introduction,
      date: date
    )
    return ReportPages(
      main: ReportWriter.html(document),
      linked: linking.tablePages(Parts(items), report: report, subtitle: document.subtitle)
    )
  }

  /// A date as it stands in reports, such as "2025-03-14 09:26 UTC".
  static func text(of date: Date) -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(secondsFromGMT: 0)
    format.dateFormat = "yyyy-MM-dd HH:mm 'UTC'"
    return format.string(from: date)
  }

  /// The items by kind.
  struct Parts {
    var segmentations: [SegmentationReportData] = []
    var linkedCases: [LinkedCase] = []
    /// The addresses of cases that have pages of their own.
    var addresses: [String: String] = [:]
    var evaluations: [EvaluationReportData] = []
    var trainings: [TrainingReportData] = []
    var benchmarks: [BenchmarkFile] = []

    init(_ items: [ReportItem]) {
      for case .linkedCase(let item) in items { addresses[item.caseID] = item.address }
      for item in items {
        switch item {
        case .segmentation(let data): segmentations.append(data)
        case .linkedCase(let item): linkedCases.append(item)
        case .evaluation(let data): evaluations.append(data)
        case .training(let data): trainings.append(data)
        case .benchmark(let file): benchmarks.append(file)
        }
      }
    }

    var defaultTitle: String {
      switch (scans, evaluations.count, trainings.count) {
      case (1, _, _) where segmentations.isEmpty: "Segmentation of \(linkedCases[0].caseID)"
      case (1, _, _): "Segmentation of \(segmentations[0].caseID)"
      case (2..., _, _): "Segmentation of \(scans) scans"
      case (0, 1..., 0) where !evaluations[0].report.comparisons.isEmpty:
        "\(evaluations[0].title) against "
          + sentenceList(evaluations[0].report.comparisons.map(\.title))
      case (0, 1..., 0): "Evaluation: \(evaluations[0].title)"
      case (0, _, 1...): "Training of \(trainings[0].modelName)"
      case (0, 0, 0) where !benchmarks.isEmpty: benchmarkTitle
      default: "Report"
      }
    }

    private var benchmarkTitle: String {
      let networks = Set(benchmarks.flatMap(\.networks))
      return networks.isEmpty
        ? "Benchmark of operations" : "Benchmark of \(counted(networks.count, "network"))"
    }

    /// The number of segmented scans, with those on pages of their own.
    var scans: Int { segmentations.count + linkedCases.count }

    /// What was noticed about the inputs of the scans on this page.
    var inputProblems: [String] {
      segmentations.flatMap { item in item.problems.map { "\(item.caseID): \($0)" } }
    }

    /// Everything else that needs a look, said once each, undefined values aside.
    var problems: [String] {
      var lines: [String] = []
      for item in linkedCases {
        lines += (item.problems + item.findings).map { "\(item.caseID): \($0)" }
      }
      for item in evaluations {
        lines += item.report.problems.map { PathNames.shortened($0) }
        for evaluated in item.report.cases {
          let paths = [evaluated.prediction, evaluated.reference]
          lines += evaluated.problems.map {
            "\(evaluated.id): \(PathNames.shortened($0, known: paths))"
          }
        }
      }
      for item in trainings { lines += item.problems.map { "\(item.modelName): \($0)" } }
      for item in benchmarks.compactMap(\.comparison) where !item.doubts.isEmpty {
        lines.append(
          "\(item.lamina.median.network): the ratio to \(item.rival.median.engine) should not be "
            + "relied on (\(sentenceList(item.doubts.map(ReportBuilder.words))))."
        )
      }
      var seen = Set<String>()
      return lines.filter { seen.insert($0).inserted }
    }
  }
}

/// A list in words: "a", "a and b", "a, b and c".
func sentenceList(_ items: [String]) -> String {
  guard let last = items.last, items.count > 1 else { return items.first ?? "" }
  return items.dropLast().joined(separator: ", ") + " and " + last
}

/// A count with its noun: "1 scan", "2 scans".
func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}
