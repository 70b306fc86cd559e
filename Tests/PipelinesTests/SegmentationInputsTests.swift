import Foundation
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct SegmentationInputsTests {
  private func folder(_ names: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for name in names { try Data().write(to: URL(fileURLWithPath: folder.file(name))) }
    return folder
  }

  @Test func aFolderOfImagesIsABatchAlsoWithOneCase() throws {
    let one = try folder(["a.nii.gz"])
    #expect(try SegmentationInputs([one.path]).isBatch)
    #expect(try SegmentationInputs([one.path]).cases.map(\.id) == ["a"])
    #expect(try !SegmentationInputs([one.file("a.nii.gz")]).isBatch)
  }

  @Test func channelsOfACaseBelongTogether() throws {
    let mixed = try folder([
      "b_0001.nii.gz", "b_0000.nii.gz", "a_0000.nii.gz", "c10.nii", "c9.nii", ".hidden.nii",
      "note.txt",
    ])
    let inputs = try SegmentationInputs([mixed.path])
    #expect(inputs.cases.map(\.id) == ["a", "b", "c9", "c10"])
    #expect(inputs.cases.map(\.channelPaths.count) == [1, 2, 1, 1])
    #expect(inputs.cases[1].path == mixed.file("b_0000.nii.gz"))
  }

  @Test func picturesBesideVolumesAreCasesWherePicturesAre() throws {
    let mixed = try folder(["a.nii.gz", "b.png", "c.jpg"])
    #expect(
      try SegmentationInputs([mixed.path], picturesAreCases: true).cases.map(\.id)
        == ["a", "b", "c"]
    )
    // Previews of a model of volumes.
    #expect(try SegmentationInputs([mixed.path]).cases.map(\.id) == ["a"])
  }

  @Test func anyOtherFolderIsOneCase() throws {
    let dicom = try folder(["1", "2"])
    let inputs = try SegmentationInputs([dicom.path])
    #expect(!inputs.isBatch && inputs.cases.count == 1)
  }

  @Test func twoCasesOfOneNameAreRefused() throws {
    let (first, second) = (try folder(["a.nii"]), try folder(["a.nii.gz"]))
    #expect(throws: PipelinesError.duplicateCase(id: "a")) {
      try SegmentationInputs([first.file("a.nii"), second.file("a.nii.gz")])
    }
    #expect(throws: SupportError.notFound(path: "/nowhere")) {
      try SegmentationInputs(["/nowhere"])
    }
  }
}
