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
    discussion: """
      DATA is as for train; classes are those of the model. Of volumes, boxes are measured in every slice, \
      and the boxes that slices join to against the structures in space.
      """
  )

  @Argument(help: "Folder in Pascal VOC's layout, JSON file in COCO's, or folder of volumes.")
  var data: String

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("List of the pictures (VOC; default: all).", valueName: "name"))
  var split: String?

  @Flag(
    name: .customLong("held-out"),
    help: "Only the pictures or cases that the model's training held out, by their names."
  )
  var heldOut = false

  @Option(
    help: ArgumentHelp(
      "Folder of the pictures (COCO; default: beside the file).",
      valueName: "folder"
    )
  )
  var images: String?

  @OptionGroup var measurement: MeasurementOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try measurement.check(in: context)
    let package = try ModelStore().model(model)
    let detector = try Detector(package)
    var data = try DetectionDataset.open(
      data,
      split: split,
      images: images,
      classes: detector.classes,
      interruption: context.interruption
    )
    for note in data.notes { context.progress.warn(note) }
    if heldOut { data = data.only(package.description.provenance.heldOut) }
    guard !data.images.isEmpty else {
      throw RecognitionError.noImages(
        path: self.data,
        reason: data.notes.first ?? "it names no picture that can be read"
      )
    }
    var measured = try DetectionMeasurement(
      detector,
      on: data,
      progress: context.progress,
      interruption: context.interruption
    )
    if data.images.contains(where: { $0.slice != nil }) {
      measured.summary.volumes = try VolumeDetectionMeasurement(
        detector,
        on: self.data,
        cases: data.cases,
        progress: context.progress,
        interruption: context.interruption
      ).summary
    }
    let summary = measured.summary
    try measurement.write(summary, in: context) {
      try DetectionReportInput.page(measured, detector, data, split: split)
    }
    func text(_ value: Double?) -> String {
      value.map { ReportNumber.significant($0, 4) } ?? ReportNumber.undefined
    }
    try context.confirm(summary) {
      ([
        "\(measurement.output): \(summary.images) pictures, mAP@0.5 \(text(summary.map50)), mAP \(text(summary.map))"
          + (summary.maskMap == nil
            ? "" : ", masks \(text(summary.maskMap50)) and \(text(summary.maskMap))")
      ]
        + summary.classes.map {
          "  \($0.name): AP@0.5 \(text($0.ap50)), AP \(text($0.ap)) (\($0.objects) objects)"
        }
        + (summary.volumes?.classes ?? []).map { result in
          func share(_ value: ShareWithInterval?) -> String {
            value.map { "\($0.hits) of \($0.count) (\(text($0.value)))" } ?? ReportNumber.undefined
          }
          return "  \(result.name) in volumes, overlap \(result.leastOverlap): found "
            + "\(share(result.sensitivity)), right \(share(result.precision)), false per volume "
            + text(result.falseFindingsPerVolume)
        }).joined(separator: "\n")
    }
    let lost: Set<DetectionProblem.Kind> = [
      .missingPicture, .unreadablePicture, .unreadableAnnotation,
    ]
    let isWhole =
      summary.notes.isEmpty && summary.volumes?.notes.isEmpty ?? true
      && !data.problems.contains { lost.contains($0.kind) }
    return isWhole ? .complete : .partial
  }
}
