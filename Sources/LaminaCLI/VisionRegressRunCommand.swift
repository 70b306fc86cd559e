import ArgumentParser
import Evaluation
import Foundation
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision regress run`.
struct VisionRegressRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Tells numbers of images.",
    discussion: """
      INPUT is a picture, or a volume where the model sees volumes, or a folder of them (a batch; what fails \
      is listed and never stops the others). Several models are averaged; they have no common interval.
      """
  )

  @Argument(help: "Pictures or volumes, or folders of them.")
  var inputs: [String]

  @OptionGroup var ensemble: RecognitionEnsembleOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A .json or .csv file for the results.", valueName: "file")
  )
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private typealias Case = CaseResult<ImageRegressor.Result>

  private struct Answer: Encodable {
    let schema = "lamina.regression-results/1"
    let model: String
    let version: String
    let coverage: Double
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
    let inputs = try SegmentationInputs(inputs, picturesAreCases: true)
    let items = inputs.separated
    let regressor = try ensemble.regressor()
    let cases: [Case] = try context.results(
      of: items.map { ($0.id, $0.path) },
      "looking at \(items.count) images",
      tellsInput: true,
      isBatch: inputs.isBatch
    ) { try regressor.measure($0, id: $1) }
    let answer = Answer(
      model: regressor.name,
      version: regressor.version,
      coverage: regressor.regression.coverage,
      cases: cases,
      notice: Version.disclaimer
    )
    try context.outputs.write(
      ending == "csv" ? Data(csv(cases, regressor).utf8) : JSONOutput.data(answer),
      to: output
    )
    try context.confirm(answer) {
      cases.words(in: output) { "\($0): \($1.values.map(words).joined(separator: ", "))" }
    }
    return cases.outcome()
  }

  private func words(_ value: ImageRegressor.Measurement) -> String {
    func number(_ value: Double) -> String { ReportNumber.significant(value, 4) }
    var words = "\(value.name) \(number(value.value))"
    if !value.unit.isEmpty { words += " \(value.unit)" }
    if let low = value.low, let high = value.high {
      words += " (\(number(low)) to \(number(high)))"
    }
    if value.isOutsideTraining { words += ", outside what was trained on" }
    return words
  }

  private func csv(_ cases: [Case], _ regressor: ImageRegressor) -> String {
    let names = regressor.regression.targets.map(\.name)
    let columns = names.flatMap { [$0, $0 + "_low", $0 + "_high", $0 + "_spread"] }
    var lines = [(["id"] + columns).map(EvaluationReport.csvCell).joined(separator: ",")]
    for item in cases {
      guard let result = item.result else { continue }
      let cells = result.values.flatMap { value in
        [value.value, value.low, value.high, value.spread].map { $0.map { "\($0)" } ?? "" }
      }
      lines.append(([EvaluationReport.csvCell(item.id)] + cells).joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension RecognitionEnsembleOptions {
  /// Loads models for numbers.
  /// - Returns: What tells numbers of images.
  /// - Throws: `PipelinesError.modelNotFound`; what loading throws.
  func regressor() throws -> ImageRegressor {
    let store = ModelStore()
    return try ImageRegressor(
      model.map { try store.model($0) },
      samples: uncertaintySamples,
      seed: seed ?? 1
    )
  }
}

/// `lamina vision regress evaluate`.
struct VisionRegressEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a model on images whose numbers are known.",
    discussion: "DATA is a table as for train, with columns of the model's numbers."
  )

  @Argument(help: "A .csv or .tsv.")
  var data: String

  @OptionGroup var ensemble: RecognitionEnsembleOptions

  @OptionGroup var split: SplitOptions

  @OptionGroup var measurement: MeasurementOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try measurement.check(in: context)
    let regressor = try ensemble.regressor()
    var images = try MeasuredImages(
      table: data,
      targets: regressor.regression.targets.map(\.name),
      isForTraining: false
    )
    if let wanted = split.wanted {
      images = images.part(wanted)
      guard images.count > 0 else {
        throw RecognitionError.noImages(path: data, reason: "it has no \(wanted.rawValue) images")
      }
    }
    let (evaluation, problems) = try regressor.evaluate(
      images,
      progress: context.progress,
      interruption: context.interruption
    )
    for problem in problems { context.progress.warn(problem) }
    try measurement.write(evaluation, in: context) {
      var page = RegressionReportInput.page(
        evaluation,
        title: "\(regressor.name) on \(images.name)",
        facts: [
          ("Model", regressor.name + " " + regressor.version),
          (
            "Data",
            "\(images.name)\(split.words), \(evaluation.cases.count) images"
          ),
          ("Command", OutputPath.command),
        ]
      )
      page.notes += problems
      return page
    }
    try context.confirm(evaluation) {
      func text(_ value: Double?) -> String {
        value.map { ReportNumber.significant($0, 4) } ?? ReportNumber.undefined
      }
      let lines = evaluation.targets.map { target in
        "  \(target.name): mean absolute error \(text(target.mae)) \(target.unit), R2 "
          + "\(text(target.r2)), concordance \(text(target.concordance)), in the interval "
          + text(target.coverage?.value)
      }
      return (["\(measurement.output): \(evaluation.cases.count) images"] + lines)
        .joined(separator: "\n")
    }
    return problems.isEmpty ? .complete : .partial
  }
}
