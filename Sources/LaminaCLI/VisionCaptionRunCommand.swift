import ArgumentParser
import Evaluation
import Foundation
import Pipelines
import Recognition
import Reporting
import Sequences
import Support

/// `lamina vision caption run`.
struct VisionCaptionRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Writes sentences about images.",
    discussion: """
      INPUT is a picture, or a volume where the model sees volumes, or a folder of them (a batch; what fails \
      is listed and never stops the others). A folder as --output also gets a page with where was looked for \
      each word.
      """
  )

  @Argument(help: "Pictures or volumes, or folders of them.")
  var inputs: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "The image's label map, or a folder of label maps named as the images, for a model that sees them.",
      valueName: "path"
    )
  )
  var labels: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A .json or .csv file for the results, or a folder for both and a page.",
      valueName: "out"
    )
  )
  var output: String

  @Option(
    help: ArgumentHelp("Sentences side by side (default: the model's number).", valueName: "n")
  )
  var beams: Int?

  @Option(help: ArgumentHelp("Images whose attention the page shows.", valueName: "n"))
  var pictures = 8

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private typealias Case = CaseResult<CaptionWriter.Result>

  private struct Answer: Encodable {
    let schema = "lamina.captions-results/1"
    let model: String
    let version: String
    let cases: [Case]
    let notice: String
  }

  private var ending: String { (output as NSString).pathExtension.lowercased() }
  private var writesFile: Bool { ["json", "csv"].contains(ending) }

  func validate() throws {
    if let beams, !(1...64).contains(beams) { throw ValidationError("--beams must be 1 to 64.") }
    if !(0...100).contains(pictures) { throw ValidationError("--pictures must be 0 to 100.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    try context.outputs.check(output)
    let inputs = try SegmentationInputs(inputs, picturesAreCases: true)
    let items = inputs.separated
    let maps = try labelMaps(of: items)
    let writer = try CaptionWriter(ModelStore().model(model), beams: beams)
    let description = writer.model.description
    var groups: [(heading: String, note: String, pictures: [RecognitionReportData.Picture])] = []
    let cases: [Case] = try context.results(
      of: items.map { ($0.id, $0.path) },
      "writing about \(items.count) images",
      tellsInput: true,
      isBatch: inputs.isBatch
    ) { path, id in
      if let labels, maps[id] == nil { throw SupportError.notFound(path: labels + "/" + id) }
      let shown = try writer.write(path, labels: maps[id], id: id)
      if !writesFile, groups.count < pictures {
        groups.append(
          (
            id,
            "\"\(shown.result.caption)\": warm colours are where was looked before each word. "
              + "Attention is no proof that a word is right.",
            CaptionReportInput.pictures(shown)
          )
        )
      }
      return shown.result
    }
    let answer = Answer(
      model: description.name,
      version: description.version,
      cases: cases,
      notice: Version.disclaimer
    )
    let table = Data(csv(cases).utf8)
    if writesFile {
      try context.outputs.write(ending == "csv" ? table : JSONOutput.data(answer), to: output)
    } else {
      var page = RecognitionReportData(title: "Sentences by \(description.name)")
      page.facts = [
        ("Model", description.name + " " + description.version), ("Images", "\(cases.count)"),
        ("Command", OutputPath.command),
      ]
      page.pictures = groups
      page.cases = (
        ["Image", "Sentence", "Mean natural logarithm of a word's probability"],
        cases.prefix(500).compactMap { item in
          item.result.map { [item.id, $0.caption, ReportNumber.significant($0.logarithm, 3)] }
        }
      )
      page.notes = cases.compactMap { item in item.error.map { "\(item.id): \($0)" } }
      let html = try ReportBuilder().html(page, date: Date())
      try context.outputs.writeFolder(output) { folder in
        for (name, data) in [
          ("captions.json", try JSONOutput.data(answer)), ("captions.csv", table),
          ("report.html", Data(html.utf8)),
        ] {
          try data.write(to: URL(fileURLWithPath: folder + "/" + name))
        }
      }
    }
    try context.confirm(answer) {
      cases.words(in: output) { "\($0): \($1.caption)" }
    }
    return cases.outcome()
  }

  /// The label maps of images, by the images' names: one file for one image, else those of a folder by the
  /// rules for names of cases, without numbers alone.
  private func labelMaps(of items: [SegmentationInputs.Case]) throws -> [String: String] {
    guard let labels else { return [:] }
    let found = try SegmentationInputs([labels], picturesAreCases: true)
    guard found.isBatch else {
      guard items.count == 1 else {
        throw ValidationError("--labels must be a folder for several images.")
      }
      return [items[0].id: labels]
    }
    let paths = Dictionary(found.cases.map { ($0.id, $0.path) }) { first, _ in first }
    let matching = CaseMatching(
      predictions: items.map(\.id),
      references: found.cases.map(\.id),
      usesNumbers: false
    )
    return matching.matches.reduce(into: [:]) { $0[$1.prediction] = paths[$1.reference] }
  }

  private func csv(_ cases: [Case]) -> String {
    let lines = cases.compactMap { item in
      item.result.map {
        [item.id, $0.caption].map(EvaluationReport.csvCell).joined(separator: ",")
      }
    }
    return (["image,caption"] + lines).joined(separator: "\n") + "\n"
  }
}

/// `lamina vision caption evaluate`.
struct VisionCaptionEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a model on images with sentences: BLEU, ROUGE-L, exact statements.",
    discussion: "DATA is as for train."
  )

  @Argument(help: "A .csv, .tsv or .json.")
  var data: String

  @Option(help: ArgumentHelp("The folder of a JSON file's images.", valueName: "folder"))
  var images: String?

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
    let writer = try CaptionWriter(ModelStore().model(model))
    var images = try CaptionDataset(path: data, images: images)
    if let wanted = split.wanted {
      images = images.part(wanted)
      guard images.count > 0 else {
        throw SequencesError.nothingToUse(
          path: data,
          reason: "it has no \(wanted.rawValue) images"
        )
      }
    }
    let (evaluation, problems) = try writer.evaluate(
      images,
      progress: context.progress,
      interruption: context.interruption
    )
    for problem in problems { context.progress.warn(problem) }
    try measurement.write(evaluation, in: context) {
      let description = writer.model.description
      var page = CaptionReportInput.page(
        evaluation,
        title: "\(description.name) on \(images.name)",
        facts: [
          ("Model", description.name + " " + description.version),
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
      let scores = evaluation.network
      return [
        "\(measurement.output): \(evaluation.cases.count) images",
        "  BLEU-1 to BLEU-4: \(scores.bleu.scores.map(text).joined(separator: ", "))",
        "  ROUGE-L: \(text(scores.rougeL))",
        "  statements word by word: \(text(scores.statements?.value))",
      ].joined(separator: "\n")
    }
    return problems.isEmpty ? .complete : .partial
  }
}
