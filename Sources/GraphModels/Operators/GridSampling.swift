import Foundation
import Tensors

/// Sampling of images at points that another tensor gives.
struct GridSampling {
  private let x: Tensor
  private let grid: Tensor
  private let mode: String
  private let padding: String
  private let alignsCorners: Bool

  init(_ context: NodeContext) throws {
    x = try context.numbers(0)
    grid = try context.numbers(1)
    let (x, grid) = (x, grid)
    try context.require(
      (4...5).contains(x.rank) && grid.rank == x.rank && grid.shape[0] == x.shape[0]
        && grid.shape.last == x.rank - 2 && x.count > 0 && grid.count > 0,
      "the grid \(grid.shape) for \(x.shape)"
    )
    mode = try context.text("mode", "linear")
    padding = try context.text("padding_mode", "zeros")
    alignsCorners = try context.flag("align_corners", false)
    guard ["linear", "bilinear", "nearest", "cubic", "bicubic"].contains(mode),
      ["zeros", "border", "reflection"].contains(padding)
    else { throw context.unsupported("the mode \(mode) with \(padding)") }
  }

  func result() -> Tensor {
    let isCubic = mode.hasSuffix("cubic")
    if !isCubic, padding != "reflection" {
      return gridSampled(
        x,
        grid: grid,
        interpolation: mode == "nearest" ? .nearest : .linear,
        padding: padding == "zeros" ? .zeros : .border,
        alignCorners: alignsCorners
      )
    }
    let shape = Array(x.shape.prefix(2)) + grid.shape[1..<grid.rank - 1]
    let (input, plan) = (x.shape, self)
    return ElementMaps.compute("grid-sample", [x, grid], shape: shape) { values in
      plan.sampled(values[0], values[1], input, shape)
    }
  }

  private func sampled(
    _ x: [Float],
    _ grid: [Float],
    _ input: [Int],
    _ shape: [Int]
  ) -> [Float] {
    let size = Array(input.dropFirst(2))
    let (axes, cells, points) = (
      size.count, size.reduce(1, *), shape.dropFirst(2).reduce(1, *)
    )
    let steps = ElementMaps.steps(size)
    var result = [Float](repeating: 0, count: shape.reduce(1, *))
    for sample in 0..<shape[0] {
      for point in 0..<points {
        // For each axis the cells that count; nil outside of a zero padding.
        var taps: [[(Int?, Double)]] = []
        for axis in 0..<axes {
          // The first coordinate runs along the last axis.
          let number = Double(grid[(sample * points + point) * axes + axes - 1 - axis])
          let count = Double(size[axis])
          let place =
            alignsCorners ? (number + 1) / 2 * (count - 1) : ((number + 1) * count - 1) / 2
          taps.append(axisTaps(place, size[axis]))
        }
        ElementMaps.forEachIndex(taps.map(\.count)) { choice in
          var (weight, from) = (1.0, 0)
          for axis in 0..<axes {
            let (cell, part) = taps[axis][choice[axis]]
            guard let cell else { return }
            weight *= part
            from += cell * steps[axis]
          }
          for channel in 0..<shape[1] {
            let plane = sample * shape[1] + channel
            result[plane * points + point] += Float(weight) * x[plane * cells + from]
          }
        }
      }
    }
    return result
  }

  private func axisTaps(_ place: Double, _ count: Int) -> [(Int?, Double)] {
    guard place.isFinite, abs(place) < 1e9 else { return [(nil, 0)] }
    if mode == "nearest" {
      return [(cell(Int(inside(place, count).rounded(.toNearestOrEven)), count), 1)]
    }
    if !mode.hasSuffix("cubic") {
      let moved = inside(place, count)
      let low = moved.rounded(.down)
      return [(cell(Int(low), count), 1 - (moved - low)), (cell(Int(low) + 1, count), moved - low)]
    }
    // Cubic interpolation moves its cells inside one by one.
    let (low, a) = (place.rounded(.down), -0.75)
    return (-1...2).map { offset in
      let d = abs(place - low - Double(offset))
      let weight =
        d <= 1
        ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
      return (cell(Int(inside(low + Double(offset), count)), count), weight)
    }
  }

  private func cell(_ index: Int, _ count: Int) -> Int? {
    if (0..<count).contains(index) { return index }
    return padding == "zeros" ? nil : min(max(index, 0), count - 1)
  }

  /// A place moved into the image, as the padding says.
  private func inside(_ place: Double, _ count: Int) -> Double {
    switch padding {
    case "border": return min(max(place, 0), Double(count - 1))
    case "reflection":
      let (low, high) = alignsCorners ? (0, Double(count - 1)) : (-0.5, Double(count) - 0.5)
      let span = high - low
      if span <= 0 { return 0 }
      let distance = abs(place - low).truncatingRemainder(dividingBy: 2 * span)
      let moved = low + (distance > span ? 2 * span - distance : distance)
      return min(max(moved, 0), Double(count - 1))
    default: return place
    }
  }
}

