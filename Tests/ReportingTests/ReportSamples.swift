import Evaluation
import Foundation
import Imaging
import Reporting

/// A builder whose pictures are small.
func builder(longerSide: Int = 24) -> ReportBuilder {
  ReportBuilder(renderer: OverlayRenderer(longerSide: longerSide))
}

/// Text that breaks a page which does not escape it.
let hostile = "<script>alert('x')</script>\"><img src=x onerror=\"y\">&amp;\u{0}\u{7}"

/// A label map moved by whole voxels; what leaves the grid is lost.
func shifted(_ map: LabelMap, by shift: SIMD3<Int>) -> LabelMap {
  var result = map
  result.labels = .init(repeating: 0, count: map.labels.count)
  let size = map.geometry.size
  for z in 0..<size.z {
    for y in 0..<size.y {
      for x in 0..<size.x {
        let from = SIMD3(x, y, z) &- shift
        guard all(from .>= 0), all(from .< size) else { continue }
        result[x, y, z] = map[from.x, from.y, from.z]
      }
    }
  }
  return result
}

/// A scan of a brightness that grows along x with a two-label box in it; voxels are 1 x 2 x 3 mm.
func sampleScan() throws -> (scan: Volume<Float>, labels: LabelMap) {
  let geometry = try ImageGeometry(
    size: [12, 8, 6],
    spacing: [1, 2, 3],
    origin: [-6, -8, -9],
    direction: .identity
  )
  let scan = Volume<Float>(
    geometry: geometry,
    voxels: (0..<geometry.voxelCount).map { Float($0 % 12) * 10 + Float($0 / 12 % 8) }
  )
  var map = LabelMap(
    geometry: geometry,
    labels: .init(repeating: 0, count: geometry.voxelCount),
    table: [
      LabelDefinition(id: 1, name: "anterior", color: LabelDefinition.defaultColor(0)),
      LabelDefinition(id: 2, name: "posterior", color: LabelDefinition.defaultColor(1)),
    ]
  )
  for z in 2...4 {
    for y in 1...5 {
      for x in 2...8 { map[x, y, z] = x < 5 ? 1 : 2 }
    }
  }
  return (scan, map)
}

/// A page's items: one scan with a reference, its evaluation, a training run.
func sampleItems(caseID: String = "case 1") throws -> [ReportItem] {
  let (scan, labels) = try sampleScan()
  let reference = shifted(labels, by: [1, 0, 0])
  var provenance = ProvenanceRecord(
    programVersion: "0.1.0",
    inputs: [.init(role: "scan", path: "\(caseID).nii.gz", sha256: "ab")]
  )
  provenance.modelName = "boxes"
  provenance.modelVersion = "1.2.3"
  provenance.seed = 7
  provenance.command = "lamina segment \(caseID).nii.gz --model boxes --output out"
  provenance.elapsedSeconds = 1.5
  provenance.peakMemoryMB = 123
  var segmentation = SegmentationReportData(
    caseID: caseID,
    scan: scan,
    labelMap: labels,
    statistics: try StructureStatistics.measure(labels, scan: scan),
    provenance: provenance
  )
  segmentation.reference = reference
  segmentation.problems = ["the slices are unevenly spaced by 0.2 mm"]
  segmentation.modelCard = "# Boxes\n\nFinds **boxes**.\n\n| Dice | n |\n|---|---|\n| 0.9 | 4 |"
  let evaluator = try Evaluator()
  let cases = try (0..<5).map { index in
    try evaluator.evaluate(
      prediction: shifted(labels, by: [index, 0, 0]),
      reference: index == 4
        ? LabelMap(
          geometry: labels.geometry,
          labels: labels.labels.map { $0 == 1 ? 1 : 0 },
          table: labels.table
        ) : labels,
      id: "\(caseID)-\(index)"
    )
  }
  let training = TrainingReportData(
    modelName: "boxes",
    facts: [("Network", "U-Net"), ("Cases", "160")],
    curves: [
      .init(
        title: "Loss",
        lines: [
          .init(label: "training", points: (0..<30).map { [Double($0), 1 / Double($0 + 1)] }),
          .init(label: "validation", points: (0..<30).map { [Double($0), 1.2 / Double($0 + 1)] }),
        ],
        xLabel: "epoch"
      )
    ],
    provenance: provenance
  )
  return [
    .segmentation(segmentation),
    .evaluation(
      EvaluationReportData(
        title: "boxes",
        report: EvaluationReport(cases: cases, evaluator: evaluator)
      )
    ),
    .training(training),
  ]
}

let sampleDate = Date(timeIntervalSince1970: 1_741_944_360)
