import ArgumentParser
import Evaluation
import Foundation
import Pipelines
import Recognition
import Reporting
import Support

extension ExplanationMethod: ExpressibleByArgument {}

/// `lamina vision classify run`.
struct VisionClassifyRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Tells what images show.",
    discussion: """
      INPUT is a picture, a volume (the mean over slices of its middle half), or a folder of them (a batch; \
      what fails is listed and never stops the others).
      """
  )

  @Argument(help: "Pictures or volumes, or folders of them.")
  var inputs: [String]

  @OptionGroup var ensemble: RecognitionEnsembleOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A .json or .csv file for the results, or a folder for both, pictures and a page.",
      valueName: "out"
    )
  )
  var output: String

  @Option(
    help: ArgumentHelp(
      "Show in pictures what speaks for the class; needs a folder.",
      valueName: ExplanationMethod.allCases.map(\.rawValue).joined(separator: "|")
    )
  )
  var explain: ExplanationMethod?

  @Option(help: ArgumentHelp("Slices of each volume, from its middle half.", valueName: "n"))
  var slices = 8

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  typealias Case = CaseResult<ImageRecognizer.Result>

  private struct Answer: Encodable {
    let schema = "lamina.recognition/1"
    let model: String
    let version: String
    let cases: [Case]
    let notice: String
  }

  private var ending: String { (output as NSString).pathExtension.lowercased() }
  private var writesFile: Bool { ["json", "csv"].contains(ending) }

  func validate() throws {
    if explain != nil, ensemble.model.count > 1 || ensemble.uncertaintySamples != nil {
      throw ValidationError("--explain is for one model as it is.")
    }
    if explain != nil, writesFile {
      throw ValidationError("--explain makes pictures; give a folder as --output.")
    }
    if !(1...1000).contains(slices) { throw ValidationError("--slices must be 1 to 1000.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    try context.outputs.check(output)
    let inputs = try SegmentationInputs(inputs, picturesAreCases: true)
    let items = inputs.separated
    let recognizer = try ensemble.recognizer(slicesPerVolume: slices)
    var pictures: [(id: String, picture: RGBImage, caption: String)] = []
    let cases: [Case] = try context.results(
      of: items.map { ($0.id, $0.path) },
      "looking at \(items.count) images",
      tellsInput: true,
      isBatch: inputs.isBatch
    ) { path, id in
      let result = try recognizer.recognize(path, id: id)
      if let explain {
        let shown = try recognizer.explain(
          path,
          className: (result.findings.first { $0.isTold } ?? result.findings.first)?.name,
          method: explain,
          isMeasured: true,
          interruption: context.interruption
        )
        pictures.append(
          (
            id, RecognitionReportInput.overlay(shown),
            RecognitionReportInput.caption(shown, id: id)
          )
        )
      }
      return result
    }
    let answer = Answer(
      model: recognizer.name,
      version: recognizer.version,
      cases: cases,
      notice: Version.disclaimer
    )
    let table = Data(csv(cases, recognizer).utf8)
    if writesFile {
      try context.outputs.write(
        ending == "csv" ? table : JSONOutput.data(answer),
        to: output
      )
    } else {
      let page = try ReportBuilder().html(
        page(cases, pictures, recognizer),
        date: Date()
      )
      try context.outputs.writeFolder(output) { folder in
        var files = [
          ("predictions.json", try JSONOutput.data(answer)), ("predictions.csv", table),
          ("report.html", Data(page.utf8)),
        ]
        files += try pictures.map { ($0.id + "-explanation.png", try $0.picture.png()) }
        for (name, data) in files {
          let target = URL(fileURLWithPath: folder + "/" + name)
          try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(),
            withIntermediateDirectories: true
          )
          try data.write(to: target)
        }
      }
    }
    try context.confirm(answer) {
      cases.words(in: output) { id, result in
        let told = result.findings.filter(\.isTold)
        let words = told.map { "\($0.name) (\(ReportNumber.significant($0.probability, 3)))" }
        return "\(id): \(words.isEmpty ? "nothing" : words.joined(separator: ", "))"
      }
    }
    return cases.outcome()
  }

  private func csv(_ cases: [Case], _ recognizer: ImageRecognizer) -> String {
    let names = recognizer.classNames
    let isCompared = recognizer.isCompared
    let columns = ["id", "told", "uncertainty"] + (isCompared ? ["disagreement"] : []) + names
    var lines = [columns.map(EvaluationReport.csvCell).joined(separator: ",")]
    for item in cases {
      guard let result = item.result else { continue }
      let told = result.findings.filter(\.isTold).map(\.name).joined(separator: ";")
      let values = names.map { name in
        result.findings.first { $0.name == name }.map { "\($0.probability)" } ?? ""
      }
      lines.append(
        ([
          EvaluationReport.csvCell(item.id), EvaluationReport.csvCell(told),
          result.uncertainty.map { "\($0)" } ?? "",
        ] + (isCompared ? [result.disagreement.map { "\($0)" } ?? ""] : []) + values)
        .joined(separator: ",")
      )
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func page(
    _ cases: [Case],
    _ pictures: [(id: String, picture: RGBImage, caption: String)],
    _ recognizer: ImageRecognizer
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: "What images show, by \(recognizer.name)")
    page.facts = [
      (
        "Model",
        recognizer.models.map(\.description)
          .map { "\($0.name) \($0.version): \($0.summary)" }.joined(separator: " ")
      ),
      ("Images", "\(cases.count), \(cases.count { $0.result == nil }) of which failed"),
      ("Command", OutputPath.command),
    ]
    page.notes = cases.compactMap { item in item.error.map { "\(item.id): \($0)" } }
    page.cases = (
      [
        "Image", "Told", "Probability", "Uncertainty (0 to 1)",
        recognizer.isCompared ? "Disagreement (0 to 1)" : "Conformal set",
      ],
      cases.compactMap { item in
        guard let result = item.result else { return nil }
        let told = result.findings.filter(\.isTold)
        let set = result.findings.filter { $0.isInSet == true }.map(\.name)
        return [
          item.id, told.map(\.name).joined(separator: ", "),
          told.map { ReportNumber.significant($0.probability, 3) }.joined(separator: ", "),
          result.uncertainty.map { ReportNumber.significant($0, 3) } ?? "",
          recognizer.isCompared
            ? result.disagreement.map { ReportNumber.significant($0, 3) } ?? ""
            : set.joined(separator: ", "),
        ]
      }
    )
    if let explain {
      page.pictures = [
        (
          "What speaks for the class", RecognitionReportInput.note(explain),
          pictures.map { .init($0.picture, caption: $0.caption) }
        )
      ]
    }
    return page
  }
}