/// Means or maxima of bilinear samples in the cells of regions of feature maps.
///
/// He et al. 2017, "Mask R-CNN", section 3.
struct RegionAlignment {
  private let x: Tensor
  private let regions: Tensor
  private let batches: Tensor
  private let size: (height: Int, width: Int)
  private let ratio: Int
  private let scale: Double
  private let isMaximum: Bool
  private let offset: Double

  init(_ context: NodeContext) throws {
    x = try context.numbers(0)
    regions = try context.numbers(1)
    batches = try context.numbers(2)
    let (x, regions, batches) = (x, regions, batches)
    size = (try context.integer("output_height", 1), try context.integer("output_width", 1))
    ratio = try context.integer("sampling_ratio", 0)
    scale = Double(try context.number("spatial_scale", 1))
    isMaximum = try context.text("mode", "avg") == "max"
    let mode = try context.text(
      "coordinate_transformation_mode",
      context.opset < 16 ? "output_half_pixel" : "half_pixel"
    )
    offset = mode == "half_pixel" ? 0.5 : 0
    try context.require(
      x.rank == 4 && x.count > 0 && regions.rank == 2 && regions.shape[1] == 4
        && batches.shape == [regions.shape[0]] && (1...4096).contains(size.height)
        && (1...4096).contains(size.width) && (0...64).contains(ratio),
      "regions \(regions.shape) of \(x.shape)"
    )
    _ = try context.bounded([regions.shape[0], x.shape[1], size.height, size.width])
  }

  func result() -> Tensor {
    let shape = [regions.shape[0], x.shape[1], size.height, size.width]
    let (input, plan) = (x.shape, self)
    return ElementMaps.compute("region-align", [x, regions, batches], shape: shape) { values in
      plan.aligned(values, input, shape)
    }
  }

  private func aligned(_ values: [[Float]], _ input: [Int], _ shape: [Int]) -> [Float] {
    let (channels, height, width) = (input[1], input[2], input[3])
    var result = [Float](repeating: 0, count: shape.reduce(1, *))
    for region in 0..<shape[0] {
      let batch = Indices.inside(values[2][region], input[0])
      let box = (0..<4).map { Double(values[1][region * 4 + $0]) * scale - offset }
      var (w, h) = (box[2] - box[0], box[3] - box[1])
      if offset == 0 { (w, h) = (max(w, 1), max(h, 1)) }
      let (cellHeight, cellWidth) = (h / Double(size.height), w / Double(size.width))
      func samples(_ cell: Double) -> Int {
        ratio > 0 ? ratio : min(4096, max(1, Int(max(0, min(4096, cell.rounded(.up))))))
      }
      let (rows, columns) = (samples(cellHeight), samples(cellWidth))
      for y in 0..<size.height {
        for x in 0..<size.width {
          for channel in 0..<channels {
            let plane = (batch * channels + channel) * height * width
            var (sum, largest) = (0.0, -Double.infinity)
            for row in 0..<rows {
              for column in 0..<columns {
                let py = box[1] + (Double(y) + (Double(row) + 0.5) / Double(rows)) * cellHeight
                let px = box[0] + (Double(x) + (Double(column) + 0.5) / Double(columns)) * cellWidth
                let (mean, peak) = sample(values[0], plane, height, width, py, px)
                sum += mean
                largest = max(largest, peak)
              }
            }
            let place = ((region * channels + channel) * size.height + y) * size.width + x
            result[place] = Float(isMaximum ? largest : sum / Double(rows * columns))
          }
        }
      }
    }
    return result
  }

  /// The bilinear sample, and the largest of its four weighted parts.
  private func sample(
    _ x: [Float],
    _ plane: Int,
    _ height: Int,
    _ width: Int,
    _ py: Double,
    _ px: Double
  ) -> (Double, Double) {
    guard py >= -1, py <= Double(height), px >= -1, px <= Double(width) else { return (0, 0) }
    func split(_ place: Double, _ count: Int) -> (Int, Int, Double) {
      let inside = max(place, 0)
      let low = Int(inside)
      if low >= count - 1 { return (count - 1, count - 1, 0) }
      return (low, low + 1, inside - Double(low))
    }
    let (y0, y1, ty) = split(py, height)
    let (x0, x1, tx) = split(px, width)
    func at(_ y: Int, _ x1: Int) -> Double { Double(x[plane + y * width + x1]) }
    let parts = [
      (1 - ty) * (1 - tx) * at(y0, x0), (1 - ty) * tx * at(y0, x1), ty * (1 - tx) * at(y1, x0),
      ty * tx * at(y1, x1),
    ]
    return (parts.reduce(0, +), parts.max() ?? 0)
  }
}
