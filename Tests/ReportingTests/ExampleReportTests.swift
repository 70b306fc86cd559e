import Evaluation
import Foundation
import Imaging
import ImagingIO
import Reporting
import TestSupport
import Testing

/// Pages of real scans; set LAMINA_REPORT_FOLDER to keep them for a look in a browser.
struct ExampleReportTests {
  static let hippocampus = Fixtures.developmentData("hippocampus")

  @Test(.enabled(if: hippocampus != nil)) func reportOfRealScansIsWellFormed() throws {
    let folder = try #require(Self.hippocampus)
    let table = [
      LabelDefinition(id: 1, name: "anterior", color: LabelDefinition.defaultColor(0)),
      LabelDefinition(id: 2, name: "posterior", color: LabelDefinition.defaultColor(1)),
    ]
    let evaluator = try Evaluator()
    var items: [ReportItem] = []
    var cases: [CaseEvaluation] = []
    let shifts: [SIMD3<Int>] = [
      [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0], [0, 2, 1],
    ]
    for (index, number) in ["001", "003", "004", "006", "008", "011"].enumerated() {
      let id = "hippocampus_\(number)"
      let scan = try NIfTIReader.read("\(folder)/imagesTr/\(id)_0000.nii.gz").volume.asFloat
      let reference = try NIfTIReader.readLabelMap("\(folder)/labelsTr/\(id).nii.gz", table: table)
      let prediction = shifted(reference, by: shifts[index])
      cases.append(try evaluator.evaluate(prediction: prediction, reference: reference, id: id))
      guard index < 2 else { continue }
      var provenance = ProvenanceRecord(
        programVersion: "0.1.0",
        inputs: [
          .init(
            role: "scan",
            path: "imagesTr/\(id)_0000.nii.gz",
            sha256: String(repeating: "3f9a", count: 16)
          ),
          .init(role: "reference", path: "labelsTr/\(id).nii.gz"),
        ]
      )
      provenance.modelName = "hippocampus-slices"
      provenance.modelVersion = "1.0.0"
      provenance.weightsSHA256 = String(repeating: "c0de", count: 16)
      provenance.seed = 42
      provenance.plan = "2-D slices of 64 x 64, coronal, three channels"
      provenance.elapsedSeconds = 0.83
      provenance.peakMemoryMB = 312
      provenance.threads = 2
      provenance.date = sampleDate
      provenance.command =
        "lamina segment imagesTr/\(id)_0000.nii.gz --model hippocampus-slices --output out/\(id)"
      var data = SegmentationReportData(
        caseID: id,
        scan: scan,
        labelMap: prediction,
        statistics: try StructureStatistics.measure(prediction, scan: scan),
        provenance: provenance
      )
      data.reference = reference
      data.modelCard = Self.card
      items.append(.segmentation(data))
    }
    items.append(
      .evaluation(
        EvaluationReportData(
          title: "moved copies against the originals",
          report: EvaluationReport(cases: cases, evaluator: evaluator)
        )
      )
    )
    for item in try sampleItems() {
      if case .training = item { items.append(item) }
    }
    let page = try builder(longerSide: 560).html(
      items,
      title: "Hippocampus in head MRI",
      introduction: "Copies of reference segmentations, moved by a voxel or two, stand in for "
        + "predictions, to show what a report looks like.",
      date: sampleDate
    )
    #expect(Markup.problems(page) == [])
    if let folder = ProcessInfo.processInfo.environment["LAMINA_REPORT_FOLDER"] {
      try Data(page.utf8).write(to: URL(fileURLWithPath: "\(folder)/example.html"))
    }
  }

  static let card = """
    # hippocampus-slices

    Segments the **anterior** and *posterior* hippocampus in T1-weighted MRI, slice by slice.

    ## Intended use

    - research on T1 MRI cropped around the hippocampus, 1 mm voxels
    - not for clinical use

    ## Results

    | structure | Dice | cases |
    | --- | --- | --- |
    | anterior | 0.898 | 40 |
    | posterior | 0.878 | 40 |

    Licence: `CC-BY-SA 4.0`. Data: [Medical Segmentation Decathlon](https://medicaldecathlon.com).
    """
}
