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

  private struct Case: Encodable {
    let id: String
    let status: String
    let error: String?
    let result: ClipRecognizer.Result?
  }

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
    let items = try clips.flatMap { try ClipDataset.clips($0) }
    let recognizer = try ClipRecognizer(ModelStore().model(model))
    var cases: [Case] = []
    context.progress.begin("looking at \(items.count) clips", total: items.count)
    for (index, item) in items.enumerated() {
      try context.interruption.check()
      do {
        let result = try recognizer.recognize(item.path, id: item.id)
        cases.append(Case(id: item.id, status: "done", error: nil, result: result))
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        guard items.count > 1 else { throw error }
        context.progress.warn("\(item.id): \(error.description)")
        cases.append(
          Case(id: item.id, status: "failed", error: error.description, result: nil)
        )
      }
      context.progress.update(index + 1, detail: nil)
    }
    context.progress.end()
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
    let failed = cases.count { $0.result == nil }
    try context.confirm(answer) {
      let lines = cases.prefix(20).compactMap { item in
        item.result?.findings.first.map {
          "\(item.id): \($0.name) (\(ReportNumber.significant($0.probability, 3)))"
        }
      }
      let rest = cases.count > 20 ? ["and \(cases.count - 20) more in \(output)"] : []
      return (lines + rest + (failed > 0 ? ["\(failed) failed"] : [])).joined(separator: "\n")
    }
    return failed > 0 ? .partial : .complete
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

  @Option(
    help: ArgumentHelp(
      "Which clips of a data set with splits.",
      valueName: "training|validation|test"
    )
  )
  var split: String?

  @OptionGroup var measurement: MeasurementOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if let split, LabelledImages.Split(name: split) == nil {
      throw ValidationError("--split must be training, validation or test.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try measurement.check(in: context)
    let recognizer = try ClipRecognizer(ModelStore().model(model))
    let clips = try ClipDataset(path: data)
    let (evaluation, problems) = try recognizer.evaluate(
      clips,
      split: split.flatMap { LabelledImages.Split(name: $0) },
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
            "\(clips.name)\(split.map { ", \($0)" } ?? ""), \(evaluation.cases.count) clips"
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
