import Foundation
import Tensors

/// How a tensor is resized: by a rule along each axis.
struct Resizing {
  private var mode: String
  private var coordinates = "half_pixel"
  private var nearest = "round_prefer_floor"
  private var cubic = -0.75
  private var excludesOutside = false
  private var smooths = false
  private var fill: Float = 0
  private let x: Tensor
  private var size: [Int]
  private var scales: [Double]
  /// Start and end of each axis in units of its length, for cropping.
  private var region: [(start: Double, end: Double)]

  /// The operator Resize of version 10 and later.
  init(_ context: NodeContext) throws {
    x = try context.numbers(0)
    let x = x
    try context.require(x.count > 0, "the input is empty")
    mode = try context.text("mode", "nearest")
    let isOld = context.opset < 11
    if isOld {
      coordinates = "asymmetric"
      nearest = "floor"
    } else {
      coordinates = try context.text("coordinate_transformation_mode", "half_pixel")
      nearest = try context.text("nearest_mode", "round_prefer_floor")
      cubic = Double(try context.number("cubic_coeff_a", -0.75))
      excludesOutside = try context.flag("exclude_outside", false)
      fill = try context.number("extrapolation_value", 0)
      smooths = try context.flag("antialias", false)
    }
    let axes = try (try context.integerList("axes") ?? Array(0..<x.rank)).map {
      try context.axis($0, rank: x.rank)
    }
    size = x.shape
    scales = x.shape.map { _ in 1 }
    region = x.shape.map { _ in (0, 1) }
    let scalePlace = isOld ? 1 : 2
    let given = context.optional(scalePlace) == nil ? [] : try context.knownNumbers(scalePlace)
    let sizes = isOld ? [] : try context.optionalIntegers(3) ?? []
    if !sizes.isEmpty {
      try context.require(
        sizes.count == axes.count && sizes.allSatisfy { (1...1 << 31).contains($0) },
        "sizes \(sizes) of \(axes.count) axes"
      )
      let policy = try context.text("keep_aspect_ratio_policy", "stretch")
      if policy == "stretch" {
        for (place, axis) in axes.enumerated() {
          size[axis] = sizes[place]
          scales[axis] = Double(sizes[place]) / Double(x.shape[axis])
        }
      } else {
        let ratios = axes.indices.map { Double(sizes[$0]) / Double(x.shape[axes[$0]]) }
        let ratio = (policy == "not_larger" ? ratios.min() : ratios.max()) ?? 1
        for axis in axes {
          size[axis] = Int((ratio * Double(x.shape[axis])).rounded(.toNearestOrAwayFromZero))
          scales[axis] = ratio
        }
      }
    } else {
      try context.require(
        given.count == axes.count && given.allSatisfy { $0 > 1e-6 && $0 < 1e6 },
        "scales \(given) of \(axes.count) axes"
      )
      for (place, axis) in axes.enumerated() {
        scales[axis] = Double(given[place])
        size[axis] = Int((Double(x.shape[axis]) * Double(given[place])).rounded(.down))
      }
    }
    if coordinates == "tf_crop_and_resize" {
      let roi = try context.knownNumbers(1)
      try context.require(
        roi.count == 2 * axes.count && roi.allSatisfy { abs($0) < 1e6 },
        "a region of \(roi)"
      )
      for (place, axis) in axes.enumerated() {
        region[axis] = (Double(roi[place]), Double(roi[axes.count + place]))
      }
    }
    try check(context)
  }

  /// The operator Upsample of versions 7 to 9.
  init(upsampling context: NodeContext, _ shape: [Int], _ scales: [Float]) throws {
    x = try context.numbers(0)
    mode = try context.text("mode", "nearest")
    coordinates = "asymmetric"
    nearest = "floor"
    try context.require(
      scales.count == shape.count && scales.allSatisfy { $0 >= 1 && $0 < 1e6 } && x.count > 0,
      "scales \(scales) of \(shape)"
    )
    self.scales = scales.map { Double($0) }
    size = zip(shape, scales).map { Int((Double($0) * Double($1)).rounded(.down)) }
    region = shape.map { _ in (0, 1) }
    try check(context)
  }

