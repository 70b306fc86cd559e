import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct DatasetCheckTests {
  private func check(_ study: SyntheticStudy) throws -> DatasetCheck {
    try DatasetCheck.check(try SegmentationDataset(path: study.path))
  }

  private func kinds(_ check: DatasetCheck) -> [DatasetFinding.Kind] {
    check.findings.map(\.kind)
  }

  @Test func aSoundDataSetHasNoFindings() throws {
    #expect(try check(try SyntheticStudy(cases: 3)).findings.isEmpty)
  }

  @Test func everyFindingNamesARemedy() throws {
    let study = try SyntheticStudy(cases: 6, labels: #""ball": 1, "core": 2, "gone": 3"#)
    try breakEverything(study)
    let found = try check(study)
    #expect(found.findings.allSatisfy { !$0.remedy.isEmpty && !$0.message.hasSuffix(".") })
    let faults: [DatasetFinding.Kind] = [.unpaired, .notFinite, .constant, .brokenLabels]
    let notes: [DatasetFinding.Kind] = [.unusedLabel, .emptyLabels]
    #expect(Set(kinds(found)) == Set(faults + notes))
    #expect(found.faults.count == 4)
    // Faults come first.
    #expect(found.findings.prefix(4).map(\.isFault) == [true, true, true, true])
  }

  private func breakEverything(_ study: SyntheticStudy) throws {
    try FileManager.default.removeItem(atPath: study.label(0))
    var (scan, map) = try SyntheticStudy.make(1, size: [20, 18, 16])
    scan.voxels[7] = .nan
    scan.voxels[8] = .infinity
    try NIfTIWriter.write(.float32(scan), to: study.image(1))
    scan.voxels = scan.voxels.map { _ in 4 }
    try NIfTIWriter.write(.float32(scan), to: study.image(2))
    let halves = Volume(geometry: map.geometry, voxels: map.labels.map { Float($0) / 2 })
    try NIfTIWriter.write(.float32(halves), to: study.label(3))
    map.labels = map.labels.map { _ in 0 }
    try NIfTIWriter.write(map, to: study.label(4))
  }

  @Test func unknownNumbersAreAllListed() throws {
    let study = try SyntheticStudy(cases: 1)
    var (_, map) = try SyntheticStudy.make(0, size: [20, 18, 16])
    map.labels[0] = 9
    map.labels[1] = 11
    try NIfTIWriter.write(map, to: study.label(0))
    let found = try check(study)
    #expect(kinds(found) == [.unknownLabel, .unknownLabel])
    #expect(found.fingerprint == nil)
    #expect(found.findings[1].remedy.contains("name 11 in dataset.json"))
  }

  @Test func turnedAndShiftedLabelMapsAreToldApart() throws {
    let study = try SyntheticStudy(cases: 4)
    for (index, orientation, shift) in [
      (0, "LAS", 0.0), (1, "RAS", 3.0), (2, "RAS", 0.004),
    ] {
      let (_, map) = try SyntheticStudy.make(index, size: [20, 18, 16])
      let geometry = try ImageGeometry(
        size: map.geometry.size,
        spacing: map.geometry.spacing,
        origin: [shift, 0, 0],
        direction: try Orientation(code: orientation).direction
      )
      try NIfTIWriter.write(
        LabelMap(geometry: geometry, labels: map.labels, table: []),
        to: study.label(index)
      )
    }
    let found = try check(study)
    #expect(kinds(found) == [.orientation, .grid, .rounding])
    #expect(found.findings.map(\.isFault) == [true, true, false])
    #expect(found.findings[0].message.contains("LAS"))
    #expect(found.findings[2].message == "ball_2: scan and label map lie 0.004 mm apart")
  }

  @Test func copiesAndLeaksAreFoundWhateverTheirType() throws {
    let study = try SyntheticStudy(cases: 4)
    var (scan, _) = try SyntheticStudy.make(2, size: [20, 18, 16])
    scan.voxels = scan.voxels.map { $0.rounded() }
    let whole = Volume(geometry: scan.geometry, voxels: scan.voxels.map { Int16($0) })
    try NIfTIWriter.write(.float32(scan), to: study.image(2))
    try NIfTIWriter.write(.int16(whole), to: study.image(0))
    let tests = study.folder.file("imagesTs")
    try FileManager.default.createDirectory(atPath: tests, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: study.image(3), toPath: tests + "/a_0000.nii.gz")
    let (other, _) = try SyntheticStudy.make(77, size: [20, 18, 16])
    try NIfTIWriter.write(.float32(other), to: tests + "/b_0000.nii.gz")
    let found = try check(study)
    #expect(found.faults.isEmpty)
    #expect(found.copies == [["ball_0", "ball_2"]])
    #expect(
      found.notes == [
        "ball_0, ball_2 show the same scan",
        "imagesTs/a_0000.nii.gz shows the same scan as ball_3",
      ]
    )
  }

  @Test func copiesShareAFoldAndOthersStay() throws {
    let study = try SyntheticStudy(cases: 11, size: [3, 3, 3])
    let dataset = try SegmentationDataset(path: study.path)
    let copies = [["ball_0", "ball_4", "ball_9"]]
    for fold in 0..<SegmentationDataset.foldCount {
      let plain = Set(dataset.split(holdingOut: fold, seed: 4).heldOut.map(\.id))
      let grouped = Set(dataset.split(holdingOut: fold, seed: 4, copies: copies).heldOut.map(\.id))
      let held = grouped.intersection(copies[0])
      #expect(held.isEmpty || held.count == 3)
      #expect(plain.contains("ball_0") == grouped.contains("ball_0"))
      #expect(plain.subtracting(copies[0]) == grouped.subtracting(copies[0]))
    }
  }

  @Test func misnamedScansAreExplained() throws {
    let study = try SyntheticStudy(cases: 2)
    try FileManager.default.copyItem(
      atPath: study.image(0),
      toPath: study.folder.file("imagesTr/other.nii.gz")
    )
    let note = try #require(try check(study).findings.first)
    #expect(note.message.contains("scans are named CASE_0000"))
    #expect(note.remedy.contains("other_0000"))
  }
}
