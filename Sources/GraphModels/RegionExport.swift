import Foundation
import Layers
import Networks
import Support
import Tensors

/// A detector of two stages as one graph: what the network computes, and the choices between.
///
/// The steps are those of `RegionFinder`: the likeliest anchors of each level that do not overlap are
/// the regions; their boxes are chosen class by class; masks are read within the boxes.
struct RegionExport {
  private let network: RegionNetwork
  private let input: GraphInput
  private let leastScores: [Double]
  private var exporter: GraphExporter

  /// The score of what is no candidate, and the least of those that are.
  private static let (never, least): (Float, Float) = (-1e30, -1e29)

  init(
    _ network: RegionNetwork,
    _ input: GraphInput,
    _ options: GraphExportOptions,
    name: String
  ) throws {
    guard input.shape.count == 4, input.shape[0] == 1 else {
      throw GraphModelsError.notExportable(
        operation: "region proposal",
        reason: "of \(input.shape); a detector of two stages looks at one image at a time"
      )
    }
    let classes = network.configuration.classes
    guard options.leastScores.count == 1 || options.leastScores.count == classes else {
      throw GraphModelsError.notExportable(
        operation: "box choice",
        reason: "with \(options.leastScores.count) least scores for \(classes) classes"
      )
    }
    self.network = network
    self.input = input
    leastScores = options.leastScores
    exporter = GraphExporter(network, name: name)
  }

  private var configuration: RegionNetworkConfiguration { network.configuration }
  private var imageSize: [Int] { Array(input.shape.dropFirst(2)) }

  mutating func graph() throws -> OperatorGraph {
    let levels = configuration.strides.count
    let maps = (0..<levels - 1).map { "map_level\($0)" }
    try exporter.write(inputs: [(input.name, input.shape)]) { [network] inputs in
      let pyramid = network.pyramid(inputs[0], in: .inference)
      return zip(maps, pyramid).map { ($0, $1) }
        + [("anchors", network.anchors(pyramid, in: .inference))]
    }
    let regions = proposals()
    let (cells, order) = aligned(maps, regions, grid: configuration.boxGrid)
    let ordered = gather(regions, order, axis: 0)
    try exporter.write(inputs: [(cells, cellShape(configuration.boxGrid))]) { [network] inputs in
      let found = network.boxes(inputs[0], in: .inference)
      return [("class_logits", found.scores), ("box_shifts", found.shifts)]
    }
    let found = findings(ordered)
    var outputs = [
      OperatorGraph.Value("boxes", dimensions: [.free("findings"), .fixed(4)]),
      OperatorGraph.Value("labels", type: .int64, dimensions: [.free("findings")]),
      OperatorGraph.Value("scores", dimensions: [.free("findings")]),
    ]
    if let mask = configuration.mask {
      try masks(maps, found.boxes, found.labels, grid: mask.grid)
      let side = OperatorGraph.Dimension.fixed(2 * mask.grid)
      outputs.append(
        OperatorGraph.Value("masks", dimensions: [.free("findings"), side, side])
      )
    }
    exporter.declare(
      inputs: [
        OperatorGraph.Value(input.name, dimensions: input.shape.map { .fixed($0) })
      ],
      outputs: outputs
    )
    return exporter.finished
  }

  /// Any number of regions, two of them to trace.
  private func cellShape(_ grid: Int) -> [Int] { [2, configuration.pyramidFeatures, grid, grid] }

  // MARK: Steps

  /// The regions, `[R, 4]`, the likeliest first.
  private mutating func proposals() -> String {
    let anchors = configuration.anchors(imageSize: imageSize)
    let choice = configuration.proposals
    var (boxes, logits): ([String], [String]) = ([], [])
    for level in anchors.levels where !level.isEmpty {
      let own = slice("anchors", level.lowerBound, level.upperBound, axis: 2)
      let all = exporter.node("Reshape", [slice(own, 0, 1, axis: 1), integers([-1])])
      let shifts = exporter.squeezed(slice(own, 1, 5, axis: 1), axis: 0)
      let edges = Tensor(
        (0..<4).flatMap { edge in anchors.edges[level].map { $0[edge] } },
        shape: [4, level.count]
      )
      let best = largest(all, integers([min(choice.candidates, level.count)]))
      let placed = decoded(
        gather(shifts, best.places, axis: 1),
        from: gather(exporter.constant(edges, hint: "edges"), best.places, axis: 1),
        axis: 0,
        .anchors
      )
      let valid = isWide(placed, axis: 0, RegionNetworkConfiguration.leastRegionSide)
      let scores = exporter.node(
        "Where",
        [valid, best.values, exporter.number(Self.never, "never")]
      )
      let corners = exporter.node("Transpose", [placed], ["perm": .integers([1, 0])])
      let chosen = exporter.node(
        "NonMaxSuppression",
        [
          exporter.unsqueezed(corners), exporter.unsqueezed(exporter.unsqueezed(scores)),
          integers([choice.kept]), numbers([Float(choice.overlap)]), numbers([Self.least]),
        ]
      )
      let rows = exporter.squeezed(slice(chosen, 2, 3, axis: 1), axis: 1)
      boxes.append(gather(corners, rows, axis: 0))
      logits.append(gather(scores, rows, axis: 0))
    }
    let all = exporter.node("Concat", logits, ["axis": .integer(0)])
    let best = largest(all, atMost(choice.kept, of: all))
    return gather(exporter.node("Concat", boxes, ["axis": .integer(0)]), best.places, axis: 0)
  }

