import Enhancement
import Foundation
import Imaging
import Networks
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

@Suite struct EnhancerTests {
  /// Winograd's filtering rounds by where its tiles of 4 x 4 lie; on a range of 255 its errors are some
  /// 1e-4.
  private static let tolerance = Tolerance(absolute: 2e-3, relative: 0)

  private func expectSame(_ a: Volume<Float>, _ b: Volume<Float>) {
    #expect(a.geometry == b.geometry)
    expectClose(a.voxels.map(Double.init), b.voxels.map(Double.init), Self.tolerance)
  }

  @Test func slicesInPiecesEqualWholeSlices() throws {
    let scan = try SampleModel.scan([57, 43, 3])
    let whole = try SampleModel.enhancer(SampleModel.dnCNN(), SampleModel.plan())
    let pieces = try SampleModel.enhancer(
      SampleModel.dnCNN(),
      SampleModel.plan(patch: 20, halo: 3)
    )
    expectSame(try pieces.improved(scan), try whole.improved(scan))
  }

  @Test func tooNarrowAHaloShows() throws {
    let scan = try SampleModel.scan([57, 43, 1])
    let whole = try SampleModel.enhancer(SampleModel.dnCNN(depth: 5), SampleModel.plan())
    let pieces = try SampleModel.enhancer(
      SampleModel.dnCNN(depth: 5),
      SampleModel.plan(patch: 20, halo: 0)
    )
    let (a, b) = (try pieces.improved(scan), try whole.improved(scan))
    let largest = zip(a.voxels, b.voxels).map { abs($0 - $1) }.max() ?? 0
    #expect(largest > 0.1)
  }

