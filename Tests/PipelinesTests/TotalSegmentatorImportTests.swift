import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct TotalSegmentatorImportTests {
  /// A folder in the layout of TotalSegmentator's weights: nnU-Net's fixture under their names.
  private static func source(_ datasets: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for dataset in datasets {
      let place = folder.file(dataset)
      try FileManager.default.createDirectory(
        atPath: place,
        withIntermediateDirectories: true
      )
      try FileManager.default.copyItem(
        atPath: Fixtures.path("nnunet/models/thick"),
        toPath: place + "/nnUNetTrainer_DASegOrd0__nnUNetPlans__3d_fullres"
      )
    }
    return folder
  }

  private static func imported(_ source: String) throws
    -> (package: ModelPackage, notes: [String], folder: TemporaryFolder)
  {
    let folder = try TemporaryFolder()
    let (package, notes) = try ModelImporter.run(
      source,
      options: ImportOptions(name: "m"),
      to: folder.path,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    return (package, notes, folder)
  }

  /// `network.nii.gz` is TotalSegmentator's own result with nnU-Net's predictor and these weights.
  @Test func anImportedModelGivesTotalSegmentatorsLabels() throws {
    let source = try Self.source(["Dataset305_vertebrae_discs_1559subj"])
    let (package, _, folder) = try Self.imported(source.path)
    #expect(package.description.totalSegmentator?.task == "vertebrae_body")
    #expect(package.description.labels.map(\.name) == ["vertebrae_body", "intervertebral_discs"])
    #expect(package.description.labels[0].code?.value == "3572006")
    let run = try SegmentationRun(
      model: package,
      options: SegmentationRun.Options(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let inputs = try SegmentationInputs([Fixtures.path("totalsegmentator/turned.nii.gz")])
    let found = try run.segment(inputs.cases[0]).labelMap
    let expected = try ImageFormats.read(
      Fixtures.path("totalsegmentator/network.nii.gz"),
      selection: VolumeSelection(),
      progress: SilentProgress()
    ).volume.asFloat.voxels.map { UInt16($0) }
    let differing = zip(found.labels, expected).count { $0 != $1 }
    #expect(found.labels.count == expected.count && differing == 0, "\(differing) differ")
    withExtendedLifetime((source, folder)) {}
  }

  @Test func aModelWithoutItsCompanionsIsAPlainOneAndSaysSo() throws {
    let source = try Self.source(["Dataset008_HepaticVessel"])
    let (package, notes, folder) = try Self.imported(source.path)
    #expect(package.description.totalSegmentator == nil)
    #expect(notes.contains { $0.contains("Dataset298_TotalSegmentator_total_6mm") })
    withExtendedLifetime((source, folder)) {}
  }

  @Test func ofSeveralTasksOneIsChosenByItsFolder() throws {
    let source = try Self.source(["Dataset300_body_6mm_1559subj", "Dataset299_body_1559subj"])
    #expect(throws: PipelinesError.self) { try Self.imported(source.path) }
    let one = try Self.imported(source.file("Dataset299_body_1559subj"))
    #expect(one.package.description.totalSegmentator?.mode == "standard")
    withExtendedLifetime(source) {}
  }

  @Test func anotherDataSetOfTheSameNumberStaysAPlainModel() throws {
    let source = try Self.source(["Dataset305_Mine"])
    let (package, notes, folder) = try Self.imported(source.path)
    #expect(package.description.totalSegmentator == nil && notes.isEmpty)
    withExtendedLifetime((source, folder)) {}
  }
}
