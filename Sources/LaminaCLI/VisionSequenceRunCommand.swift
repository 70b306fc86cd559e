import ArgumentParser
import Evaluation
import Foundation
import Pipelines
import Recognition
import Reporting
import Sequences
import Support

/// `lamina vision sequence run`.
struct VisionSequenceRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Tells what clips show.",
    discussion: """
      CLIP is a folder of pictures, a volume, or a folder of such (a batch; what fails is listed and never \
      stops the others).
      """
  )

  @Argument(help: "Clips, or folders of them.")
  var clips: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A .json or .csv file for the results.", valueName: "file")
  )
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private typealias Case = CaseResult<ClipRecognizer.Result>

  private struct Answer: Encodable {
    let schema = "lamina.sequence/1"
    let model: String
    let version: String
    let cases: [Case]
    let notice: String
  }

  private var ending: String { (output as NSString).pathExtension.lowercased() }

  func validate() throws {
    if !["json", "csv"].contains(ending) {
      throw ValidationError("--output must end in .json or .csv.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(output)
    var items = try clips.flatMap { try ClipDataset.clips($0) }
    let counts = Dictionary(items.map { ($0.id, 1) }, uniquingKeysWith: +)
    // Clips of one name are told apart by the folder that they lie in.
    items = items.map { item in
      let folder = URL(fileURLWithPath: item.path).deletingLastPathComponent().lastPathComponent
      return counts[item.id] == 1 ? item : (folder + "/" + item.id, item.path)
    }
    let recognizer = try ClipRecognizer(ModelStore().model(model))
    let cases: [Case] = try context.results(
      of: items.map { ($0.id, $0.path) },
      "looking at \(items.count) clips",
      tellsInput: false,
      isBatch: items.count > 1
    ) { try recognizer.recognize($0, id: $1) }
    let answer = Answer(
      model: recognizer.model.description.name,
      version: recognizer.model.description.version,
      cases: cases,
      notice: Version.disclaimer
    )
    try context.outputs.write(
      ending == "csv"
        ? Data(csv(cases, recognizer.classNames).utf8) : JSONOutput.data(answer),
      to: output
    )
    try context.confirm(answer) {
      cases.words(in: output) { id, result in
        result.findings.first.map {
          "\(id): \($0.name) (\(ReportNumber.significant($0.probability, 3)))"
        }
      }
    }
    return cases.outcome()
  }

  private func csv(_ cases: [Case], _ names: [String]) -> String {
    var lines = [
      (["id", "told", "frames"] + names).map(EvaluationReport.csvCell).joined(separator: ",")
    ]
    for item in cases {
      guard let result = item.result else { continue }
      let values = names.map { name in
        result.findings.first { $0.name == name }.map { "\($0.probability)" } ?? ""
      }
      lines.append(
        ([
          EvaluationReport.csvCell(item.id),
          EvaluationReport.csvCell(result.findings.first?.name ?? ""), "\(result.frames)",
        ] + values).joined(separator: ",")
      )
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// `lamina vision sequence evaluate`.
struct VisionSequenceEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a model on labelled clips.",
    discussion: "DATA is as for train; classes are matched by name."
  )

  @Argument(help: "Folder of classes.")
  var data: String

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @OptionGroup var split: SplitOptions

  @OptionGroup var measurement: MeasurementOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try measurement.check(in: context)
    let recognizer = try ClipRecognizer(ModelStore().model(model))
    let clips = try ClipDataset(path: data)
    let (evaluation, problems) = try recognizer.evaluate(
      clips,
      split: split.wanted,
      progress: context.progress,
      interruption: context.interruption
    )
    for problem in problems { context.progress.warn(problem) }
    try measurement.write(evaluation, in: context) {
      let description = recognizer.model.description
      var page = RecognitionReportInput.page(
        evaluation,
        title: "\(description.name) on \(clips.name)",
        facts: [
          ("Model", description.name + " " + description.version),
          (
            "Data",
            "\(clips.name)\(split.words), \(evaluation.cases.count) clips"
          ),
          ("Command", OutputPath.command),
        ]
      )
      page.things = "clips"
      page.notes += problems
      return page
    }
    try context.confirm(evaluation) {
      func text(_ value: Double?) -> String {
        value.map { ReportNumber.significant($0, 4) } ?? ReportNumber.undefined
      }
      let interval = evaluation.accuracy.map { " (\(text($0.ci95[0])) to \(text($0.ci95[1])))" }
      return [
        "\(measurement.output): \(evaluation.cases.count) clips",
        "  accuracy: \(text(evaluation.accuracy?.value))\(interval ?? "")",
        "  expected calibration error: \(text(evaluation.calibration?.expectedError))",
      ].joined(separator: "\n")
    }
    return problems.count <= clips.problems.count ? .complete : .partial
  }
}
