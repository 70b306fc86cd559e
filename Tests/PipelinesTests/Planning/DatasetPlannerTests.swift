import Foundation
import Imaging
import ImagingIO
import Networks
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct DatasetPlannerTests {
  private func plan(
    _ study: SyntheticStudy,
    speed: StepSpeed? = StepSpeed(
      secondsPerMultiplication: 1e-10,
      secondsPerMapValue: 1e-9,
      secondsPerVoxel: 1e-8
    ),
    _ change: (inout PlanRequest) -> Void = { _ in }
  ) throws -> TrainingPlan {
    var request = PlanRequest()
    change(&request)
    let dataset = try SegmentationDataset(path: study.path)
    let fingerprint = try #require(try DatasetCheck.check(dataset).fingerprint)
    return try DatasetPlanner(dataset, fingerprint: fingerprint, request: request)
      .plan(interruption: Interruption(), speed: speed)
  }

  private func features(_ plan: TrainingPlan) -> Int? {
    switch plan.configuration.network {
    case .unet(let values): values.features.first
    case .plainConvUNet(let values): values.features.first
    default: nil
    }
  }

  @Test func isotropicCasesArePlannedInThreeDimensions() throws {
    let found = try plan(try SyntheticStudy(cases: 4))
    guard case .nnUNet(let values) = found.configuration.plan else {
      Issue.record("not a plan of volumes")
      return
    }
    // nnU-Net's: 16 x 18 x 20 voxels along z, y, x of 1 mm, each halved twice.
    #expect(values.patchSize == [16, 20, 20])
    #expect(values.spacing == [1, 1, 1])
    #expect(values.channels == [.zScore(usesMask: false)])
    #expect(values.mirrorAxes == [0, 1, 2])
    #expect(features(found) == 32)
    #expect(found.configuration.batchSize == 2)
    #expect(found.references.map(\.name) == ["2d", "3d_fullres"])
  }

  @Test func thickSlicesArePlannedAsSlices() throws {
    let study = try SyntheticStudy(cases: 2)
    for index in 0..<2 {
      let (scan, map) = try SyntheticStudy.make(index, size: [20, 18, 16])
      let geometry = try ImageGeometry(
        size: scan.geometry.size,
        spacing: [1, 1, 3.5],
        origin: [0, 0, 0],
        direction: Orientation.ras.direction
      )
      try NIfTIWriter.write(
        .float32(Volume(geometry: geometry, voxels: scan.voxels)),
        to: study.image(index)
      )
      try NIfTIWriter.write(
        LabelMap(geometry: geometry, labels: map.labels, table: []),
        to: study.label(index)
      )
    }
    let found = try plan(study)
    #expect(found.configuration.slicePlan?.orientation.code == "RAS")
    #expect(features(found) == 24)
    // 3d can still be asked for; the thick axis comes first and has no more windows than it should.
    let volumes = try plan(study) { $0.shape = .volumes }
    guard case .nnUNet(let values) = volumes.configuration.plan,
      case .plainConvUNet(let network) = volumes.configuration.network
    else {
      Issue.record("not a plan of volumes")
      return
    }
    #expect(values.spacing == [3.5, 1, 1])
    #expect(network.kernelSizes.first == [1, 3, 3])
  }

  @Test func aTimeReducesSamplesThenChannelsThenThePatch() throws {
    let study = try SyntheticStudy(cases: 4, size: [40, 40, 40])
    func fitted(_ minutes: Double) throws -> TrainingPlan {
      try plan(study) {
        $0.shape = .volumes
        $0.minutes = minutes
      }
    }
    var last = try fitted(10_000)
    #expect(last.estimate.fits && features(last) == 32)
    var seen: Set<Int> = []
    for minutes in [100.0, 30, 10, 5, 3, 2, 1, 0.5, 0.1] {
      let found = try fitted(minutes)
      #expect(
        found.estimate.fits == (found.estimate.steps >= TrainingPlan.leastSteps),
        "\(minutes) minutes"
      )
      let (narrower, wider) = (try #require(features(found)), try #require(features(last)))
      #expect(narrower <= wider)
      if found.configuration.plan.voxels < last.configuration.plan.voxels {
        #expect(narrower == 8)
      }
      seen.insert(narrower)
      last = found
    }
    #expect(seen.count > 2 && !last.estimate.fits)
  }

  @Test func aLimitOfMemoryReducesThePlan() throws {
    let study = try SyntheticStudy(cases: 4, size: [40, 40, 40])
    let free = try plan(study) { $0.memoryGB = 1000 }
    let tight = try plan(study) { $0.memoryGB = 0.2 }
    #expect(try #require(free.estimate.memoryBytes) > 200_000_000)
    #expect(try #require(tight.estimate.memoryBytes) <= 200_000_000)
    #expect(tight.estimate.fits)
  }

  @Test(arguments: ["unet++", "resunet", "attention-unet", "segresnet", "deeplabv3+", "fcn"])
  func theRelativesOfTheUNetAreReducedToo(network: String) throws {
    let study = try SyntheticStudy(cases: 4, size: [64, 64, 16])
    let free = try plan(study) {
      ($0.network, $0.shape, $0.memoryGB) = (network, .slices, 1000)
    }
    let bytes = try #require(free.estimate.memoryBytes)
    let limit = Double(bytes) * 0.6
    let tight = try plan(study) {
      ($0.network, $0.shape, $0.memoryGB) = (network, .slices, limit / 1e9)
    }
    #expect(Double(try #require(tight.estimate.memoryBytes)) <= limit)
    #expect(tight.estimate.fits)
  }

  @Test func whatIsAskedForIsKept() throws {
    let found = try plan(try SyntheticStudy(cases: 4)) {
      $0.shape = .volumes
      $0.baseFeatures = 10
      $0.batchSize = 3
      $0.patchSize = [16, 24, 32]
      $0.spacing = [2, 1, 1]
      $0.minutes = 0.001
    }
    #expect(features(found) == 10 && found.configuration.batchSize == 3)
    guard case .nnUNet(let values) = found.configuration.plan else {
      Issue.record("not a plan of volumes")
      return
    }
    // x is the coarsest axis and comes first.
    #expect(values.transposeForward == [2, 0, 1])
    #expect(values.spacing == [2, 1, 1] && values.patchSize == [16, 32, 24])
  }

  @Test func computedTomographyIsClippedByItsName() throws {
    let study = try SyntheticStudy(cases: 3)
    try study.write(
      #"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "ball": 1, "core": 2}}"#,
      to: "dataset.json"
    )
    guard case .nnUNet(let values) = try plan(study).configuration.plan,
      case .ct(let mean, let deviation, let low, let high)? = values.channels.first
    else {
      Issue.record("not a plan for CT")
      return
    }
    #expect(low < mean && mean < high && deviation > 0)
  }

  @Test func sidesAreNotMirroredByTheirNames() throws {
    let study = try SyntheticStudy(cases: 2, labels: #""left ball": 1, "right ball": 2"#)
    // Left and right is the last axis of the arrays.
    #expect(try plan(study).configuration.plan.mirrored == [0, 1])
    let parts = try SyntheticStudy(cases: 2, labels: #""anterior": 1, "posterior": 2"#)
    #expect(try plan(parts).configuration.plan.mirrored == [0, 2])
  }

  @Test func everyNumberHasItsRule() throws {
    let found = try plan(try SyntheticStudy(cases: 3)) { $0.minutes = 10 }
    #expect(found.rows.count > 10)
    #expect(found.rows.allSatisfy { !$0.name.isEmpty && !$0.value.isEmpty && !$0.rule.isEmpty })
    #expect(Set(found.rows.map(\.name)).count == found.rows.count)
  }

  @Test func thisMachineIsTimed() throws {
    let study = try SyntheticStudy(cases: 2)
    let dataset = try SegmentationDataset(path: study.path)
    let found = try DatasetPlanner.plan(
      dataset,
      request: PlanRequest(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let speed = try #require(found.plan?.speed)
    #expect(speed.secondsPerMultiplication + speed.secondsPerMapValue > 0)
    #expect(speed.secondsPerVoxel > 0)
  }

  @Test func aSpeedExplainsItsTwoMeasurements() throws {
    var (narrow, wide) = (NetworkCost(), NetworkCost())
    (narrow.mapValues, narrow.multiplications) = (100, 1000)
    (wide.mapValues, wide.multiplications) = (300, 9000)
    // 2 s a value and 0.5 s a product.
    let speed = StepSpeed(narrow: (narrow, 700), wide: (wide, 5100))
    #expect(
      speed
        == StepSpeed(
          secondsPerMultiplication: 0.5,
          secondsPerMapValue: 2,
          secondsPerVoxel: 0
        )
    )
    #expect(speed.seconds(narrow, batchSize: 2, voxels: 5) == 1400)
    // A wide network that took no longer leaves no time for products.
    let odd = StepSpeed(narrow: (narrow, 700), wide: (wide, 600))
    #expect(odd.secondsPerMultiplication == 0 && odd.secondsPerMapValue == 2)
  }
}

extension ModelPlan {
  fileprivate var mirrored: [Int] {
    if case .nnUNet(let plan) = self { plan.mirrorAxes } else { [] }
  }
  fileprivate var voxels: Int {
    switch self {
    case .nnUNet(let plan): plan.patchSize.reduce(1, *)
    case .slices(let plan): plan.patchSize.reduce(1, *)
    case .volume, .enhancement, .atlas, .recognition, .sequence, .compression, .autoencoder,
      .stylization:
      0
    }
  }
}
