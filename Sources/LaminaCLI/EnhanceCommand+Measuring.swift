import ArgumentParser
import Enhancement
import Foundation
import Imaging
import Pipelines
import Reporting
import Support

extension EnhanceCommand {
  /// No more cases than this are shown in pictures.
  private static let picturedCases = 12
  /// The evaluation's name in the output folder.
  private static let evaluationName = "evaluation.json"

  /// Measures the steps on images that are degraded on purpose.
  func measure(
    _ inputs: SegmentationInputs,
    chain: EnhancementChain,
    into output: String,
    in context: CommandContext
  ) throws -> CommandOutcome {
    var options = EnhancementMeasurement.Options(try ImageDegradation(measuring.degradation))
    options.seed = measuring.seed
    options.selection = selectionOptions.selection
    options.dataRange = dataRange
    options.border = border
    options.usesLuma = measuring.luma
    options.keepsFractions = float
    options.ensemble = ensembleOptions.ensemble
    options.command = OutputPath.command
    let measurement = try EnhancementMeasurement(
      chain,
      against: measuring.against.map { EnhancementChain([try StageCatalog.stage($0)]) },
      options: options,
      progress: context.progress,
      interruption: context.interruption
    )
    let segmenting = try EnhanceSegmentingOptions.Comparison(segmentingOptions, in: context)
    let writesFile = !inputs.isBatch && Self.isImageFile(output)
    var cases: [(entry: EnhancementEvaluation.Case, rivals: [ImageQuality])] = []
    var (notes, pictures) = ([String](), [ReportSection]())
    let manifest = try manifest(of: inputs, model: chain.name, in: output, context) { item in
      var measured = try measurement.measure(item.path, id: item.id)
      measured.entry.segmentation = try segmenting?.change(
        measured.before.grey,
        measured.after.asStored(keepsFractions: float).grey,
        clean: measured.clean.grey,
        problems: measured.problems,
        path: item.path
      )
      for warning in measured.entry.segmentation?.warnings ?? [] {
        context.progress.warn("\(item.id): \(warning)")
      }
      for problem in measured.problems {
        context.progress.warn("\(item.path): \(problem.message) \(problem.remedy)")
      }
      for note in measured.notes where !notes.contains(note) {
        notes.append(note)
        context.progress.note(note)
      }
      let path = writesFile ? output : output + "/" + item.id + measured.after.ending
      try context.outputs.writeFile(path) {
        try measured.after.write(to: $0, keepsFractions: float)
      }
      if let path = ensembleOptions.uncertainty {
        try write(measured, spreadTo: path, in: context)
      }
      if report != nil, pictures.count < Self.picturedCases {
        pictures.append(try ReportBuilder().picturesOfCase(page(of: measured)))
      }
      cases.append((measured.entry, measured.rivals))
      return measured.entry.seconds ?? 0
    }
    let evaluation = measurement.evaluation(of: cases, notes: notes)
    if !writesFile {
      try context.outputs.write(
        JSONOutput.data(evaluation),
        to: output + "/" + Self.evaluationName
      )
    }
    if let report {
      let page = MeasurementText.page(evaluation, pictures: pictures)
      try context.outputs.write(Data(ReportBuilder().html(page, date: Date()).utf8), to: report)
    }
    let failed = manifest.failureCount
    try context.confirm(evaluation) {
      let head =
        "\(output): \(cases.count) \(cases.count == 1 ? "image" : "images"), "
        + "\(measuring.degradation.joined(separator: ", ")), seed \(measuring.seed)"
        + (failed > 0 ? "; \(failed) failed (see \(SegmentationManifest.fileName))" : "")
      return ([head] + MeasurementText.lines(evaluation)).joined(separator: "\n")
    }
    return failed > 0 ? .partial : .complete
  }

  /// Whether a path's ending is that of an image file.
  static func isImageFile(_ path: String) -> Bool {
    [".nii", ".nii.gz", ".nrrd", ".mha", ".png"].contains { path.lowercased().hasSuffix($0) }
  }

  private func write(
    _ measured: EnhancementMeasurement.Measured,
    spreadTo path: String,
    in context: CommandContext
  ) throws {
    guard let spread = measured.spread else {
      throw ValidationError("--uncertainty needs steps that give the clean image's own grid.")
    }
    try context.outputs.writeFile(path) {
      try measured.after.with(spread: spread).write(to: $0, keepsFractions: true)
    }
  }

  private func page(of measured: EnhancementMeasurement.Measured) -> EnhancementReportData {
    var data = EnhancementReportData(
      name: measured.entry.id,
      before: measured.before.grey,
      after: measured.after.grey,
      reference: measured.clean.grey,
      isPicture: measured.clean.isPicture,
      warning: EnhancementRecord.standardWarning
    )
    data.spread = measured.spread
    data.structures = measured.entry.segmentation?.report
    return data
  }
}
