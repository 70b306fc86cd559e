import ArgumentParser
import Evaluation
import Foundation
import ImagingIO
import Pipelines
import Recognition
import Reporting
import Support

/// What `lamina segment` writes and says.
extension SegmentCommand {
  /// The intervals of volumes that were asked for.
  func intervals(_ finder: LabelFinder, structures: [String]?) throws -> VolumeIntervals? {
    guard let volumeIntervals else { return nil }
    guard let names = finder.structureNames else {
      throw ValidationError(
        "--volume-intervals is for structures with names; \(finder.name) has none."
      )
    }
    guard let data = FileManager.default.contents(atPath: volumeIntervals) else {
      throw SupportError.notFound(path: volumeIntervals)
    }
    return try VolumeIntervals(
      EvaluationReport(json: data),
      structures: names.filter { structures?.contains($0) ?? true },
      level: coverage ?? VolumeIntervals.usualLevel,
      scale: intervalScale ?? .volume
    )
  }

  /// An interval in words.
  static func words(_ interval: VolumeIntervals.Interval) -> String {
    "\(ReportNumber.millilitres(interval.lowML)) to "
      + "\(ReportNumber.millilitres(interval.highML)) in "
      + "\(ReportNumber.significant(100 * interval.level)) % of cases"
  }

  func write(
    _ result: SegmentationRun.Result,
    to folder: String,
    explaining: SegmentationExplaining?
  ) throws {
    try SegmentationRun.write(result, to: folder)
    try result.writeProbabilities(to: folder)
    try result.writeUncertainty(to: folder)
    for object in SegmentationObject.allCases
    where extras.contains(where: { $0.rawValue == object.rawValue }) {
      try result.write(object, to: folder)
    }
    let explained = try explaining?.write(result, to: folder) ?? []
    if extras.contains(.preview) { try writePreviews(result, to: folder) }
    if extras.contains(.report) {
      var data = try ReportInputs.segmentation(
        folder,
        options: ReportInputs.Options(intensityUnit: unit),
        progress: SilentProgress()
      )
      data.explanations = explained
      let html = try ReportBuilder().html(
        [.segmentation(data)],
        title: "Segmentation of \(result.record.caseID)",
        date: Date()
      )
      try Self.write(Data(html.utf8), to: folder + "/report.html")
    }
  }

  private func writePreviews(_ result: SegmentationRun.Result, to folder: String) throws {
    for plane in BodyPlane.allCases {
      let view = SliceView(result.scan.geometry, plane: plane)
      let picture = try OverlayRenderer().render(
        volume: result.scan,
        labels: result.labelMap,
        plane: plane,
        slice: view.bestSlice(result.labelMap.labels)
      )
      try Self.write(try picture.png(), to: folder + "/preview-\(plane.rawValue).png")
    }
  }

  private static func write(_ data: Data, to path: String) throws {
    do {
      try data.write(to: URL(fileURLWithPath: path))
    } catch {
      throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
    }
  }

  func warn(_ result: SegmentationRun.Result, in context: CommandContext) {
    for problem in result.record.problems {
      context.progress.warn("\(result.record.input): \(problem.message) \(problem.remedy)")
    }
  }

  /// Every case in turn; what fails is listed and never stops the others.
  func batch(
    _ inputs: SegmentationInputs,
    into output: String,
    run: SegmentationRun,
    model: String,
    explaining: SegmentationExplaining?,
    in context: CommandContext
  ) throws -> CommandOutcome {
    let batch = SegmentationBatch(
      run: run,
      overlaps: memory == nil,
      progress: context.progress,
      interruption: context.interruption,
      sentence: { ExitReport($0, parser: LaminaCommand.self).sentence },
      write: { result, folder in
        warn(result, in: context)
        try context.outputs.writeFolder(folder) {
          try write(result, to: $0, explaining: explaining)
        }
      }
    )
    let part = slurmOptions.part
    let file = output + "/" + (part?.manifestName ?? SegmentationManifest.fileName)
    let earlier = SegmentationManifest.done(in: output, part: part)
    let manifest = try batch.process(
      part?.of(inputs.cases) ?? inputs.cases,
      into: output,
      resumes: resume,
      model: model
    ) {
      try context.outputs.replace(with: JSONOutput.data($0.joined(with: earlier)), at: file)
    }.joined(with: earlier)
    if part == nil { SegmentationManifest.removeParts(in: output) }
    let failed = manifest.cases.filter { $0.status == .failed }.count
    try context.confirm(manifest) {
      "\(output): \(manifest.cases.count - failed) of \(manifest.cases.count) cases segmented"
        + (failed > 0 ? ", \(failed) failed (see \(SegmentationManifest.fileName))" : "")
    }
    return failed > 0 ? .partial : .complete
  }
}
