import Imaging
import Layers
import Networks
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

/// A network that needs no training: class 1 where the middle channel is above 0.
private final class ThresholdNetwork: Network {
  let sizeMultiple = 1

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let channels = x.shape[1]
    var weight = [Float](repeating: 0, count: 2 * channels)
    weight[channels + channels / 2] = 1
    return convolution(
      x,
      weight: Tensor(weight, shape: [2, channels, 1, 1]),
      bias: nil,
      shape: ConvolutionShape(rank: 2)
    )
  }
}

@Suite struct SlicePredictorTests {
  private let table = [
    LabelDefinition(id: 7, name: "bright", color: LabelDefinition.defaultColor(0))
  ]

  private func predictor(
    orientation: String = "RSA",
    patch: [Int] = [16, 16],
    mirrors: [Int] = []
  ) throws -> SlicePredictor {
    SlicePredictor(
      plan: SegmentationPlan(
        orientation: try Orientation(code: orientation),
        spacingMM: [1, 1, 1],
        patchSize: patch,
        contextSlices: 1,
        mirrorAxes: mirrors
      ),
      network: try PlannedNetwork(ThresholdNetwork()),
      labels: table,
      usesMirroring: !mirrors.isEmpty
    )
  }

  /// Values of both signs about a mean of nearly 0, without symmetry.
  private func scan(_ size: SIMD3<Int>, _ orientation: Orientation = .ras) throws -> Volume<Float> {
    var random = RandomStream(seed: 5)
    let geometry = try ImageGeometry(
      size: size,
      spacing: [1, 1, 1],
      origin: [-20, 30, 5],
      direction: orientation.direction
    )
    return Volume(
      geometry: geometry,
      voxels: (0..<geometry.voxelCount).map { _ in Float(random.normal()) }
    )
  }

  private func expected(_ scan: Volume<Float>) -> [UInt16] {
    let mean = scan.voxels.reduce(0.0) { $0 + Double($1) } / Double(scan.voxels.count)
    return scan.voxels.map { Double($0) > mean ? 7 : 0 }
  }

  @Test(arguments: Orientation.all)
  func theLabelMapLiesOnTheScanInEveryOrientation(_ orientation: Orientation) throws {
    let scan = try scan([7, 9, 11], orientation)
    let labelMap = try predictor().segment(scan)
    #expect(labelMap.geometry == scan.geometry)
    #expect(labelMap.labels == expected(scan))
  }

  @Test func slicesLargerThanThePatchAreTiled() throws {
    let scan = try scan([45, 4, 37])
    #expect(try predictor().segment(scan).labels == expected(scan))
  }

  @Test func mirroringAVoxelwiseNetworkChangesNothing() throws {
    let scan = try scan([13, 5, 12])
    #expect(try predictor(mirrors: [0, 1]).segment(scan).labels == expected(scan))
  }

  @Test func aSingleSliceAndASingleVoxelAreSegmented() throws {
    let slice = try scan([6, 1, 5])
    #expect(try predictor().segment(slice).labels == expected(slice))
    #expect(try predictor().segment(try scan([1, 1, 1])).labels == [0])
  }

  @Test func aScanOfAnotherSpacingKeepsItsOwnGrid() throws {
    // A smooth half-space: bright where the first index is high.
    let geometry = try ImageGeometry(
      size: [12, 10, 8],
      spacing: [2, 1.5, 3],
      origin: [0, 0, 0],
      direction: Orientation.ras.direction
    )
    let voxels = (0..<geometry.voxelCount).map { Float($0 % 12) - 5.5 }
    let labelMap = try predictor().segment(Volume(geometry: geometry, voxels: voxels))
    #expect(labelMap.geometry == geometry)
    #expect(labelMap.labels == voxels.map { $0 > 0 ? 7 : 0 })
  }

  @Test func resultsDoNotDependOnTheThreadCount() throws {
    let network = try NetworkConfiguration.unet(
      UNetConfiguration(inputChannels: 3, outputChannels: 2, features: [8, 16])
    ).makeNetwork()
    let predictor = SlicePredictor(
      plan: SegmentationPlan(
        orientation: .ras,
        spacingMM: [1, 1, 1],
        patchSize: [16, 16],
        contextSlices: 1
      ),
      network: try PlannedNetwork(network),
      labels: table,
      usesMirroring: false
    )
    let scan = try scan([30, 17, 9])
    let results = try [1, 2, 5].map { threads in
      try Parallelism.$threadCount.withValue(threads) { try predictor.segment(scan) }
    }
    #expect(results[0] == results[1] && results[1] == results[2])
    #expect(Set(results[0].labels) == [0, 7])
  }

  @Test func undefinedVoxelsDoNotSpread() throws {
    var scan = try scan([8, 8, 8])
    scan.voxels[100] = .nan
    scan.voxels[200] = .infinity
    let labels = try predictor().segment(scan).labels
    let clean = expected(scan.map { $0.isFinite ? $0 : 0 })
    #expect(labels.indices.allSatisfy { $0 == 100 || labels[$0] == clean[$0] })
  }

  @Test func anInterruptedRunStops() throws {
    let interruption = Interruption()
    interruption.raise()
    let scan = try scan([8, 8, 8])
    #expect(throws: SupportError.interrupted) {
      try predictor().segment(scan, interruption: interruption)
    }
  }
}

extension NetworkConfiguration {
  fileprivate func makeNetwork() throws -> any Network {
    var random = RandomStream(seed: 11)
    return try makeNetwork(random: &random)
  }
}
