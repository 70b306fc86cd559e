import ArgumentParser
import Evaluation
import Foundation
import Pipelines
import Reporting
import Sequences
import Support

/// `lamina vision ecg run`.
struct VisionECGRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Finds the beats of records, and tells their kind, rate and intervals.",
    discussion: """
      RECORD is a record of PhysioNet's WFDB, or a folder of them (a batch; what fails is listed and never \
      stops the others). Annotations are not read.
      """
  )

  @Argument(help: "Records, with or without an ending, or folders of them.")
  var records: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A .json or .csv file for the beats, or a folder for both and a page.",
      valueName: "out"
    )
  )
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  /// One record's result.
  private typealias Case = CaseResult<BeatAnalyzer.Result>

  private struct Answer: Encodable {
    let schema = "lamina.ecg/1"
    let model: String
    let version: String
    let cases: [Case]
    let notice: String
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    try context.outputs.check(output)
    let paths = try records.flatMap { try WFDBReader.records($0) }
    let analyzer = try BeatAnalyzer(ModelStore().model(model))
    let cases: [Case] = try context.results(
      of: paths.map { (URL(fileURLWithPath: $0).lastPathComponent, $0) },
      "looking at \(paths.count) records",
      tellsInput: false,
      isBatch: paths.count > 1
    ) { path, _ in try analyzer.analyze(path, interruption: context.interruption) }
    let description = analyzer.model.description
    let answer = Answer(
      model: description.name,
      version: description.version,
      cases: cases,
      notice: Version.disclaimer
    )
    let table = Data(Self.csv(cases).utf8)
    switch (output as NSString).pathExtension.lowercased() {
    case "csv": try context.outputs.write(table, to: output)
    case "json": try context.outputs.write(JSONOutput.data(answer), to: output)
    default:
      let page = try ReportBuilder().html(Self.page(cases, analyzer), date: Date())
      try context.outputs.writeFolder(output) { folder in
        for (name, data) in [
          ("beats.json", try JSONOutput.data(answer)), ("beats.csv", table),
          ("report.html", Data(page.utf8)),
        ] { try data.write(to: URL(fileURLWithPath: folder + "/" + name)) }
      }
    }
    let failed = cases.count { $0.result == nil }
    try context.confirm(answer) {
      (cases.compactMap { $0.result.map(Self.sentence) } + (failed > 0 ? ["\(failed) failed"] : []))
        .joined(separator: "\n")
    }
    return cases.outcome()
  }

  private static func sentence(_ result: BeatAnalyzer.Result) -> String {
    let kinds = result.counts.sorted { $0.key < $1.key }.map { "\($1) \($0)" }
    let rate = result.heartRate.map { ", \(ReportNumber.fixed($0, 1)) a minute" } ?? ""
    return "\(result.id): \(result.beats.count) beats (\(kinds.joined(separator: ", ")))\(rate)"
  }

  private static func csv(_ cases: [Case]) -> String {
    var lines = ["record,sample,seconds,kind,probability"]
    for item in cases {
      for beat in item.result?.beats ?? [] {
        lines.append(
          [
            EvaluationReport.csvCell(item.id), "\(beat.sample)", "\(beat.seconds)",
            EvaluationReport.csvCell(beat.name), "\(beat.probability)",
          ].joined(separator: ",")
        )
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func page(_ cases: [Case], _ analyzer: BeatAnalyzer) -> RecognitionReportData {
    let description = analyzer.model.description
    var page = RecognitionReportData(title: "Beats, by \(description.name)")
    page.things = "records"
    page.facts = [
      ("Model", "\(description.name) \(description.version): \(description.summary)"),
      ("Records", "\(cases.count), \(cases.count { $0.result == nil }) of which failed"),
      ("Command", OutputPath.command),
    ]
    page.notes = cases.compactMap { item in item.error.map { "\(item.id): \($0)" } }
    let results = cases.compactMap(\.result)
    page.cases = (
      [
        "Record", "Lead", "Kinds", "Beats", "Length (min)", "Missing (s)", "Rate (1/min)",
        "SDNN (ms)",
      ],
      results.map { result in
        [
          result.id, result.lead,
          result.counts.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", "),
          "\(result.beats.count)", ReportNumber.fixed(result.durationSeconds / 60, 1),
          ReportNumber.fixed(result.missingSeconds, 1),
          result.heartRate.map { ReportNumber.fixed($0, 1) } ?? "",
          result.sdnnMS.map { ReportNumber.fixed($0, 1) } ?? "",
        ]
      }
    )
    page.curves = results.prefix(12).map(tachogram)
    return page
  }

  /// The intervals between beats along a record.
  private static func tachogram(_ result: BeatAnalyzer.Result) -> ReportChart {
    let intervals = zip(result.beats, result.beats.dropFirst()).map {
      SIMD2($1.seconds / 60, 1000 * ($1.seconds - $0.seconds))
    }
    let others = result.beats.dropFirst().filter { $0.name != result.beats.first?.name }.count
    return ReportChart(
      title: "\(result.id): interval to the beat before, ms",
      summary: "\(intervals.count) intervals"
        + (others > 0 ? "; \(others) beats are of another kind than the first." : "."),
      form: .lines([.init(label: "interval", points: intervals)], xLabel: "Minutes")
    )
  }
}
