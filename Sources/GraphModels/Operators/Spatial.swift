import Foundation
import Tensors

extension GraphOperator {
  private static let resizeAttributes: Set<String> = [
    "antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside",
    "extrapolation_value", "keep_aspect_ratio_policy", "mode", "nearest_mode",
  ]

  static let spatial: [GraphOperator] = [
    GraphOperator("Resize", 1...4, resizeAttributes) { context in
      let resizing = try Resizing(context)
      return [GraphValue(try context.operand(0).type, try resizing.result(context))]
    },
    GraphOperator("Upsample", 1...2, ["mode", "scales", "height_scale", "width_scale"]) { context in
      let x = try context.numbers(0)
      let scales = try context.numberList("scales") ?? context.knownNumbers(1)
      let resizing = try Resizing(upsampling: context, x.shape, scales)
      return [GraphValue(try context.operand(0).type, try resizing.result(context))]
    },
    GraphOperator("Pad", 1...4, ["mode", "pads", "value", "paddings"]) { context in
      try pad(context)
    },
    GraphOperator("AffineGrid", 2...2, ["align_corners"]) { context in
      let (theta, size) = (try context.numbers(0), try context.integers(1))
      let axes = size.count - 2
      try context.require(
        (2...3).contains(axes) && theta.shape == [size[0], axes, axes + 1]
          && size.allSatisfy { (1...1 << 20).contains($0) },
        "matrices \(theta.shape) for the size \(size)"
      )
      let output = Array(size.dropFirst(2))
      let points = try context.bounded(output + [axes + 1])
      try context.require(points.reduce(1, *) <= 1 << 26, "a grid of \(output)")
      let isAligned = try context.flag("align_corners", false)
      // Places of −1 to 1, the last axis first, and a 1 for the shift.
      var places: [Float] = []
      ElementMaps.forEachIndex(output) { cell in
        for axis in cell.indices.reversed() {
          let (index, count) = (Float(cell[axis]), Float(output[axis]))
          places.append(
            isAligned
              ? (count == 1 ? 0 : -1 + 2 * index / (count - 1)) : (2 * index + 1) / count - 1
          )
        }
        places.append(1)
      }
      let base = Tensor(places, shape: [points.dropLast().reduce(1, *), axes + 1])
      let result = matrixProduct(base, theta.transposed(1, 2))
      return [
        GraphValue(try context.operand(0).type, result.reshaped([size[0]] + output + [axes]))
      ]
    },
    GraphOperator("GridSample", 2...2, ["align_corners", "mode", "padding_mode"]) { context in
      let type = try context.operand(0).type
      return [GraphValue(type, try GridSampling(context).result())]
    },
    GraphOperator(
      "RoiAlign",
      3...3,
      [
        "coordinate_transformation_mode", "mode", "output_height", "output_width",
        "sampling_ratio", "spatial_scale",
      ]
    ) { context in
      [GraphValue(try context.operand(0).type, try RegionAlignment(context).result())]
    },
  ]

  private static func pad(_ context: NodeContext) throws -> [GraphValue] {
    let x = try context.operand(0)
    let mode = try context.text("mode", "constant")
    let given =
      try context.integerList("pads") ?? context.integerList("paddings") ?? context.integers(1)
    let axes = try (try context.optionalIntegers(3) ?? Array(0..<x.rank)).map {
      try context.axis($0, rank: x.rank)
    }
    try context.require(
      given.count == 2 * axes.count && given.allSatisfy { (-(1 << 30)...1 << 30).contains($0) }
        && Set(axes).count == axes.count,
      "\(given) cells around the axes \(axes) of \(x.shape)"
    )
    var (before, after) = (x.shape.map { _ in 0 }, x.shape.map { _ in 0 })
    for (place, axis) in axes.enumerated() {
      (before[axis], after[axis]) = (given[place], given[axes.count + place])
    }
    let shape = x.shape.indices.map { x.shape[$0] + before[$0] + after[$0] }
    _ = try context.bounded(shape)
    var fill: Float = 0
    if context.opset < 11 {
      fill = try context.number("value", 0)
    } else if context.optional(2) != nil {
      fill = try context.knownNumbers(2).first ?? 0
    }
    if shape == x.shape, before.allSatisfy({ $0 == 0 }) { return [x] }
    if shape.contains(0) { return [GraphValue(x.type, Tensor([], shape: shape))] }
    if x.count == 0 { return [GraphValue(x.type, Tensor(repeating: fill, shape: shape))] }
    // Images in the engine's own way; anything else as an image of all axes.
    let isImage = x.rank >= 3 && before[0] == 0 && before[1] == 0 && after[0] == 0 && after[1] == 0
    let isWhole = (before + after).allSatisfy { $0 >= 0 }
    if mode == "constant", isImage, isWhole {
      let result = padded(
        x.tensor,
        before: Array(before.dropFirst(2)),
        after: Array(after.dropFirst(2)),
        mode: .constant(fill)
      )
      return [GraphValue(x.type, result)]
    }
    let taps = try x.shape.indices.map { axis -> [[AxisTap]] in
      let count = x.shape[axis]
      return try (-before[axis]..<count + after[axis]).map { cell in
        try source(cell, count, mode, context).map { [AxisTap(source: $0, weight: 1)] } ?? []
      }
    }
    return [
      GraphValue(
        x.type,
        mapped("pad", x.tensor, taps: taps, fill: mode == "constant" ? fill : 0)
      )
    ]
  }

  /// The cell that stands at a place in or outside of an axis; nil for the constant.
  private static func source(
    _ cell: Int,
    _ count: Int,
    _ mode: String,
    _ context: NodeContext
  ) throws -> Int? {
    if (0..<count).contains(cell) { return cell }
    switch mode {
    case "constant": return nil
    case "edge": return min(max(cell, 0), count - 1)
    case "wrap": return (cell % count + count) % count
    case "reflect":
      if count == 1 { return 0 }
      let period = 2 * (count - 1)
      let place = (cell % period + period) % period
      return min(place, period - place)
    default: throw context.unsupported("the mode \(mode)")
    }
  }

  /// Applies maps to all axes of a tensor, as few as possible of them as spatial ones.
  static func mapped(_ name: String, _ x: Tensor, taps: [[[AxisTap]]], fill: Float = 0) -> Tensor {
    func isIdentity(_ axis: Int) -> Bool {
      taps[axis].count == x.shape[axis]
        && taps[axis].enumerated().allSatisfy {
          $0.element == [AxisTap(source: $0.offset, weight: 1)]
        }
    }
    if x.rank >= 3, isIdentity(0), isIdentity(1) {
      return mappedAlongAxes(name, x, taps: Array(taps.dropFirst(2)), fill: fill)
    }
    return mappedAlongAxes(name, x.reshaped([1, 1] + x.shape), taps: taps, fill: fill)
      .reshaped(taps.map(\.count))
  }
}
