import Foundation
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

struct PictureDatasetTests {
  @Test func picturesOfNNUNetsLayoutAreCases() throws {
    let study = try SyntheticPictures(count: 3)
    let dataset = try SegmentationDataset(path: study.path)
    // Three channel names, as nnU-Net has for colours, are one grey channel here.
    #expect(dataset.isPictures && dataset.countsObjects && dataset.channelNames == ["grey"])
    #expect(dataset.cases.map(\.id) == ["discs_0", "discs_1", "discs_2"])
    #expect(try DatasetCheck.check(dataset).faults.isEmpty)
  }

  @Test func otherFoldersAreNamedByTheDescription() throws {
    let study = try SyntheticPictures(
      count: 3,
      further: #", "instances": true, "folders": {"images": "pictures", "labels": "masks"}"#,
      folders: ("pictures", "masks")
    )
    try FileManager.default.removeItem(atPath: study.folder.file("masks/discs_2.png"))
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.cases.map(\.id) == ["discs_0", "discs_1"])
    #expect(dataset.cases[0].image == study.folder.file("pictures/discs_0.png"))
    #expect(dataset.unpaired.map(\.message) == ["discs_2 has no label map in masks"])
  }

  @Test func ofPicturesAndLabelMapsThePixelsMustBeTheSame() throws {
    let study = try SyntheticPictures(count: 2)
    try SyntheticPictures.encode(
      PNGImage(width: 2, height: 1, channels: 1, samples: .eightBit([0, 1])),
      to: study.folder.file("labelsTr/discs_0.png")
    )
    let faults = try DatasetCheck.check(try SegmentationDataset(path: study.path)).faults
    #expect(faults.count == 1)
    #expect(faults[0].contains("discs_0") && faults[0].contains("48 x 48 pixels against 2 x 1"))
  }

  @Test func labelsThatAreStructuresMustBeNamed() throws {
    let study = try SyntheticPictures(count: 1, labels: #""a": 1, "b": 3, "c": 5"#, further: "")
    let faults = try DatasetCheck.check(try SegmentationDataset(path: study.path)).faults
    #expect(faults.count == 1 && faults[0].contains("label 7"))
  }

  @Test func picturesArePlannedAsPictures() throws {
    let study = try SyntheticPictures(count: 3)
    let (check, plan) = try DatasetPlanner.plan(
      try SegmentationDataset(path: study.path),
      request: PlanRequest(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    #expect(check.faults.isEmpty && check.notes.isEmpty)
    let found = try #require(plan)
    guard case .pictures = found.configuration.samples else {
      Issue.record("not planned as pictures")
      return
    }
    #expect(found.rows.first?.value == "2d, pictures")
    #expect(found.rows.contains { $0.name == "classes" && $0.value.contains("border of 2 pixels") })
  }

  @Test func objectsAreOfOneKind() throws {
    let study = try SyntheticPictures(count: 1, labels: #""a": 1, "b": 2"#)
    let error = #expect(throws: PipelinesError.self) { try SegmentationDataset(path: study.path) }
    #expect(error?.failure == .damagedInput)
  }

  @Test func objectsInScansAreRefused() throws {
    let study = try SyntheticStudy(cases: 1)
    try study.write(
      #"{"labels": {"background": 0, "cell": 1}, "file_ending": ".nii.gz", "instances": true}"#,
      to: "dataset.json"
    )
    let error = #expect(throws: PipelinesError.self) { try SegmentationDataset(path: study.path) }
    #expect(error?.failure == .damagedInput)
  }

  @Test func aFolderOfPicturesIsABatchForModelsOfPictures() throws {
    let study = try SyntheticPictures(count: 2)
    let masks = study.folder.file("labelsTr")
    let inputs = try SegmentationInputs([masks], picturesAreCases: true)
    #expect(inputs.isBatch && inputs.cases.map(\.id) == ["discs_0", "discs_1"])
    #expect(try SegmentationInputs([masks]).cases.count == 1)
  }
}
