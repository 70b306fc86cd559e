import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct DatasetMendingTests {
  private func mend(_ study: SyntheticStudy, to folder: String) throws -> [DatasetMending.Action] {
    let dataset = try SegmentationDataset(path: study.path)
    return try DatasetMending(dataset, check: try DatasetCheck.check(dataset)).write(
      to: folder,
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  @Test func theCopyIsSoundAndTheOriginalsStay() throws {
    let study = try SyntheticStudy(cases: 7)
    let (_, map) = try SyntheticStudy.make(1, size: [20, 18, 16])
    // 1: labels as fractions, off by rounding. 2: off by 4 µm. 3: a copy of 0. 4: NaN. 5: no labels.
    let fractions = Volume(
      geometry: map.geometry,
      voxels: map.labels.map { Float($0) * 1.0001 }
    )
    try NIfTIWriter.write(.float32(fractions), to: study.label(1))
    let moved = try ImageGeometry(
      size: map.geometry.size,
      spacing: map.geometry.spacing,
      origin: [0.004, 0, 0],
      direction: map.geometry.direction
    )
    let (_, second) = try SyntheticStudy.make(2, size: [20, 18, 16])
    try NIfTIWriter.write(
      LabelMap(geometry: moved, labels: second.labels, table: []),
      to: study.label(2)
    )
    try FileManager.default.removeItem(atPath: study.image(3))
    try FileManager.default.copyItem(atPath: study.image(0), toPath: study.image(3))
    var (scan, _) = try SyntheticStudy.make(4, size: [20, 18, 16])
    scan.voxels[0] = .nan
    try NIfTIWriter.write(.float32(scan), to: study.image(4))
    try FileManager.default.removeItem(atPath: study.label(5))
    let before = try Data(contentsOf: URL(fileURLWithPath: study.label(1)))

    let folder = try TemporaryFolder()
    let actions = try mend(study, to: folder.file("fixed"))
    #expect(actions.map(\.caseID) == ["ball_1", "ball_2", "ball_3", "ball_4", "ball_5"])
    #expect(actions.map(\.kind) == [.mended, .mended, .leftOut, .leftOut, .leftOut])
    #expect(try Data(contentsOf: URL(fileURLWithPath: study.label(1))) == before)

    let mended = try SegmentationDataset(path: folder.file("fixed"))
    #expect(mended.cases.map(\.id) == ["ball_0", "ball_1", "ball_2", "ball_6"])
    #expect(try DatasetCheck.check(mended).findings.isEmpty)
    let labels = try NIfTIReader.readLabelMap(mended.cases[1].label, table: [])
    #expect(labels.labels == map.labels)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: mended.cases[0].image))
        == Data(contentsOf: URL(fileURLWithPath: study.image(0)))
    )
    let text = try String(contentsOfFile: folder.file("fixed/dataset.json"), encoding: .utf8)
    #expect(text.contains(#""numTraining" : 4"#))
  }

  @Test func aDataSetWithoutASoundCaseIsRefused() throws {
    let study = try SyntheticStudy(cases: 1)
    var (scan, _) = try SyntheticStudy.make(0, size: [20, 18, 16])
    scan.voxels[0] = .nan
    try NIfTIWriter.write(.float32(scan), to: study.image(0))
    let folder = try TemporaryFolder()
    #expect(throws: PipelinesError.self) { try mend(study, to: folder.file("fixed")) }
  }
}
