import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

/// Averages of class probabilities, as `nnUNetv2_ensemble` makes them.
@Suite struct EnsemblePredictorTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func imported(_ source: String, _ name: String) throws -> ModelPackage {
    let place = folder.path + "/" + name
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    var options = ImportOptions(name: name)
    options.configuration = nil
    return try ModelImporter.run(
      source,
      options: options,
      to: place,
      progress: SilentProgress(),
      interruption: Interruption()
    ).package
  }

  private func result(
    _ models: [ModelPackage],
    _ scan: String,
    folds: [String]? = nil
  ) throws -> (labels: [UInt16], probabilities: [Float], record: RunRecord) {
    var options = SegmentationRun.Options()
    options.wantsProbabilities = true
    options.folds = folds
    let run = try SegmentationRun(
      models: models,
      options: options,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let result = try run.segment(SegmentationInputs([scan]).cases[0])
    let output = try TemporaryFolder()
    try result.writeProbabilities(to: output.path)
    let stored = try NPZFile(output.file("probabilities.npz")).array("probabilities")
    return (result.labelMap.labels, stored.floats, result.record)
  }

  @Test func labelsFollowTheMeanOfTheProbabilities() throws {
    let source = Fixtures.path("nnunet/models/plain")
    let scan = Fixtures.path("nnunet/models/plain_0000.nii.gz")
    let both = try imported(source, "both")
    let copy = folder.path + "/source"
    try FileManager.default.copyItem(atPath: source, toPath: copy)
    try FileManager.default.removeItem(atPath: copy + "/fold_0")
    let one = try imported(copy, "one")
    let first = try result([both], scan)
    let second = try result([one], scan)
    let found = try result([both, one], scan)
    let mean = zip(first.probabilities, second.probabilities).map { ($0 + $1) / 2 }
    #expect(found.probabilities == mean)
    let count = found.labels.count
    let labels = (0..<count).map { voxel in
      UInt16(
        (1..<mean.count / count).reduce(0) {
          mean[$1 * count + voxel] > mean[$0 * count + voxel] ? $1 : $0
        }
      )
    }
    #expect(found.labels == labels)
    #expect(found.labels != first.labels && found.labels != second.labels)
    #expect(found.record.ensemble?.map(\.name) == ["both", "one"])
  }

  @Test func modelsOfOtherClassesAreRefused() throws {
    let one = try imported(Fixtures.path("nnunet/models/plain"), "one")
    let other = try imported(Fixtures.path("nnunet/models/regions"), "other")
    let error = #expect(throws: PipelinesError.self) {
      try result([one, other], Fixtures.path("nnunet/models/plain_0000.nii.gz"))
    }
    #expect(error?.failure == .usage)
  }

  private static let reference = Fixtures.reference("nnunet")

  @Test(.enabled(if: reference != nil, "needs ../shared/reference/nnunet"))
  func ensembleEqualsNNUNets() throws {
    let reference = try #require(Self.reference)
    let models = try [
      "nnUNetTrainer__nnUNetPlansSmall__2d", "nnUNetTrainer__nnUNetPlans__3d_fullres",
    ]
    .map { try imported(reference + "/models/Dataset004_Hippocampus/" + $0, $0) }
    let found = try result(models, reference + "/inputs/hippocampus_093_0000.nii.gz")
    let place = reference + "/predictions/ensemble_2d_3d_prob/hippocampus_093"
    let wanted = try NIfTIReader.read(place + ".nii.gz").volume.asFloat.voxels.map { UInt16($0) }
    #expect(found.labels == wanted)
    let probabilities = try NPZFile(place + ".npz").array("probabilities").floats
    let difference = zip(found.probabilities, probabilities).map { abs($0 - $1) }.max() ?? 1
    // A step of half precision at scores of a few units.
    #expect(difference < 2e-3)
  }
}
