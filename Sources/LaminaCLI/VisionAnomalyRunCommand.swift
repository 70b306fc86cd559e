import ArgumentParser
import Autoencoders
import Evaluation
import Foundation
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision anomaly run`.
struct VisionAnomalyRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Tells how unusual images are, and where.",
    discussion: """
      INPUT is a picture, a volume (slices of its middle half, each on its own), a set of images as for train, or \
      a folder of them; what fails is listed and never stops the others.
      """
  )

  @Argument(help: "Pictures, volumes, or folders of them.")
  var inputs: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A .json or .csv file for the results, or a folder for both, heat maps and a page.",
      valueName: "out"
    )
  )
  var output: String

  @Option(help: ArgumentHelp("Slices of each volume, from its middle half.", valueName: "n"))
  var slices = 8

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private typealias Case = CaseResult<AnomalyDetector.Result>

  private struct Answer: Encodable {
    let schema = "lamina.anomaly-scores/1"
    let model: String
    let version: String
    let definition: String
    let threshold: Double
    let cases: [Case]
    let notice = Version.disclaimer
  }

  private var ending: String { (output as NSString).pathExtension.lowercased() }
  private var writesFile: Bool { ["json", "csv"].contains(ending) }

  func validate() throws {
    if !(1...1000).contains(slices) { throw ValidationError("--slices must be 1 to 1000.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    try context.outputs.check(output)
    let detector = try AnomalyDetector(ModelStore().model(model))
    let data = try AutoencoderReportInput.images(inputs, slicesPerVolume: slices)
    for problem in data.problems { context.progress.warn(problem) }
    if writesFile {
      let cases = try cases(detector, data, in: context) { _ in }
      let answer = answer(detector, cases)
      try context.outputs.write(
        ending == "csv" ? Data(csv(cases).utf8) : JSONOutput.data(answer),
        to: output
      )
      return try confirm(answer, in: context)
    }
    var hottest = HighestFew<AnomalyDetector.Scored>(count: 24)
    var all: Answer?
    try context.outputs.writeFolder(output) { folder in
      let cases = try cases(detector, data, in: context) { scored in
        hottest.add(scored, scored.result.score)
        let name = AutoencoderReportInput.fileName(scored.result.id) + "-heat.png"
        try AutoencoderReportInput.write(
          AutoencoderReportInput.overlay(scored).png(),
          to: folder + "/" + name
        )
      }
      let answer = answer(detector, cases)
      try AutoencoderReportInput.write(JSONOutput.data(answer), to: folder + "/scores.json")
      try AutoencoderReportInput.write(Data(csv(cases).utf8), to: folder + "/scores.csv")
      let page = try ReportBuilder().html(page(detector, cases, hottest.items), date: Date())
      try AutoencoderReportInput.write(Data(page.utf8), to: folder + "/report.html")
      all = answer
    }
    guard let all else { return .complete }
    return try confirm(all, in: context)
  }

  private func cases(
    _ detector: AnomalyDetector,
    _ data: LabelledImages,
    in context: CommandContext,
    _ use: (AnomalyDetector.Scored) throws -> Void
  ) throws -> [Case] {
    var cases: [Case] = []
    try detector.score(
      data,
      progress: context.progress,
      interruption: context.interruption
    ) { index, outcome in
      let id = data.items[index].id
      switch outcome {
      case .scored(let scored):
        try use(scored)
        cases.append(Case(id: id, scored.result))
      case .failed(let error):
        guard data.count > 1 else { throw error }
        context.progress.warn("\(id): \(error.description)")
        cases.append(Case(id: id, failed: error))
      }
    }
    return cases
  }

  private func answer(_ detector: AnomalyDetector, _ cases: [Case]) -> Answer {
    Answer(
      model: detector.model.description.name,
      version: detector.model.description.version,
      definition: detector.definition,
      threshold: detector.plan.threshold,
      cases: cases
    )
  }

  private func confirm(_ answer: Answer, in context: CommandContext) throws -> CommandOutcome {
    try context.confirm(answer) {
      "threshold: \(ReportNumber.significant(answer.threshold, 3))\n"
        + answer.cases.words(in: output) { id, result in
          "\(id): \(ReportNumber.significant(result.score, 3)), "
            + (result.isUnusual ? "unusual" : "not unusual")
        }
    }
    return answer.cases.outcome()
  }

  private func csv(_ cases: [Case]) -> String {
    let lines = cases.compactMap { item in
      item.result.map {
        "\(EvaluationReport.csvCell(item.id)),\($0.score),\($0.isUnusual ? 1 : 0),"
          + "\($0.baselineScore),\($0.baselineIsUnusual ? 1 : 0)"
      }
    }
    return (["id,score,unusual,baseline_score,baseline_unusual"] + lines)
      .joined(separator: "\n") + "\n"
  }

  private func page(
    _ detector: AnomalyDetector,
    _ cases: [Case],
    _ hottest: [AnomalyDetector.Scored]
  ) -> RecognitionReportData {
    var page = RecognitionReportData(
      title: "Unusual images, by \(detector.model.description.name)"
    )
    page.facts =
      AutoencoderReportInput.facts(detector) + [
        ("Images", "\(cases.count), \(cases.count { $0.result == nil }) of which failed"),
        ("Command", OutputPath.command),
      ]
    page.notes = cases.compactMap { item in item.error.map { "\(item.id): \($0)" } }
    page.cases = (
      ["Image", "Told", "By principal components", "Score", "Score by principal components"],
      cases.compactMap { item in
        guard let result = item.result else { return nil }
        return [
          item.id, result.isUnusual ? "unusual" : "not unusual",
          result.baselineIsUnusual ? "unusual" : "not unusual",
          ReportNumber.significant(result.score, 4),
          ReportNumber.significant(result.baselineScore, 4),
        ]
      }
    )
    page.pictures = [
      (
        "The images of the highest scores", AutoencoderReportInput.heatNote,
        hottest.map { AutoencoderReportInput.picture($0) }
      )
    ]
    return page
  }
}
