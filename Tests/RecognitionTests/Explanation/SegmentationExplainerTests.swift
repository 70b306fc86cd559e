import Foundation
import Imaging
import ImagingIO
import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors
import TestSupport
import Testing

struct SegmentationExplainerTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let structure = LabelDefinition(
    id: 5,
    name: "bright",
    color: LabelDefinition.defaultColor(0)
  )

  /// A package whose network scores background 1 and the structure max(0, value): its maps are known.
  private func package(_ plan: ModelPlan, dimensions: Int) throws -> ModelPackage {
    var values = UNetConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      features: [1],
      dimensions: dimensions
    )
    (values.convolutionsPerStage, values.kernelSize) = (1, 1)
    (values.normalization, values.negativeSlope) = (.none, 0)
    let network = NetworkConfiguration.unet(values)
    let ones = [Int](repeating: 1, count: dimensions)
    let weights = Safetensors(
      tensors: [
        "encoder.0.0.conv.weight": Tensor([1], shape: [1, 1] + ones),
        "encoder.0.0.conv.bias": Tensor([0], shape: [1]),
        "head.weight": Tensor([0, 1], shape: [2, 1] + ones),
        "head.bias": Tensor([1, 0], shape: [2]),
      ]
    )
    return try package(plan, dimensions: dimensions, network: network, weights: weights)
  }

  private func package(
    _ plan: ModelPlan,
    dimensions: Int,
    network: NetworkConfiguration,
    weights: Safetensors
  ) throws -> ModelPackage {
    let path = folder.file("model\(dimensions)")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try ModelPackage.write(
      to: path,
      description: ModelDescription(
        name: "brightness",
        version: "1.0.0",
        summary: "Finds what is bright.",
        channels: ["MRI"],
        labels: [Self.structure],
        network: network,
        plan: plan,
        licence: "CC0",
        intendedUse: "Tests.",
        provenance: .init(
          dataset: "none",
          source: "none",
          trainingCases: 0,
          heldOut: [],
          command: "",
          seed: 1,
          steps: 0,
          minutes: 0,
          program: "",
          date: ""
        ),
        results: [],
        files: [:]
      ),
      weights: weights,
      card: "# brightness\n"
    )
    return try ModelPackage(path: path)
  }

  /// A bright block of 3 x 4 x 2 voxels on a dark scan, whose axes run in any order, and its labels.
  private func scan(_ orientation: Orientation) throws -> (Volume<Float>, LabelMap) {
    let geometry = try ImageGeometry(
      size: [12, 10, 9],
      spacing: [1, 1, 1],
      origin: [4, -3, 7],
      direction: orientation.direction
    )
    var voxels = [Float](repeating: 0, count: geometry.voxelCount)
    var labels = [UInt16](repeating: 0, count: geometry.voxelCount)
    for z in 5..<7 {
      for y in 2..<6 {
        for x in 7..<10 {
          voxels[x + 12 * (y + 10 * z)] = 100 + Float(x)
          labels[x + 12 * (y + 10 * z)] = 5
        }
      }
    }
    return (
      Volume(geometry: geometry, voxels: voxels),
      LabelMap(geometry: geometry, labels: labels, table: [Self.structure])
    )
  }

  private static func slices(_ orientation: Orientation) -> ModelPlan {
    .slices(
      SegmentationPlan(
        orientation: orientation,
        spacingMM: [1, 1, 1],
        patchSize: [8, 8],
        contextSlices: 0
      )
    )
  }

  /// The map is the network's own, at its place, in one slice of the structure.
  @Test(arguments: [Orientation.ras, .lps])
  func slicesAreExplainedWhereTheyLie(_ orientation: Orientation) throws {
    let package = try package(Self.slices(.ras), dimensions: 2)
    let (scan, labels) = try scan(orientation)
    let found = try SegmentationExplainer(
      package,
      methods: ExplanationMethod.allCases,
      interruption: Interruption()
    ).explain(
      scan,
      labels: labels,
      progress: SilentProgress()
    )
    #expect(found.map(\.method) == ExplanationMethod.allCases)
    for item in found {
      #expect(item.definition == Self.structure && item.axis == 2 && !item.isSolid)
      #expect((5..<7).contains(item.slice) && item.regionCount == 12)
      #expect(item.probability > 0.5 && item.map.geometry == scan.geometry)
      var (inside, outside, elsewhere) = (Float(0), Float(0), Float(0))
      for (place, value) in item.map.voxels.enumerated() {
        if place / 120 != item.slice {
          elsewhere += value
        } else if labels.labels[place] == 5 {
          inside += value / 12
        } else {
          outside += value / 108
        }
      }
      #expect(elsewhere == 0, "\(item.method)")
      #expect(inside > 2 * outside && inside > 0, "\(item.method): \(inside) and \(outside)")
    }
    // Grad-CAM of the only map is that map: highest where the scan is brightest.
    let map = try #require(found.first).map.voxels
    let peak = try #require(map.indices.max { map[$0] < map[$1] })
    #expect(scan.voxels[peak] == 109)
    #expect(map.indices.allSatisfy { map[$0] == 0 || labels.labels[$0] == 5 })
  }

  @Test func blocksAreExplainedInSpace() throws {
    let plan = NNUNetPlan(
      configuration: "3d_fullres",
      channels: [.zScore(usesMask: false)],
      transposeForward: [1, 0, 2],
      spacing: [1, 1, 1],
      patchSize: [6, 6, 6],
      data: .spline(order: 3, orderAcross: 0, separates: nil),
      segmentation: .spline(order: 1, orderAcross: 0, separates: nil),
      probabilities: .spline(order: 1, orderAcross: 0, separates: nil),
      mirrorAxes: [],
      heads: .labels([0, 5]),
      previousStage: nil
    )
    let package = try package(.nnUNet(plan), dimensions: 3)
    let (first, labels) = try scan(.lps)
    var scan = first
    // Something about the block, so that it is not cut out.
    for index in scan.voxels.indices where scan.voxels[index] == 0 { scan.voxels[index] = 1 }
    let found = try SegmentationExplainer(
      package,
      methods: [.gradCAM, .occlusion],
      interruption: Interruption()
    ).explain(
      scan,
      labels: labels,
      progress: SilentProgress()
    )
    #expect(found.count == 2)
    for item in found {
      #expect(item.isSolid && item.regionCount == 24)
      let map = item.map.voxels
      let peak = try #require(map.indices.max { map[$0] < map[$1] })
      #expect(labels.labels[peak] == 5, "\(item.method)")
    }
    let map = found[0].map.voxels
    #expect(map.indices.allSatisfy { (map[$0] > 0.5) == (labels.labels[$0] == 5) })

    // A structure that is not there has no score.
    let none = try SegmentationExplainer(
      package,
      methods: [.gradCAM],
      interruption: Interruption()
    ).explain(
      scan,
      labels: LabelMap(
        geometry: labels.geometry,
        labels: labels.labels.map { _ in 0 },
        table: labels.table
      ),
      progress: SilentProgress()
    )
    #expect(none.isEmpty)
  }

  @Test func networksWithoutMapsAreExplainedByOtherMethods() throws {
    var values = AttentionUNetConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      features: [4, 8],
      strides: [2],
      dimensions: 2
    )
    values.dropoutProbability = 0
    let network = NetworkConfiguration.attentionUNet(values)
    var random = RandomStream(seed: 2)
    let weights = try network.makeNetwork(random: &random).weights
    let package = try package(
      Self.slices(.ras),
      dimensions: 2,
      network: network,
      weights: weights
    )
    #expect(throws: RecognitionError.self) {
      try SegmentationExplainer(package, methods: [.gradCAM], interruption: Interruption())
    }
    let (scan, labels) = try scan(.ras)
    let found = try SegmentationExplainer(
      package,
      methods: [.integratedGradients, .occlusion],
      interruption: Interruption()
    ).explain(scan, labels: labels, progress: SilentProgress())
    // What random weights find means nothing, but they find it somewhere in the patch.
    #expect(found.map(\.method) == [.integratedGradients, .occlusion])
    #expect(found.allSatisfy { $0.map.voxels.contains { $0 == 1 } })
  }

  @Test func modelsForOtherThingsAreRefused() throws {
    let values = YOLOConfiguration(inputChannels: 1, classes: 1, width: 0.125, bins: 8)
    let network = NetworkConfiguration.yolo(values)
    var random = RandomStream(seed: 2)
    var plan = RecognitionPlan(task: .detection, imageSize: [32, 32], channels: 1)
    plan.fitting = .letterbox
    plan.thresholds = [0.25]
    let package = try package(
      .recognition(plan),
      dimensions: 2,
      network: network,
      weights: network.makeNetwork(random: &random).weights
    )
    #expect(throws: RecognitionError.self) {
      try SegmentationExplainer(package, methods: [.rise], interruption: Interruption())
    }
  }
}
