import ArgumentParser
import Foundation
import Pipelines
import Recognition
import Reporting
import Sequences
import Support

/// `lamina vision ecg evaluate`.
struct VisionECGEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a model on annotated records.",
    discussion: """
      Beats found are compared with those annotated within 150 ms; kinds are measured at the annotated beats, \
      and at the beats found. Intervals of shares are exact (Clopper and Pearson). Of records that were \
      trained on, measure their end alone (--last).
      """
  )

  @Argument(help: "Records, with or without an ending, or folders of them.")
  var records: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @OptionGroup var measurement: MeasurementOptions
  @Option(help: ArgumentHelp("Ending of the annotation files.", valueName: "ending"))
  var annotator = "atr"

  @Option(help: ArgumentHelp("Measure only the last share of each record.", valueName: "share"))
  var last = 1.0

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !(last > 0 && last <= 1) { throw ValidationError("--last must be above 0, at most 1.") }
    if annotator.contains("/") || annotator.isEmpty {
      throw ValidationError("--annotator is an ending, such as atr.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try measurement.check(in: context)
    let analyzer = try BeatAnalyzer(ModelStore().model(model))
    let evaluation = try analyzer.evaluate(
      records,
      annotator: annotator,
      lastShare: last,
      interruption: context.interruption
    )
    for note in evaluation.notes { context.progress.note(note) }
    try measurement.write(evaluation, in: context) { page(evaluation, analyzer) }
    try context.confirm(evaluation) { text(evaluation) }
    return .complete
  }

  private func share(_ share: ShareWithInterval?) -> String {
    guard let share else { return ReportNumber.undefined }
    let bounds = share.ci95.map { ReportNumber.significant($0, 3) }
    return "\(ReportNumber.significant(share.value, 4)) (\(bounds[0]) to \(bounds[1]); "
      + "\(share.hits) of \(share.count))"
  }

  private func text(_ evaluation: BeatAnalyzer.Evaluation) -> String {
    let detection = evaluation.detection
    var lines = [
      "\(measurement.output): \(evaluation.records.joined(separator: ", "))",
      "  beats found: \(share(detection.sensitivity))",
      "  beats found that are beats: \(share(detection.precision))",
      "  F1: \(detection.f1.map { ReportNumber.significant($0, 5) } ?? ReportNumber.undefined)",
    ]
    for result in evaluation.classification.classResults {
      lines.append("  \(result.name), sensitivity: \(share(result.sensitivity))")
      lines.append("  \(result.name), precision: \(share(result.precision))")
    }
    return lines.joined(separator: "\n")
  }

  private func page(
    _ evaluation: BeatAnalyzer.Evaluation,
    _ analyzer: BeatAnalyzer
  ) -> RecognitionReportData {
    let description = analyzer.model.description
    var page = RecognitionReportInput.page(
      evaluation.classification,
      title: "\(description.name) on \(evaluation.records.joined(separator: ", "))",
      facts: [
        ("Model", description.name + " " + description.version),
        (
          "Records",
          "\(evaluation.records.joined(separator: ", ")), the last "
            + "\(ReportNumber.significant(100 * evaluation.lastShare, 3)) % of each"
        ),
        ("Command", OutputPath.command),
      ]
    )
    page.things = "beats"
    func row(_ name: String, _ share: ShareWithInterval?) -> RecognitionReportData.Row {
      .init(name: name, value: share?.value, interval: share?.ci95, n: share?.count)
    }
    let detection = evaluation.detection
    let all = detection.truePositives + detection.falseNegatives
    page.results =
      [
        row("Beats found within 150 ms (sensitivity)", detection.sensitivity),
        row("Beats found that are annotated (precision)", detection.precision),
        .init(name: "F1 of finding beats", value: detection.f1, n: all),
        .init(
          name: "Mean distance of beats found, ms",
          value: detection.meanErrorMS,
          n: detection.truePositives
        ),
      ] + page.results
      + evaluation.endToEnd.flatMap { kind in
        [
          row("Found and told as \(kind.name) (sensitivity)", kind.sensitivity),
          row("Told as \(kind.name) and annotated so (precision)", kind.precision),
        ]
      }
    page.notes += evaluation.notes
    return page
  }
}