  private func check(_ context: NodeContext) throws {
    _ = try context.bounded(size)
    try context.require(size.allSatisfy { $0 > 0 }, "the result would have the size \(size)")
    guard
      [
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
        "tf_crop_and_resize", "tf_half_pixel_for_nn",
      ].contains(coordinates)
    else { throw context.unsupported("the coordinates \(coordinates)") }
    guard ["nearest", "linear", "cubic", "bilinear", "trilinear"].contains(mode) else {
      throw context.unsupported("the mode \(mode)")
    }
    guard ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].contains(nearest) else {
      throw context.unsupported("the nearest mode \(nearest)")
    }
  }

  func result(_ context: NodeContext) throws -> Tensor {
    if size == x.shape, coordinates != "tf_crop_and_resize" { return x }
    let taps = x.shape.indices.map { axis in (0..<size[axis]).map { self.taps(axis, $0) } }
    // Whole factors of the nearest cell are what plans have a kernel for.
    let input = x.shape
    let isRepetition =
      (4...5).contains(input.count) && size[0] == input[0] && size[1] == input[1]
      && input.indices.allSatisfy { axis in
        size[axis] % input[axis] == 0
          && taps[axis].enumerated().allSatisfy {
            $0.element
              == [AxisTap(source: $0.offset / (size[axis] / input[axis]), weight: 1)]
          }
      }
    if isRepetition {
      return upsampled(x, to: Array(size.dropFirst(2)), interpolation: .nearest)
    }
    return GraphOperator.mapped("resize", x, taps: taps, fill: fill)
  }

  /// Where the centre of an output cell lies among the input cells.
  private func place(_ axis: Int, _ cell: Int) -> Double {
    let (input, output, scale) = (Double(x.shape[axis]), Double(size[axis]), scales[axis])
    let index = Double(cell)
    switch coordinates {
    case "align_corners": return size[axis] == 1 ? 0 : index * (input - 1) / (output - 1)
    case "asymmetric": return index / scale
    case "pytorch_half_pixel": return size[axis] > 1 ? (index + 0.5) / scale - 0.5 : 0
    case "tf_half_pixel_for_nn": return (index + 0.5) / scale
    case "half_pixel_symmetric":
      // The result lies in the middle of what its size would be without rounding.
      let adjustment = output / (scale * input)
      let offset = input / 2 * (1 - adjustment)
      return offset + (index + 0.5) / scale - 0.5
    case "tf_crop_and_resize":
      let (start, end) = region[axis]
      return size[axis] > 1
        ? start * (input - 1) + index * (end - start) * (input - 1) / (output - 1)
        : 0.5 * (start + end) * (input - 1)
    default: return (index + 0.5) / scale - 0.5
    }
  }

  private func taps(_ axis: Int, _ cell: Int) -> [AxisTap] {
    let count = x.shape[axis]
    // An axis of the same size stays, whatever the rule.
    if size[axis] == count, coordinates != "tf_crop_and_resize", scales[axis] == 1 {
      return [AxisTap(source: cell, weight: 1)]
    }
    let center = place(axis, cell)
    if coordinates == "tf_crop_and_resize", center < 0 || center > Double(count - 1) { return [] }
    var taps: [AxisTap]
    switch mode {
    case "nearest": taps = [AxisTap(source: nearestCell(center), weight: 1)]
    case "cubic": taps = weighted(axis, center, reach: 2, kernel: cubicWeight)
    default: taps = weighted(axis, center, reach: 1) { max(0, 1 - abs($0)) }
    }
    if excludesOutside, mode != "nearest" {
      taps = taps.map { tap in
        (0..<count).contains(tap.source) ? tap : AxisTap(source: tap.source, weight: 0)
      }
      let total = taps.reduce(0) { $0 + $1.weight }
      if total != 0 { taps = taps.map { AxisTap(source: $0.source, weight: $0.weight / total) } }
    }
    var merged: [AxisTap] = []
    for tap in taps where tap.weight != 0 {
      let source = min(max(tap.source, 0), count - 1)
      if let index = merged.firstIndex(where: { $0.source == source }) {
        merged[index].weight += tap.weight
      } else {
        merged.append(AxisTap(source: source, weight: tap.weight))
      }
    }
    return merged
  }

  private func nearestCell(_ place: Double) -> Int {
    switch nearest {
    case "floor": return Int(place.rounded(.down))
    case "ceil": return Int(place.rounded(.up))
    case "round_prefer_ceil": return Int((place + 0.5).rounded(.down))
    default: return Int((place - 0.5).rounded(.up))
    }
  }

  /// The cells around a place, weighted by a kernel that is wider where smoothing shrinks.
  private func weighted(
    _ axis: Int,
    _ center: Double,
    reach: Double,
    kernel: (Double) -> Double
  ) -> [AxisTap] {
    let scale = smooths ? min(1, scales[axis]) : 1
    let radius = reach / scale
    let first = Int((center - radius).rounded(.down)) + 1
    let last = Int((center + radius).rounded(.up)) - 1
    var taps = (first...max(first, last)).map { source in
      AxisTap(source: source, weight: kernel((Double(source) - center) * scale))
    }
    let total = taps.reduce(0) { $0 + $1.weight }
    if scale != 1, total != 0 {
      taps = taps.map { AxisTap(source: $0.source, weight: $0.weight / total) }
    }
    return taps
  }

  /// Keys's cubic convolution (1981, equation 4).
  private func cubicWeight(_ distance: Double) -> Double {
    let (a, d) = (cubic, abs(distance))
    if d <= 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0
  }
}
