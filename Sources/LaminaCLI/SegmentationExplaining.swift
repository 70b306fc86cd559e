import Foundation
import Imaging
import ImagingIO
import Pipelines
import Recognition
import Reporting
import Support

/// Explains segmentations, and writes what it finds beside them.
struct SegmentationExplaining {
  /// Finds the evidence.
  let explainer: SegmentationExplainer
  /// How.
  let methods: [ExplanationMethod]
  /// Told about each map.
  let progress: any ProgressReporter

  /// Opens what explains; nil when nothing is to be explained.
  init?(_ finder: LabelFinder, methods: [ExplanationMethod], in context: CommandContext) throws {
    guard !methods.isEmpty, case .models(let models) = finder else { return nil }
    explainer = try SegmentationExplainer(
      models[0],
      methods: methods,
      interruption: context.interruption
    )
    self.methods = methods
    progress = context.progress
  }

  /// Writes `explanation-LABEL-METHOD.nii.gz`, the evidence from 0 to 1 on the scan's grid, and a picture
  /// of the explained slice under the same name.
  /// - Parameters:
  ///   - result: The finished case.
  ///   - folder: Its folder.
  /// - Returns: The pictures for the page, by method.
  /// - Throws: What explaining and writing throw.
  func write(
    _ result: SegmentationRun.Result,
    to folder: String
  ) throws -> [(heading: String, note: String, pictures: [RecognitionReportData.Picture])] {
    let scan = result.scan
    let found = try explainer.explain(
      scan,
      labels: result.labelMap,
      progress: progress
    )
    var pictures: [ExplanationMethod: [RecognitionReportData.Picture]] = [:]
    for item in found {
      let name = "\(folder)/explanation-\(item.definition.id)-\(item.method.rawValue)"
      try NIfTIWriter.write(.float32(item.map), to: name + ".nii.gz")
      let (plane, slice) = SliceView.slice(
        across: item.axis,
        index: item.slice,
        of: scan.geometry
      )
      let picture = try OverlayRenderer(longerSide: 440).render(
        volume: scan,
        labels: result.labelMap,
        evidence: item.map,
        plane: plane,
        slice: slice
      )
      do {
        try picture.png().write(to: URL(fileURLWithPath: name + ".png"))
      } catch let error as any ClassifiedError {
        throw error
      } catch {
        throw SupportError.unwritable(path: name + ".png", reason: OutputGuard.reason(of: error))
      }
      let cells = item.isSolid ? "voxels about its middle" : "pixels"
      pictures[item.method, default: []].append(
        .init(
          picture,
          caption: "\(item.definition.name), \(plane.rawValue) slice \(slice + 1): score of "
            + "\(item.regionCount) \(cells), mean probability "
            + ReportNumber.significant(item.probability, 3)
        )
      )
    }
    if found.isEmpty { progress.warn("\(result.record.caseID): there is no structure to explain.") }
    return methods.map { method in
      (method.title, RecognitionReportInput.segmentationNote(method), pictures[method] ?? [])
    }
  }
}
