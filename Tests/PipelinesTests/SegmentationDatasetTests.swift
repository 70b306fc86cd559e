import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct SegmentationDatasetTests {
  @Test func listsCasesOfNNUNetsLayout() throws {
    let study = try SyntheticStudy(cases: 3)
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.name == "Balls")
    #expect(dataset.cases.map(\.id) == ["ball_0", "ball_1", "ball_2"])
    #expect(dataset.labels.map(\.id) == [1, 2])
    #expect(dataset.labels.map(\.name) == ["ball", "core"])
    #expect(dataset.unpaired.isEmpty)
  }

  @Test func listsCasesOfTheDecathlonsLayout() throws {
    let study = try SyntheticStudy(cases: 2)
    try study.write(
      #"{"name": "Balls", "modality": {"0": "MRI"}, "#
        + #""labels": {"0": "background", "1": "ball", "2": "core"}, "training": ["#
        + #"{"image": "./imagesTr/ball_0_0000.nii.gz", "label": "./labelsTr/ball_0.nii.gz"},"#
        + #"{"image": "./imagesTr/gone.nii.gz", "label": "./labelsTr/ball_1.nii.gz"}]}"#,
      to: "dataset.json"
    )
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.cases.map(\.id) == ["ball_0"])
    #expect(dataset.labels.map(\.name) == ["ball", "core"])
    #expect(dataset.unpaired.map(\.message) == ["ball_1 has no scan"])
  }

  @Test func unpairedFilesAreNamed() throws {
    let study = try SyntheticStudy(cases: 3)
    try FileManager.default.removeItem(atPath: study.label(0))
    try FileManager.default.removeItem(atPath: study.image(2))
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.cases.map(\.id) == ["ball_1"])
    #expect(
      dataset.unpaired.map(\.message) == [
        "ball_0 has no label map in labelsTr", "ball_2 has no scan in imagesTr",
      ]
    )
  }

  @Test(arguments: [
    "", "{", "[]", #"{"labels": {}}"#, #"{"labels": {"a": 0}}"#, #"{"labels": {"a": 70000}}"#,
    #"{"labels": {"a": [1, 2]}}"#,
    #"{"labels": {"a": 1}, "channel_names": {"0": "T1", "1": "T2"}}"#,
    #"{"labels": {"a": 1}, "totals": [{"name": "t", "labels": [1, 2]}]}"#,
    #"{"labels": {"a": 1}, "totals": [{"name": "t", "labels": []}]}"#,
  ])
  func unusableDescriptionsAreRefused(_ text: String) throws {
    let study = try SyntheticStudy(cases: 1)
    try study.write(text, to: "dataset.json")
    let error = #expect(throws: PipelinesError.self) { try SegmentationDataset(path: study.path) }
    #expect(error?.failure == .damagedInput)
  }

  @Test func totalsAreRead() throws {
    let study = try SyntheticStudy(cases: 1)
    try study.write(
      #"{"labels": {"ball": 1, "core": 2}, "#
        + #""totals": [{"name": "both", "labels": [1, 2], "definition": "ball and core"}]}"#,
      to: "dataset.json"
    )
    let totals = try SegmentationDataset(path: study.path).totals
    #expect(totals?.map(\.name) == ["both"])
    #expect(totals?.first?.labels == [1, 2])
    #expect(totals?.first?.definition == "ball and core")
  }

  @Test func aMissingFolderIsNotFound() {
    #expect(throws: SupportError.notFound(path: "/nowhere")) {
      try SegmentationDataset(path: "/nowhere")
    }
  }

  @Test func foldsPartitionTheCases() throws {
    let study = try SyntheticStudy(cases: 11, size: [3, 3, 3])
    let dataset = try SegmentationDataset(path: study.path)
    var seen: [String] = []
    for fold in 0..<SegmentationDataset.foldCount {
      let (training, heldOut) = dataset.split(holdingOut: fold, seed: 4)
      #expect(Set(training.map(\.id)).isDisjoint(with: heldOut.map(\.id)))
      #expect(training.count + heldOut.count == 11)
      seen += heldOut.map(\.id)
    }
    #expect(seen.sorted() == dataset.cases.map(\.id).sorted())
    #expect(dataset.split(holdingOut: nil, seed: 4).training.count == 11)
    let (first, again) = (
      dataset.split(holdingOut: 0, seed: 4).heldOut, dataset.split(holdingOut: 0, seed: 4).heldOut
    )
    #expect(first == again)
  }

  @Test func theCheckNamesEveryFault() throws {
    let study = try SyntheticStudy(cases: 6)
    let (other, _) = try SyntheticStudy.make(1, size: [5, 6, 7])
    try NIfTIWriter.write(.float32(other), to: study.image(1))
    var (_, map) = try SyntheticStudy.make(2, size: [20, 18, 16])
    map.labels[0] = 9
    try NIfTIWriter.write(map, to: study.label(2))
    try Data("no image".utf8).write(to: URL(fileURLWithPath: study.image(3)))
    try FileManager.default.removeItem(atPath: study.label(4))
    let dataset = try SegmentationDataset(path: study.path)
    let check = try DatasetCheck.check(dataset)
    #expect(check.faults.count == 4)
    #expect(check.faults.contains { $0.hasPrefix("ball_1: the grids differ") })
    #expect(check.faults.contains { $0.hasPrefix("ball_2: 1 voxels hold label 9") })
    #expect(check.faults.contains { $0.hasPrefix("ball_3: ") })
    #expect(check.faults.contains("ball_4 has no label map in labelsTr"))
  }

  @Test func strayImagesAreExplained() throws {
    let study = try SyntheticStudy(cases: 2)
    let stray = study.folder.file("unpaired")
    try FileManager.default.createDirectory(atPath: stray, withIntermediateDirectories: true)
    let (_, large) = try SyntheticStudy.make(7, size: [60, 60, 60])
    try NIfTIWriter.write(large, to: stray + "/labels_ball_9.nii.gz")
    try Data().write(to: URL(fileURLWithPath: stray + "/empty.nii.gz"))
    let check = try DatasetCheck.check(try SegmentationDataset(path: study.path))
    #expect(check.faults.isEmpty)
    #expect(check.notes.count == 2)
    #expect(check.notes[0] == "unpaired/empty.nii.gz is not used: it cannot be read")
    #expect(
      check.notes[1].contains("no scan of its name is in imagesTr")
        && check.notes[1].contains("60 x 60 x 60")
    )
  }

  /// The development data set's known bad files, when it is there.
  @Test(.enabled(if: Fixtures.developmentData("hippocampus") != nil))
  func theHippocampusDataSetIsSoundButForItsUnpairedFiles() throws {
    let path = try #require(Fixtures.developmentData("hippocampus"))
    let check = try DatasetCheck.check(try SegmentationDataset(path: path))
    #expect(check.faults.isEmpty)
    // One label map is stored as fractions, three files belong to no case.
    #expect(check.findings.map(\.kind) == [.labelType, .stray, .stray, .stray])
  }
}
