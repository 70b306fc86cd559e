import ArgumentParser
import Foundation
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision explain`.
struct VisionExplainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Shows what in an image speaks for a class, by one or all methods.",
    discussion: """
      Deletion and insertion say how faithful a map is to the network (lower and higher is better). It \
      shows what the network uses, not that it is right.
      """
  )

  @Argument(help: "Pictures or volumes.")
  var inputs: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "How; repeatable (default: all).",
      valueName: ExplanationMethod.allCases.map(\.rawValue).joined(separator: "|")
    )
  )
  var method: [ExplanationMethod] = []

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("The class (default: the most probable one).", valueName: "name")
  )
  var className: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("A page, .html.", valueName: "file"))
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    struct Entry: Encodable {
      let id: String
      let method: ExplanationMethod
      let className: String
      let probability: Double
      let deletion: Double?
      let insertion: Double?
      let peak: [Int]?
    }
    let explanations: [Entry]
  }

  func validate() throws {
    if !output.lowercased().hasSuffix(".html") {
      throw ValidationError("--output must end in .html.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(output)
    let recognizer = try ImageRecognizer(ModelStore().model(model))
    let methods = method.isEmpty ? ExplanationMethod.allCases : method
    let cases = try SegmentationInputs(inputs, picturesAreCases: true).separated
    var entries: [Answer.Entry] = []
    var page = RecognitionReportData(
      title: "What speaks for a class, by \(recognizer.model.description.name)"
    )
    page.facts = [
      ("Model", recognizer.model.description.name + " " + recognizer.model.description.version),
      ("Command", OutputPath.command),
    ]
    for method in methods {
      var pictures: [RecognitionReportData.Picture] = []
      for item in cases {
        try context.interruption.check()
        let shown = try recognizer.explain(
          item.path,
          className: className,
          method: method,
          isMeasured: true,
          interruption: context.interruption
        )
        pictures.append(
          .init(
            RecognitionReportInput.overlay(shown),
            caption: RecognitionReportInput.caption(shown, id: item.id)
          )
        )
        entries.append(
          Answer.Entry(
            id: item.id,
            method: method,
            className: shown.className,
            probability: shown.probability,
            deletion: shown.explanation.deletion,
            insertion: shown.explanation.insertion,
            peak: shown.explanation.peak.map { [$0.row, $0.column] }
          )
        )
      }
      page.pictures.append((method.title, RecognitionReportInput.note(method), pictures))
    }
    try context.outputs.write(
      Data(try ReportBuilder().html(page, date: Date()).utf8),
      to: output
    )
    try context.confirm(Answer(explanations: entries)) {
      entries.map { entry in
        func text(_ value: Double?) -> String {
          value.map { ReportNumber.significant($0, 3) } ?? ReportNumber.undefined
        }
        return "\(entry.id)  \(entry.method.title)  \(entry.className) "
          + "(\(text(entry.probability)))  deletion \(text(entry.deletion)), insertion "
          + text(entry.insertion)
      }.joined(separator: "\n")
    }
    return .complete
  }
}
