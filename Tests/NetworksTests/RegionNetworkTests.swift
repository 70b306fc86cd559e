import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

/// Faster R-CNN and Mask R-CNN against torchvision's (Fixtures/regions).
struct RegionNetworkTests {
  /// Some twenty layers of single precision on values of up to 20.
  private static let tolerance = Tolerance(absolute: 1e-4, relative: 1e-4)

  /// The networks of the fixtures.
  static func configuration(_ name: String) -> NetworkConfiguration {
    let hasMasks = name == "mask-rcnn"
    var values = RegionNetworkConfiguration(
      inputChannels: 3,
      classes: 2,
      block: hasMasks ? .basic : .bottleneck,
      blocksPerStage: hasMasks ? [2, 1, 1, 1] : [1, 1, 1, 1],
      anchorSides: [16, 24, 32, 48, 64]
    )
    (values.features, values.pyramidFeatures, values.hiddenFeatures) = (8, 16, 32)
    guard hasMasks else { return .fasterRCNN(values) }
    var mask = RegionNetworkConfiguration.MaskHead()
    (mask.features, mask.layers, mask.grid) = (8, 2, 6)
    values.mask = mask
    return .maskRCNN(values)
  }

  private static func network(_ configuration: NetworkConfiguration) throws -> RegionNetwork {
    var random = RandomStream(seed: 1)
    return try #require(configuration.makeNetwork(random: &random) as? RegionNetwork)
  }

  /// The network with the fixture's weights, the input, and what torchvision made of it.
  private static func stored(
    _ name: String
  ) throws -> (RegionNetwork, input: Tensor, expected: [String: Tensor]) {
    let network = try network(configuration(name))
    let weights = network.namedParameters.map {
      ($0.name, RegionWeights.drawn($0.name, $0.parameter.shape))
    }
    try network.load(
      Safetensors(tensors: Dictionary(uniqueKeysWithValues: weights)),
      from: "the fixture"
    )
    let expected = try Safetensors(
      contentsOf: Fixtures.path("regions/\(name).safetensors")
    ).tensors
    return (network, RegionWeights.input, expected)
  }