  /// Reads the maps in regions, level by level.
  /// - Returns: `[R, C, grid, grid]`, and the place of each of them among the regions.
  private mutating func aligned(
    _ maps: [String],
    _ regions: String,
    grid: Int
  ) -> (cells: String, order: String) {
    let edges = exporter.nodes("Split", [regions], ["axis": .integer(1)], results: 4)
    let area = exporter.node(
      "Mul",
      [exporter.node("Sub", [edges[2], edges[0]]), exporter.node("Sub", [edges[3], edges[1]])]
    )
    // ⌊4 + log₂(√area / 224) + 10⁻⁶⌋ − 2, within the levels.
    let side = exporter.node("Sqrt", [area])
    let ratio = exporter.node("Div", [side, exporter.number(RegionNetwork.middleSide)])
    let power = exporter.node(
      "Div",
      [exporter.node("Log", [ratio]), exporter.number(log(2))]
    )
    let whole = exporter.node("Floor", [exporter.node("Add", [power, exporter.number(4 + 1e-6)])])
    let levels = exporter.node(
      "Clip",
      [
        exporter.node("Sub", [whole, exporter.number(2)]), exporter.number(0),
        exporter.number(Float(maps.count - 1)),
      ]
    )
    let flat = exporter.squeezed(levels, axis: 1)
    var (parts, orders): ([String], [String]) = ([], [])
    for (level, map) in maps.enumerated() {
      let isHere = exporter.node("Equal", [flat, exporter.number(Float(level))])
      let rows = exporter.squeezed(exporter.node("NonZero", [isHere]), axis: 0)
      let first = exporter.node(
        "ConstantOfShape",
        [exporter.node("Shape", [rows])],
        ["value": .tensor(StoredTensor(integers: [0]))]
      )
      orders.append(rows)
      parts.append(
        exporter.node(
          "RoiAlign",
          [map, gather(regions, rows, axis: 0), first],
          [
            "mode": .text("avg"), "coordinate_transformation_mode": .text("output_half_pixel"),
            "output_height": .integer(grid), "output_width": .integer(grid),
            "sampling_ratio": .integer(configuration.samplingRatio),
            "spatial_scale": .number(1 / Float(configuration.strides[level])),
          ]
        )
      )
    }
    return (
      exporter.node("Concat", parts, ["axis": .integer(0)]),
      exporter.node("Concat", orders, ["axis": .integer(0)])
    )
  }

  /// Boxes, labels and scores of what was found; the outputs of these names.
  private mutating func findings(_ regions: String) -> (boxes: String, labels: String) {
    let classes = configuration.classes
    let probabilities = exporter.node("Softmax", ["class_logits"], ["axis": .integer(1)])
    let scores = exporter.node(
      "Transpose",
      [slice(probabilities, 1, classes + 1, axis: 1)],
      ["perm": .integers([1, 0])]
    )
    let shifts = exporter.node("Reshape", ["box_shifts", integers([-1, classes + 1, 4])])
    let placed = exporter.node(
      "Transpose",
      [
        decoded(
          slice(shifts, 1, classes + 1, axis: 1),
          from: exporter.unsqueezed(regions, axis: 1),
          axis: 2,
          .regions
        )
      ],
      ["perm": .integers([1, 0, 2])]
    )
    let wide = exporter.squeezed(
      isWide(placed, axis: 2, RegionNetworkConfiguration.leastFindingSide),
      axis: 2
    )
    let limits = Tensor(leastScores.map { Float($0) }, shape: [leastScores.count, 1])
    let sure = exporter.node("Greater", [scores, exporter.constant(limits, hint: "least")])
    let valid = exporter.node(
      "Where",
      [exporter.node("And", [wide, sure]), scores, exporter.number(-1, "never")]
    )
    // Classes in the place of images, as boxes differ from class to class.
    let chosen = exporter.node(
      "NonMaxSuppression",
      [
        placed, exporter.unsqueezed(valid, axis: 1),
        integers([RegionNetworkConfiguration.findingLimit]),
        numbers([Float(RegionNetworkConfiguration.findingOverlap)]), numbers([0]),
      ]
    )
    let places = gather(chosen, integers([0, 2]), axis: 1)
    let all = exporter.node("GatherND", [valid, places])
    let best = largest(all, atMost(RegionNetworkConfiguration.findingLimit, of: all))
    let kept = gather(places, best.places, axis: 0)
    let boxes = exporter.node("GatherND", [placed, kept], result: "boxes")
    let label = slice(kept, 0, 1, axis: 1)
    let labels = exporter.node("Squeeze", [label, integers([1])], result: "labels")
    _ = exporter.node("Identity", [best.values], result: "scores")
    return (boxes, labels)
  }

