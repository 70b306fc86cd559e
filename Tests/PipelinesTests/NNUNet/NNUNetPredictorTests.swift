import Foundation
import Imaging
import ImagingIO
import Networks
import Pipelines
import Support
import TestSupport
import Testing

/// Tiny models with random weights and nnU-Net's own label maps.
///
/// Random scores are close to one another everywhere, so that a wrong rounding shows.
@Suite struct NNUNetPredictorTests {
  private static func path(_ name: String) -> String { Fixtures.path("nnunet/models/" + name) }

  private static func imported(_ source: String, named name: String = "m") throws
    -> (ModelPackage, TemporaryFolder)
  {
    let folder = try TemporaryFolder()
    let (package, _) = try ModelImporter.run(
      path(source),
      options: ImportOptions(name: name),
      to: folder.path,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    return (package, folder)
  }

  private static func labels(
    _ package: ModelPackage,
    _ input: String,
    _ change: (inout SegmentationRun.Options) -> Void = { _ in }
  ) throws -> LabelMap {
    var options = SegmentationRun.Options()
    change(&options)
    let run = try SegmentationRun(
      model: package,
      options: options,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    return try run.segment(SegmentationInputs([path(input)]).cases[0]).labelMap
  }

  private static func expected(_ name: String) throws -> [UInt16] {
    try NIfTIReader.read(path(name)).volume.asFloat.voxels.map { UInt16($0) }
  }

  @Test(
    arguments: [
      ("plain", "plain"), ("thick", "thick"), ("slices", "slices"), ("regions", "regions"),
      ("cascade/nnUNetTrainer__nnUNetPlans__3d_cascade_fullres", "cascade"),
    ]
  )
  func labelMapsEqualNNUNets(source: String, name: String) throws {
    let (package, folder) = try Self.imported(source)
    let found = try Self.labels(package, "\(name)_0000.nii.gz")
    let wanted = try Self.expected("\(name)_expected.nii.gz")
    #expect(Set(wanted).count > 1)
    #expect(found.labels == wanted)
    withExtendedLifetime(folder) {}
  }

  @Test func foldsStepAndMirroringAreChosen() throws {
    let (package, folder) = try Self.imported("plain")
    let found = try Self.labels(package, "plain_0000.nii.gz") {
      $0.folds = ["1"]
      $0.step = 0.8
      $0.usesMirroring = false
    }
    #expect(found.labels == (try Self.expected("plain_fold1_expected.nii.gz")))
    #expect(found.labels != (try Self.expected("plain_expected.nii.gz")))
    #expect(throws: PipelinesError.unknownMember(name: "7", known: ["fold 0", "fold 1"])) {
      try Self.labels(package, "plain_0000.nii.gz") { $0.folds = ["7"] }
    }
    withExtendedLifetime(folder) {}
  }

  @Test func probabilitiesEqualNNUNets() throws {
    let (package, folder) = try Self.imported("plain")
    var options = SegmentationRun.Options()
    options.wantsProbabilities = true
    let run = try SegmentationRun(
      model: package,
      options: options,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let result = try run.segment(SegmentationInputs([Self.path("plain_0000.nii.gz")]).cases[0])
    let output = try TemporaryFolder()
    try result.writeProbabilities(to: output.path)
    let found = try NPZFile(output.file("probabilities.npz")).array("probabilities")
    let wanted = try NPZFile(Self.path("plain_expected.npz")).array("probabilities")
    #expect(found.shape == wanted.shape)
    // A step of half precision at scores of a few units.
    let difference = zip(found.floats, wanted.floats).map { abs($0 - $1) }.max() ?? 1
    #expect(difference < 2e-3)
    withExtendedLifetime(folder) {}
  }

  /// Every ceiling of memory and number of threads gives the same labels.
  @Test func partsAndThreadsChangeNothing() throws {
    let (package, folder) = try Self.imported("plain")
    guard case .nnUNet(let plan) = package.description.plan else {
      Issue.record("\(package.description.plan)")
      return
    }
    let network = try package.makeNetwork()
    let scan = try NIfTIReader.read(Self.path("plain_0000.nii.gz")).volume
    func predict(parts: Int, threads: Int) throws -> [UInt16] {
      var options = NNUNetPredictor.Options()
      options.fewestParts = parts
      options.usesMirroring = false
      let predictor = NNUNetPredictor(
        plan: plan,
        networks: [try ScoringNetwork(network)],
        labels: package.description.labels,
        options: options
      )
      return try Parallelism.$threadCount.withValue(threads) {
        try predictor.predict(
          ScanChannels([scan]),
          outputs: PredictionOutputs(),
          progress: SilentProgress(),
          interruption: Interruption()
        ).labels
      }
    }
    let whole = try predict(parts: 1, threads: 2)
    for parts in [2, 3, 5] {
      #expect(try predict(parts: parts, threads: 2) == whole, "\(parts) parts")
    }
    #expect(try predict(parts: 2, threads: 1) == whole)
    withExtendedLifetime(folder) {}
  }

  @Test func aCeilingThatIsTooLowIsRefusedBeforeTheNetworkRuns() throws {
    let (package, folder) = try Self.imported("slices")
    #expect {
      try Self.labels(package, "slices_0000.nii.gz") { $0.memoryLimit = 1 << 20 }
    } throws: { error in
      guard case PipelinesError.needsMoreMemory(_, 1 << 20) = error else { return false }
      return true
    }
    withExtendedLifetime(folder) {}
  }

  @Test func aScanOfTooFewChannelsIsRefused() throws {
    let (package, folder) = try Self.imported("regions")
    #expect(throws: PipelinesError.self) { try Self.labels(package, "plain_0000.nii.gz") }
    withExtendedLifetime(folder) {}
  }

  @Test func theSelfTestHoldsAfterTheImport() throws {
    let (package, folder) = try Self.imported("thick")
    let result = try #require(try package.checkSelfTest(package.makeNetwork()))
    #expect(result.scoreError == 0)
    withExtendedLifetime(folder) {}
  }

  /// nnU-Net's own predictions with models that it trained, beside the checkout.
  @Test(
    .enabled(
      if: Fixtures.reference("nnunet") != nil,
      "nnU-Net's reference models are not beside the checkout"
    )
  )
  func trainedModelsGiveNNUNetsLabelMaps() throws {
    let root = try #require(Fixtures.reference("nnunet"))
    let folder = try TemporaryFolder()
    let (package, _) = try ModelImporter.run(
      root + "/models/Dataset004_Hippocampus/nnUNetTrainer__nnUNetPlansSmall__2d",
      options: ImportOptions(name: "m"),
      to: folder.path,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    var options = SegmentationRun.Options()
    options.usesMirroring = false
    let run = try SegmentationRun(
      model: package,
      options: options,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    for item in try SegmentationInputs([root + "/inputs"]).cases {
      let found = try run.segment(item).labelMap.labels
      let wanted = try NIfTIReader.read(
        root + "/predictions/2d_folds01_notta/\(item.id).nii.gz"
      ).volume.asFloat.voxels.map { UInt16($0) }
      #expect(found == wanted, "\(item.id)")
    }
  }
}
