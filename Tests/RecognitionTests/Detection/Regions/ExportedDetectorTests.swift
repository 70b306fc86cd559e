import GraphModels
import Layers
import Networks
import Recognition
import Support
import Tensors
import TestSupport
import Testing

/// Detectors of two stages as graphs against the detectors themselves.
struct ExportedDetectorTests {
  private static let tolerance = Tolerance(absolute: 1e-4, relative: 1e-4)

  private static func run(_ graph: OperatorGraph, _ x: Tensor) throws -> [String: GraphValue] {
    let network = try GraphNetwork(try OperatorGraph(try graph.encoded(), path: "detector"))
    return try network.run(["input": GraphValue(x)])
  }

  @Test(arguments: ["faster-rcnn", "mask-rcnn"])
  func withoutAnyRegionNothingIsFound(_ name: String) throws {
    let network = try RegionFinderTests.network(name)
    // Every anchor shrinks to nothing.
    let shifts = try #require(
      network.namedParameters.first { $0.name == "rpn.head.bbox_pred.bias" }
    ).parameter
    shifts.value = Tensor(repeating: -1000, shape: shifts.value.shape)
    let graph = try OperatorGraph.exported(from: network, inputShape: [1, 3, 64, 96])
    let x = RegionWeights.input.sliced(axis: 0, start: 0, end: 1)
    let found = try Self.run(graph, x)
    #expect(found["boxes"]?.shape == [0, 4] && found["labels"]?.shape == [0])
    let empty = Tensor([], shape: [0])
    var values = ["input": x, "scores": empty, "labels": empty]
    values["boxes"] = Tensor([], shape: [0, 4])
    if name == "mask-rcnn" { values["masks"] = Tensor([], shape: [0, 12, 12]) }
    try ExportedFiles.write(
      try graph.encoded(),
      Safetensors(tensors: values).encoded(),
      "\(name)-no-regions"
    )
  }

  @Test(arguments: ["faster-rcnn", "mask-rcnn"], [[0.05], [0.4, 0.3], [0.9999]])
  func theGraphFindsTheSame(_ name: String, leastScores: [Double]) throws {
    let network = try RegionFinderTests.network(name)
    var options = GraphExportOptions()
    options.leastScores = leastScores
    let graph = try OperatorGraph.exported(
      from: network,
      inputShape: [1, 3, 64, 96],
      options: options
    )
    let finder = RegionFinder(network, imageSize: [64, 96])
    for image in 0..<2 {
      let x = RegionWeights.input.sliced(axis: 0, start: image, end: image + 1)
      let expected = try #require(
        finder.findings(
          x,
          leastScores: leastScores,
          suppression: BoxSuppression(overlap: 0.5, maximum: 100)
        )
      )
      #expect(leastScores == [0.9999] ? expected.isEmpty : expected.count > 3)
      let found = try Self.run(graph, x)
      let count = expected.count
      let labels = try #require(found["labels"])
      #expect(labels.tensor.values == expected.map { Float($0.detection.label) })
      var values = [
        "scores": Tensor(expected.map { Float($0.detection.score) }, shape: [count]),
        "boxes": Tensor(
          expected.flatMap { finding in
            let box = finding.detection.box
            return [box.left, box.top, box.right, box.bottom].map { Float($0) }
          },
          shape: [count, 4]
        ),
      ]
      if name == "mask-rcnn" {
        values["masks"] = Tensor(
          expected.flatMap { $0.mask ?? [] },
          shape: [count, finder.maskSide, finder.maskSide]
        )
      }
      #expect(Set(found.keys) == Set(values.keys).union(["labels"]))
      for (key, value) in values {
        let own = try #require(found[key])
        #expect(own.shape == value.shape, "\(key)")
        if count > 0 { expectClose(own.tensor, value, Self.tolerance, key) }
      }
      (values["input"], values["labels"]) = (x, labels.tensor)
      try ExportedFiles.write(
        try graph.encoded(),
        Safetensors(tensors: values).encoded(),
        "\(name)-\(leastScores.count)-\(count)"
      )
    }
  }
}