  @Test(arguments: ["faster-rcnn", "mask-rcnn"])
  func everyStageIsThatOfTorchvision(_ name: String) throws {
    let (network, input, expected) = try Self.stored(name)
    let maps = network.pyramid(input, in: .inference)
    #expect(maps.count == 5)
    for (level, map) in maps.enumerated() {
      expectClose(map, try #require(expected["map.\(level)"]), Self.tolerance, "level \(level)")
    }
    try Self.expectAnchors(network(input, in: .inference), maps, expected)
    let planned = try PlannedNetwork(network)
    try Self.expectAnchors(planned(input), maps, expected)

    let rows = try #require(expected["proposals"])
    let regions = (0..<rows.shape[0]).map { row -> ImageRegion in
      let values = rows.values[5 * row..<5 * row + 5].map { $0 }
      return ImageRegion(
        image: Int(values[0]),
        edges: SIMD4(values[1], values[2], values[3], values[4])
      )
    }
    // The images are small: all regions are those of the finest level, in any order.
    #expect(network.order(regions) == Array(regions.indices))
    let found = network.boxes(maps, regions, in: .inference)
    expectClose(found.scores, try #require(expected["scores"]), Self.tolerance)
    expectClose(found.shifts, try #require(expected["moves"]), Self.tolerance)
    #expect((network.masks(maps, regions, in: .inference) != nil) == (name == "mask-rcnn"))
    guard let probabilities = expected["masks"] else { return }
    try Self.expectMasks(network, maps, probabilities, expected)
  }

  /// Compares anchors; ours lie shape by shape and then cell by cell, torchvision's the other way round.
  private static func expectAnchors(
    _ output: Tensor,
    _ maps: [Tensor],
    _ expected: [String: Tensor]
  ) throws {
    let logits = try #require(expected["logits"]).values
    let shifts = try #require(expected["shifts"]).values
    let count = output.shape[2]
    #expect(output.shape == [2, 5, 1536] && logits.count == 2 * count)
    var wanted = [Float](repeating: 0, count: output.count)
    for image in 0..<2 {
      var start = 0
      for map in maps {
        let cells = map.shape[2] * map.shape[3]
        for place in 0..<3 * cells {
          let theirs = image * count + start + place % cells * 3 + place / cells
          wanted[image * 5 * count + start + place] = logits[theirs]
          for value in 0..<4 {
            wanted[(image * 5 + 1 + value) * count + start + place] = shifts[4 * theirs + value]
          }
        }
        start += 3 * cells
      }
    }
    expectClose(output, Tensor(wanted, shape: output.shape), tolerance)
  }

  private static func expectMasks(
    _ network: RegionNetwork,
    _ maps: [Tensor],
    _ probabilities: Tensor,
    _ expected: [String: Tensor]
  ) throws {
    let boxes = try #require(expected["boxes"]).values
    let images = try #require(expected["images"]).values
    let labels = try #require(expected["labels"]).values.map { Int($0) }
    let regions = images.indices.map { row in
      ImageRegion(
        image: Int(images[row]),
        edges: SIMD4(boxes[4 * row], boxes[4 * row + 1], boxes[4 * row + 2], boxes[4 * row + 3])
      )
    }
    let masks = try #require(network.masks(maps, regions, in: .inference))
    #expect(masks.shape == [regions.count, 3, 12, 12])
    let own = sigmoid(masks).values
    let chosen = labels.enumerated().flatMap { row, label in
      own[(3 * row + label) * 144..<(3 * row + label + 1) * 144]
    }
    expectClose(Tensor(chosen, shape: probabilities.shape), probabilities, tolerance)
  }

  @Test func namesAreThoseOfTorchvision() throws {
    var values = RegionNetworkConfiguration(.resnet50, inputChannels: 3, classes: 90)
    values.mask = RegionNetworkConfiguration.MaskHead()
    let network = try Parameter.withoutRandomWeights { try Self.network(.maskRCNN(values)) }
    let shapes = Dictionary(
      uniqueKeysWithValues: network.namedParameters.map { ($0.name, $0.parameter.shape) }
    )
    // As torchvision's maskrcnn_resnet50_fpn with batch normalisation that is learned.
    #expect(network.weightCount == 44_454_513)
    #expect(shapes["backbone.body.layer1.0.downsample.0.weight"] == [256, 64, 1, 1])
    #expect(shapes["backbone.fpn.inner_blocks.3.0.weight"] == [256, 2048, 1, 1])
    #expect(shapes["rpn.head.bbox_pred.weight"] == [12, 256, 1, 1])
    #expect(shapes["roi_heads.box_head.fc6.weight"] == [1024, 12544])
    #expect(shapes["roi_heads.box_predictor.bbox_pred.weight"] == [364, 1024])
    #expect(shapes["roi_heads.mask_predictor.conv5_mask.weight"] == [256, 256, 2, 2])
  }

  /// A region of 224 pixels belongs to the third of four levels.
  ///
  /// Lin et al. 2017, section 4.2.
  @Test func largerRegionsBelongToCoarserLevels() throws {
    let network = try Self.network(Self.configuration("faster-rcnn"))
    let levels = [5, 111, 112, 223, 224, 447, 448, 5000].map { side in
      network.level(of: ImageRegion(image: 0, edges: SIMD4(10, 10, 10 + side, 10 + side)))
    }
    #expect(levels == [0, 0, 1, 1, 2, 2, 3, 3])
    #expect(network.level(of: ImageRegion(image: 0, edges: [5, 5, 5, 5])) == 0)
    let regions = [300, 20, 120, 30].map {
      ImageRegion(image: 0, edges: SIMD4(0, 0, $0, $0))
    }
    #expect(network.order(regions) == [1, 3, 2, 0])
  }

  @Test(arguments: ["classes", "stages", "anchors", "ratio", "kept", "overlap", "grid", "mask"])
  func impossibleValuesAreRefused(_ which: String) {
    guard case .fasterRCNN(var values) = Self.configuration("faster-rcnn") else { return }
    switch which {
    case "classes": values.classes = 0
    case "stages": values.blocksPerStage = []
    case "anchors": values.anchorSides = [32]
    case "ratio": values.aspectRatios = [.nan]
    case "kept": values.proposals.kept = 0
    case "overlap": values.trainingProposals.overlap = 2
    case "grid": values.boxGrid = 1000
    default: values.mask = RegionNetworkConfiguration.MaskHead()
    }
    #expect(throws: NetworksError.self) {
      var random = RandomStream(seed: 1)
      _ = try NetworkConfiguration.fasterRCNN(values).makeNetwork(random: &random)
    }
  }
}