  @Test func aNetworkThatHalvesSeesPiecesAtItsOwnSteps() throws {
    let scan = try SampleModel.scan([61, 47, 2])
    let network = SampleModel.unet()
    var random = RandomStream(seed: 1)
    let reach = try #require(
      try NetworkReach.measured(
        network.makeNetwork(random: &random),
        channels: 1,
        dimensions: 2
      )
    )
    let whole = try SampleModel.enhancer(network, SampleModel.plan())
    let pieces = try SampleModel.enhancer(network, SampleModel.plan(patch: 28, halo: reach))
    expectSame(try pieces.improved(scan), try whole.improved(scan))
  }

  @Test func slicesWithNeighboursAndVolumesEqualTheWholeToo() throws {
    let scan = try SampleModel.scan([30, 26, 21])
    for (dimensions, context) in [(2, 1), (3, 0)] {
      let network = SampleModel.unet(inputs: 2 * context + 1, dimensions: dimensions)
      func plan(_ patch: Int, _ halo: Int) -> EnhancementPlan {
        SampleModel.plan(dimensions: dimensions, patch: patch, halo: halo) {
          $0.contextSlices = context
        }
      }
      let whole = try SampleModel.enhancer(network, plan(32, 0))
      let pieces = try SampleModel.enhancer(network, plan(20, 6))
      expectSame(try pieces.improved(scan), try whole.improved(scan))
    }
  }

  @Test func theOrientationOfThePlanDoesNotMoveTheScan() throws {
    let scan = try SampleModel.scan([12, 17, 9])
    let coronal = try Orientation(code: "RSA")
    let plain = try SampleModel.enhancer(SampleModel.dnCNN(), SampleModel.plan())
    let turned = try SampleModel.enhancer(
      SampleModel.dnCNN(),
      SampleModel.plan { $0.orientation = coronal }
    )
    let result = try turned.improved(scan)
    #expect(result.geometry == scan.geometry)
    let expected = try plain.improved(scan.reoriented(to: coronal))
      .reoriented(to: scan.geometry.orientation)
    #expect(result.voxels == expected.voxels)
  }

  @Test func aFinerGridKeepsTheOuterEdges() throws {
    let scan = try SampleModel.scan([10, 12, 6])
    let enhancer = try SampleModel.enhancer(
      SampleModel.dnCNN(),
      SampleModel.plan {
        $0.task = .superResolution
        $0.scale = [2, 2, 3]
        $0.enlargement = .spline
      }
    )
    let result = try enhancer.improved(scan)
    #expect(result.geometry.size == SIMD3(20, 24, 18))
    #expect(result.geometry.spacing == SIMD3(0.25, 0.375, 1))
    for corner in [SIMD3(-0.5, -0.5, -0.5), SIMD3(9.5, 11.5, 5.5)] {
      let fine = (corner + 0.5) * SIMD3(2, 2, 3) - 0.5
      let gap = result.geometry.position(ofIndex: fine) - scan.geometry.position(ofIndex: corner)
      #expect((gap * gap).sum().squareRoot() < 1e-9)
    }
  }

  @Test func aNetworkThatEnlargesGivesTheFinerGrid() throws {
    let picture = try SampleModel.scan([21, 18, 1], isPlanar: true)
    let network = NetworkConfiguration.rrdb(
      RRDBConfiguration(channels: 1, blocks: 1, features: 8, growth: 4)
    )
    func plan(_ patch: Int, _ halo: Int) -> EnhancementPlan {
      SampleModel.plan(patch: patch, halo: halo) {
        $0.task = .superResolution
        $0.scale = [4, 4, 1]
        $0.enlargement = .network
      }
    }
    let whole = try SampleModel.enhancer(network, plan(24, 0)).improved(picture)
    #expect(whole.geometry.size == SIMD3(84, 72, 1))
    #expect(whole.geometry.spacing == SIMD3(0.125, 0.1875, 1))
    // The halo covers 17 convolutions before and 2 after each doubling.
    #expect(whole.voxels.allSatisfy { $0.isFinite })
  }

  @Test func aConstantScanStaysConstant() throws {
    let scan = try SampleModel.scan([9, 8, 4])
    let constant = scan.map { _ in Float(-1000) }
    let enhancer = try SampleModel.enhancer(
      SampleModel.dnCNN(),
      SampleModel.plan { $0.intensity = .percentiles(low: 0, high: 99) }
    )
    #expect(try enhancer.improved(constant) == constant)
  }

  @Test func valuesThatAreNotFiniteGiveAFiniteResult() throws {
    var scan = try SampleModel.scan([9, 8, 4])
    scan[3, 3, 2] = .nan
    scan[4, 3, 2] = .infinity
    let enhancer = try SampleModel.enhancer(SampleModel.dnCNN(), SampleModel.plan())
    #expect(try enhancer.improved(scan).voxels.allSatisfy { $0.isFinite })
    #expect(throws: PipelinesError.self) {
      try enhancer.check(scan.map { _ in Float.nan }, modality: nil, path: "scan")
    }
  }

  @Test func theUnitOfTheValuesStays() throws {
    // Without its last convolution the network takes nothing away: what comes out is what went in.
    let folder = try TemporaryFolder()
    let plan = SampleModel.plan(patch: 16, halo: 3) {
      $0.intensity = .fixed(low: -1024, high: 3071)
      $0.modality = "CT"
    }
    try SampleModel.write(to: folder.file("model"), SampleModel.dnCNN(), plan)
    let package = try ModelPackage(path: folder.file("model"))
    let network = try package.makeNetwork()
    for (name, parameter) in network.namedParameters where name.hasPrefix("layers.5") {
      parameter.value = parameter.value * 0
    }
    try ModelPackage.write(
      to: folder.file("model"),
      description: package.description,
      weights: network.weights,
      card: ""
    )
    let scan = try SampleModel.scan([40, 20, 2]).map { $0 * 8 - 1024 }
    let result = try Enhancer(ModelPackage(path: folder.file("model"))).improved(scan)
    expectClose(
      result.voxels.map(Double.init),
      scan.voxels.map(Double.init),
      Tolerance(absolute: 1e-2, relative: 0)
    )
  }

  @Test func scansOfAnotherKindAreRefused() throws {
    let scan = try SampleModel.scan([9, 8, 1])
    let ct = scan.map { $0 * 10 - 2000 }
    let mr = try SampleModel.enhancer(
      SampleModel.dnCNN(),
      SampleModel.plan { $0.modality = "MR" }
    )
    #expect(throws: PipelinesError.self) { try mr.check(ct, modality: nil, path: "scan") }
    #expect(throws: PipelinesError.self) { try mr.check(scan, modality: "CT", path: "scan") }
    try mr.check(scan, modality: "MR", path: "scan")
    let volumes = try SampleModel.enhancer(
      SampleModel.unet(dimensions: 3),
      SampleModel.plan(dimensions: 3, patch: 8)
    )
    #expect(throws: PipelinesError.self) { try volumes.check(scan, modality: nil, path: "scan") }
  }

  @Test func aModelThatFindsStructuresIsNoStep() throws {
    let folder = try TemporaryFolder()
    try SampleModel.write(to: folder.file("model"), SampleModel.dnCNN(), SampleModel.plan())
    let description = try ModelPackage(path: folder.file("model")).description
    #expect(description.task == .enhancement(.denoise))
    #expect(throws: PipelinesError.enhancingModel(name: "sample")) {
      try SegmentationRun(
        model: ModelPackage(path: folder.file("model")),
        options: .init(),
        progress: SilentProgress(),
        interruption: Interruption()
      )
    }
  }

  @Test func reachesAreThoseOfTheLayers() throws {
    for depth in [2, 5] {
      var random = RandomStream(seed: 3)
      let network = try SampleModel.dnCNN(depth: depth).makeNetwork(random: &random)
      #expect(try NetworkReach.measured(network, channels: 1, dimensions: 2) == depth)
    }
    var normalised = UNetConfiguration(inputChannels: 1, outputChannels: 1, features: [4, 8])
    normalised.normalization = .instance
    var random = RandomStream(seed: 3)
    let network = try NetworkConfiguration.unet(normalised).makeNetwork(random: &random)
    #expect(try NetworkReach.measured(network, channels: 1, dimensions: 2) == nil)
  }

  @Test func theThickestAxisIsThinnedWhateverItsDirection() throws {
    let plan = SampleModel.plan {
      $0.task = .superResolution
      $0.scale = [1, 4, 1]
      $0.enlargement = .spline
      $0.throughPlane = true
    }
    let enhancer = try SampleModel.enhancer(SampleModel.dnCNN(), plan)
    // Axes of 0.5, 0.75 and 3 mm.
    let scan = try SampleModel.scan([9, 8, 5])
    let finer = try enhancer.improved(scan)
    #expect(finer.geometry.size == SIMD3(9, 8, 20))
    #expect(finer.geometry.spacing == SIMD3(0.5, 0.75, 0.75))
    #expect(finer.geometry.orientation == scan.geometry.orientation)
    for code in ["SPL", "PSL"] {
      let turned = scan.reoriented(to: try Orientation(code: code))
      let result = try enhancer.improved(turned).reoriented(to: scan.geometry.orientation)
      #expect(result.geometry.difference(from: finer.geometry) == nil)
      let gap = zip(result.voxels, finer.voxels).map { abs($0 - $1) }.max() ?? 1
      #expect(gap < 1e-3, "\(code): \(gap)")
    }
    let even = try ImageGeometry(
      size: [8, 8, 8],
      spacing: [1, 1, 1.2],
      origin: .zero,
      direction: .identity
    )
    let volume = Volume(geometry: even, voxels: (0..<512).map { Float($0 % 7) })
    #expect(throws: PipelinesError.self) {
      try enhancer.check(volume, modality: nil, path: "scan")
    }
    var wrong = plan
    wrong.scale = [1, 1, 4]
    #expect(throws: PipelinesError.self) { try wrong.check() }
  }
}
