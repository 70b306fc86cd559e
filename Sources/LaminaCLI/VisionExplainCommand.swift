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

      With --masks or --boxes maps are measured against regions that people marked: how often the largest \
      value lies inside (the pointing game), and how much of the whole (energy), beside what chance would \
      give. Images in which nothing, or everything, is marked are left out and counted.
      """
  )

  @Argument(help: "Pictures or volumes, or folders of pictures.")
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
    help: ArgumentHelp(
      "The class (default: the most probable one; with --boxes each class that is marked).",
      valueName: "name"
    )
  )
  var className: String?

  @Option(
    help: ArgumentHelp(
      "Folder of masks with the images' names; what is not 0 shows the --class.",
      valueName: "folder"
    )
  )
  var masks: String?

  @Option(
    help: ArgumentHelp(
      "Boxes of the images: folder in Pascal VOC's layout, or JSON file in COCO's.",
      valueName: "path"
    )
  )
  var boxes: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("A page, .html.", valueName: "file"))
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  /// Pictures of a page for each method, where maps are measured.
  private static let shownCount = 24

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
    let pointing: [PointingGame]?
    let notice: String
  }

  /// What is gathered of one method.
  private struct Gathered {
    var pictures: [RecognitionReportData.Picture] = []
    var entries: [Answer.Entry] = []
    var trials: [PointingGame.Trial] = []
  }

  func validate() throws {
    if !output.lowercased().hasSuffix(".html") {
      throw ValidationError("--output must end in .html.")
    }
    if masks != nil, boxes != nil {
      throw ValidationError("--masks and --boxes exclude each other.")
    }
    if masks != nil, className == nil {
      throw ValidationError("--masks name no class; say with --class what they show.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(output)
    let recognizer = try ImageRecognizer(ModelStore().model(model))
    let methods = method.isEmpty ? ExplanationMethod.allCases : method
    let cases = try SegmentationInputs(inputs, picturesAreCases: true).separated
    let marked =
      try masks.map { try MarkedRegions(masks: $0) }
      ?? boxes.map {
        try MarkedRegions(boxes: $0, images: nil, interruption: context.interruption)
      }
    var page = RecognitionReportData(
      title: "What speaks for a class, by \(recognizer.model.description.name)"
    )
    page.facts = [
      ("Model", recognizer.model.description.name + " " + recognizer.model.description.version),
      ("Command", OutputPath.command),
    ]
    var (entries, games): ([Answer.Entry], [PointingGame]) = ([], [])
    for (number, method) in methods.enumerated() {
      var gathered = Gathered()
      var leftOut: [String] = []
      context.progress.begin("explaining by \(method.title)", total: cases.count)
      for (index, item) in cases.enumerated() {
        try context.interruption.check()
        if let marked {
          let isUsed = try play(item, recognizer, method, marked, &gathered, context)
          if !isUsed { leftOut.append(item.id) }
        } else {
          try explain(item, recognizer, method, className, &gathered, context)
        }
        context.progress.update(index + 1, detail: nil)
      }
      context.progress.end()
      entries += gathered.entries
      page.pictures.append(
        (
          method.title, RecognitionReportInput.note(method),
          marked == nil ? gathered.pictures : Array(gathered.pictures.prefix(Self.shownCount))
        )
      )
      if number == 0, !leftOut.isEmpty {
        page.notes.append(
          "\(leftOut.count) of \(cases.count) images were left out, because nothing or everything is "
            + "marked in them."
        )
      }
      if let game = PointingGame(method: method, trials: gathered.trials) {
        games.append(game)
        page.results += RecognitionReportInput.rows(game)
      }
    }
    if marked != nil, games.isEmpty {
      throw RecognitionError.noImages(
        path: masks ?? boxes ?? "",
        reason: "no image has a part of it marked with a class that the model knows"
      )
    }
    try context.outputs.write(
      Data(try ReportBuilder().html(page, date: Date()).utf8),
      to: output
    )
    try context.confirm(
      Answer(
        explanations: entries,
        pointing: marked == nil ? nil : games,
        notice: Version.disclaimer
      )
    ) {
      (games.isEmpty ? entries.map(Self.line) : games.map(Self.line)).joined(separator: "\n")
    }
    return .complete
  }

  private static func text(_ value: Double?) -> String {
    value.map { ReportNumber.significant($0, 3) } ?? ReportNumber.undefined
  }

  private static func line(_ entry: Answer.Entry) -> String {
    "\(entry.id)  \(entry.method.title)  \(entry.className) (\(text(entry.probability)))  deletion "
      + "\(text(entry.deletion)), insertion \(text(entry.insertion))"
  }

  private static func line(_ game: PointingGame) -> String {
    func bounds(_ values: [Double]?) -> String {
      values.map { "\(text($0[0])) to \(text($0[1]))" } ?? ReportNumber.undefined
    }
    return "\(game.method.title)  points inside \(game.hits.hits) of \(game.hits.count): "
      + "\(text(game.hits.value)) (\(bounds(game.hits.ci95)))  energy \(text(game.energy)) "
      + "(\(bounds(game.energyCI95)))  chance \(text(game.chance))"
  }

  @discardableResult private func explain(
    _ item: SegmentationInputs.Case,
    _ recognizer: ImageRecognizer,
    _ method: ExplanationMethod,
    _ className: String?,
    _ gathered: inout Gathered,
    _ context: CommandContext
  ) throws -> ExplainedImage {
    let shown = try recognizer.explain(
      item.path,
      className: className,
      method: method,
      isMeasured: masks == nil && boxes == nil,
      interruption: context.interruption
    )
    gathered.pictures.append(
      .init(
        RecognitionReportInput.overlay(shown),
        caption: RecognitionReportInput.caption(shown, id: item.id)
      )
    )
    gathered.entries.append(
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
    return shown
  }

  /// Explains each class that is marked; false where none is, or all of the image.
  private func play(
    _ item: SegmentationInputs.Case,
    _ recognizer: ImageRecognizer,
    _ method: ExplanationMethod,
    _ marked: MarkedRegions,
    _ gathered: inout Gathered,
    _ context: CommandContext
  ) throws -> Bool {
    let size = try recognizer.imageSize(of: item.path)
    let regions = try marked.regions(of: item.path, height: size.height, width: size.width)
      .filter { region in
        let name = region.className ?? className
        return region.pixels.contains(false) && (className == nil || name == className)
          && name.map { recognizer.classNames.contains($0) } ?? false
      }
    if regions.isEmpty, let className, !recognizer.classNames.contains(className) {
      throw RecognitionError.otherClasses(
        path: item.path,
        unknown: [className],
        known: recognizer.classNames
      )
    }
    for region in regions {
      guard let name = region.className ?? className else { continue }
      let shown = try explain(item, recognizer, method, name, &gathered, context)
      gathered.trials.append(
        PointingGame.Trial(
          id: item.id,
          className: name,
          evidence: shown.evidence,
          region: region.pixels
        )
      )
    }
    return !regions.isEmpty
  }
}
