import ArgumentParser
import Foundation
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision detect evaluate`.
struct VisionDetectEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a detector on pictures with boxes: average precision as COCO's.",
    discussion: "DATA is as for train; classes are those of the model."
  )

  @Argument(help: "Folder in Pascal VOC's layout, or JSON file in COCO's.")
  var data: String

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("List of the pictures (VOC; default: all).", valueName: "name"))
  var split: String?

  @Option(
    help: ArgumentHelp(
      "Folder of the pictures (COCO; default: beside the file).",
      valueName: "folder"
    )
  )
  var images: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A .json file for the results.", valueName: "file")
  )
  var output: String

  @Option(help: ArgumentHelp("A page, .html.", valueName: "file"))
  var report: String?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !output.lowercased().hasSuffix(".json") {
      throw ValidationError("--output must end in .json.")
    }
    if let report, !report.lowercased().hasSuffix(".html") {
      throw ValidationError("--report must end in .html.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    for path in [output, report].compactMap(\.self) { try context.outputs.check(path) }
    let detector = try Detector(ModelStore().model(model))
    let data = try DetectionDataset.open(
      data,
      split: split,
      images: images,
      classes: detector.classes,
      interruption: context.interruption
    )
    for note in data.notes { context.progress.warn(note) }
    guard !data.images.isEmpty else {
      throw RecognitionError.noImages(
        path: self.data,
        reason: data.notes.first ?? "it names no picture that can be read"
      )
    }
    let measured = try DetectionMeasurement(
      detector,
      on: data,
      progress: context.progress,
      interruption: context.interruption
    )
    let summary = measured.summary
    try context.outputs.write(try JSONOutput.data(summary), to: output)
    if let report {
      let page = try DetectionReportInput.page(
        measured,
        detector,
        data,
        split: split
      )
      try context.outputs.write(Data(try ReportBuilder().html(page, date: Date()).utf8), to: report)
    }
    func text(_ value: Double?) -> String {
      value.map { ReportNumber.significant($0, 4) } ?? ReportNumber.undefined
    }
    try context.confirm(summary) {
      ([
        "\(output): \(summary.images) pictures, mAP@0.5 \(text(summary.map50)), mAP \(text(summary.map))"
      ]
        + summary.classes.map {
          "  \($0.name): AP@0.5 \(text($0.ap50)), AP \(text($0.ap)) (\($0.objects) objects)"
        }).joined(separator: "\n")
    }
    let lost: Set<DetectionProblem.Kind> = [
      .missingPicture, .unreadablePicture, .unreadableAnnotation,
    ]
    let isWhole = summary.notes.isEmpty && !data.problems.contains { lost.contains($0.kind) }
    return isWhole ? .complete : .partial
  }
}