  /// The output `masks`: probabilities of each finding's own class.
  private mutating func masks(
    _ maps: [String],
    _ boxes: String,
    _ labels: String,
    grid: Int
  ) throws {
    let (cells, order) = aligned(maps, boxes, grid: grid)
    try exporter.write(inputs: [(cells, cellShape(grid))]) { [network] inputs in
      network.masks(inputs[0], in: .inference).map { [("mask_logits", $0)] } ?? []
    }
    let one = exporter.constant([1], "one")
    let own = exporter.node("Add", [gather(labels, order, axis: 0), one])
    let logits = exporter.node(
      "GatherND",
      ["mask_logits", exporter.unsqueezed(own, axis: 1)],
      ["batch_dims": .integer(1)]
    )
    // Where each finding's mask went.
    let count = exporter.node("Shape", [order])
    let back = exporter.nodes(
      "TopK",
      [order, count],
      ["axis": .integer(0), "largest": .integer(0)],
      results: 2
    )
    let ordered = gather(logits, back[1], axis: 0)
    _ = exporter.node("Sigmoid", [ordered], result: "masks")
  }

  // MARK: Parts

  /// Boxes from what tells them relative to others, as by `BoxCoding`, within the image.
  ///
  /// The four numbers lie along the axis.
  private mutating func decoded(
    _ shifts: String,
    from others: String,
    axis: Int,
    _ coding: BoxCoding
  ) -> String {
    let attributes: [String: OperatorGraph.Attribute] = ["axis": .integer(axis)]
    let moves = exporter.nodes("Split", [shifts], attributes, results: 4)
    let edges = exporter.nodes("Split", [others], attributes, results: 4)
    let two = exporter.number(2)
    var (low, high): ([String], [String]) = ([], [])
    for side in 0..<2 {
      let size = exporter.node("Sub", [edges[side + 2], edges[side]])
      func factor(_ index: Int) -> String {
        let factor = coding.factors[index]
        return factor == 1
          ? moves[index] : exporter.node("Div", [moves[index], exporter.number(factor)])
      }
      let shift = exporter.node("Mul", [factor(side), size])
      let middle = exporter.node(
        "Add",
        [exporter.node("Add", [shift, edges[side]]), exporter.node("Div", [size, two])]
      )
      let growth = exporter.node(
        "Exp",
        [exporter.node("Min", [factor(side + 2), exporter.number(BoxCoding.largestGrowth)])]
      )
      let half = exporter.node("Div", [exporter.node("Mul", [growth, size]), two])
      let limits = [exporter.number(0), exporter.number(Float(imageSize[1 - side]))]
      low.append(exporter.node("Clip", [exporter.node("Sub", [middle, half])] + limits))
      high.append(exporter.node("Clip", [exporter.node("Add", [middle, half])] + limits))
    }
    return exporter.node("Concat", low + high, attributes)
  }

  /// Whether boxes are at least so wide and high; without the axis of the four numbers if it is the first.
  private mutating func isWide(_ boxes: String, axis: Int, _ side: Float) -> String {
    let edges = exporter.nodes("Split", [boxes], ["axis": .integer(axis)], results: 4)
    let least = exporter.number(side)
    var wide: [String] = []
    for side in 0..<2 {
      let size = exporter.node("Sub", [edges[side + 2], edges[side]])
      wide.append(exporter.node("GreaterOrEqual", [size, least]))
    }
    let both = exporter.node("And", wide)
    return axis == 0 ? exporter.squeezed(both, axis: 0) : both
  }

  private mutating func largest(
    _ x: String,
    _ count: String
  ) -> (values: String, places: String) {
    let results = exporter.nodes("TopK", [x, count], ["axis": .integer(0)], results: 2)
    return (results[0], results[1])
  }

  /// The number of values of a row, or fewer.
  private mutating func atMost(_ count: Int, of row: String) -> String {
    exporter.node("Min", [exporter.node("Shape", [row]), integers([count])])
  }

  private mutating func gather(_ x: String, _ places: String, axis: Int) -> String {
    exporter.node("Gather", [x, places], ["axis": .integer(axis)])
  }

  private mutating func slice(_ x: String, _ start: Int, _ end: Int, axis: Int) -> String {
    exporter.node("Slice", [x, integers([start]), integers([end]), integers([axis])])
  }

  private mutating func integers(_ values: [Int]) -> String {
    exporter.constant(values, "integers")
  }

  private mutating func numbers(_ values: [Float]) -> String {
    exporter.constant(Tensor(values, shape: [values.count]), hint: "numbers")
  }
}
