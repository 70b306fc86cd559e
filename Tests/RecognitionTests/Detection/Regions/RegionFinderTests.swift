import Layers
import Networks
import Recognition
import Support
import Tensors
import TestSupport
import Testing

/// What a Faster R-CNN and a Mask R-CNN find, against torchvision's (Fixtures/regions).
struct RegionFinderTests {
  private static let tolerance = Tolerance(absolute: 1e-4, relative: 1e-4)

  static func network(_ name: String) throws -> RegionNetwork {
    let hasMasks = name == "mask-rcnn"
    var values = RegionNetworkConfiguration(
      inputChannels: 3,
      classes: 2,
      block: hasMasks ? .basic : .bottleneck,
      blocksPerStage: hasMasks ? [2, 1, 1, 1] : [1, 1, 1, 1],
      anchorSides: [16, 24, 32, 48, 64]
    )
    (values.features, values.pyramidFeatures, values.hiddenFeatures) = (8, 16, 32)
    values.proposals = .init(candidates: 60, kept: 30)
    if hasMasks {
      var mask = RegionNetworkConfiguration.MaskHead()
      (mask.features, mask.layers, mask.grid) = (8, 2, 6)
      values.mask = mask
    }
    var random = RandomStream(seed: 1)
    let network = RegionNetwork(values, random: &random)
    let weights = network.namedParameters.map {
      ($0.name, RegionWeights.drawn($0.name, $0.parameter.shape))
    }
    try network.load(
      Safetensors(tensors: Dictionary(uniqueKeysWithValues: weights)),
      from: "the fixture"
    )
    return network
  }

  private static func stored(_ name: String) throws -> [String: Tensor] {
    try Safetensors(contentsOf: Fixtures.path("regions/\(name).safetensors")).tensors
  }

  private static func flat(_ boxes: [SIMD4<Float>]) -> Tensor {
    Tensor(boxes.flatMap { [$0.x, $0.y, $0.z, $0.w] }, shape: [boxes.count, 4])
  }

  @Test(arguments: ["faster-rcnn", "mask-rcnn"])
  func anchorsAndProposalsAreThoseOfTorchvision(_ name: String) throws {
    let (network, expected) = (try Self.network(name), try Self.stored(name))
    let anchors = RegionAnchors(network.configuration, imageSize: [64, 96])
    // Ours lie shape by shape and then cell by cell, torchvision's the other way round.
    var theirs: [Int] = []
    for cells in [16 * 24, 8 * 12, 4 * 6, 2 * 3, 2] {
      let start = theirs.count
      theirs += (0..<3 * cells).map { start + $0 % cells * 3 + $0 / cells }
    }
    let wanted = try #require(expected["anchors"]).selecting(theirs, axis: 0)
    #expect(Self.flat(anchors.edges).values == wanted.values)

    let output = network(RegionWeights.input, in: .inference)
    let proposals = anchors.proposals(output, network.configuration.proposals)
    let rows = try #require(expected["proposals"])
    #expect(proposals.map(\.count).reduce(0, +) == rows.shape[0])
    let boxes = rows.sliced(axis: 1, start: 1)
    expectClose(Self.flat(proposals.flatMap { $0 }), boxes, Self.tolerance)
    let one = Parallelism.$threadCount.withValue(1) {
      anchors.proposals(output, network.configuration.proposals)
    }
    #expect(one == proposals)
  }

  @Test(arguments: ["faster-rcnn", "mask-rcnn"])
  func findingsAreThoseOfTorchvision(_ name: String) throws {
    let (network, expected) = (try Self.network(name), try Self.stored(name))
    let finder = RegionFinder(network, imageSize: [64, 96])
    let input = RegionWeights.input
    let found = try (0..<2).flatMap { image in
      try #require(
        finder.findings(
          input.sliced(axis: 0, start: image, end: image + 1),
          leastScores: [0.05],
          suppression: BoxSuppression(overlap: 0.5, maximum: 12)
        )
      )
    }
    let detections = found.map(\.detection)
    #expect(
      detections.map { Float($0.label + 1) } == (try #require(expected["labels"])).values
    )
    let confidences = try #require(expected["confidences"])
    expectClose(
      Tensor(detections.map { Float($0.score) }, shape: confidences.shape),
      confidences,
      Self.tolerance
    )
    let boxes = detections.flatMap {
      [$0.box.left, $0.box.top, $0.box.right, $0.box.bottom].map { Float($0) }
    }
    expectClose(
      Tensor(boxes, shape: [detections.count, 4]),
      try #require(expected["boxes"]),
      Self.tolerance
    )
    guard let masks = expected["masks"] else {
      #expect(found.allSatisfy { $0.mask == nil })
      return
    }
    #expect(finder.maskSide == 12)
    expectClose(
      Tensor(found.flatMap { $0.mask ?? [] }, shape: masks.shape),
      masks,
      Self.tolerance
    )
  }

  @Test func numbersThatAreNotFiniteAreTold() throws {
    let network = try Self.network("faster-rcnn")
    let finder = RegionFinder(network, imageSize: [64, 96])
    let input = Tensor(repeating: .nan, shape: [1, 3, 64, 96])
    let found = finder.findings(
      input,
      leastScores: [0.5],
      suppression: BoxSuppression(overlap: 0.5)
    )
    #expect(found == nil)
  }
}
