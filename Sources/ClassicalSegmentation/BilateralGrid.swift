import Foundation
internal import Support

/// Gaussian means over place, and value where wanted, by a coarse grid.
///
/// Paris and Durand 2006, "A fast approximation of the bilateral filter using a signal processing
/// approach": values are spread over the corners of grid cells linearly, the grid is blurred axis by axis,
/// and read linearly. Cells are half a standard deviation, or more where the grid would have more than
/// `mostCells` of them; what spreading and reading blur is taken off the Gaussian's variance. Nothing lies
/// beyond the image. Means are weighted: the sums divided by those of ones.
struct BilateralGrid: Sendable {
  /// A grid has no more cells than this: 128 MB.
  private static let mostCells = 1 << 25

  /// One axis of the grid: the cell before each position, and how far behind it the position lies.
  private struct Axis: Sendable {
    var cells = 1
    var kernel: [Float] = [1]
    var places: [(cell: Int32, share: Float)] = []
  }

  private let image: ClassicalImage
  private var axes: [Axis]
  private let low: Float
  /// Cells for a unit of the image's values; 0 where values do not count.
  private var valueScale: Float
  private let strides: [Int]
  private let cells: Int
  /// One over the sums of ones.
  private var inverse: [Float] = []

  /// Prepares a grid.
  /// - Parameters:
  ///   - image: The image.
  ///   - deviationMM: The standard deviation of distances, mm.
  ///   - valueDeviation: That of differences; nil where values do not count.
  init(_ image: ClassicalImage, deviationMM: Double, valueDeviation: Double?) {
    self.image = image
    let (least, most) = (image.values.min() ?? 0, image.values.max() ?? 0)
    low = least
    var fineness = 2.0
    while true {
      var axes: [Axis] = []
      for axis in 0..<3 {
        axes.append(
          image.size[axis] == 1
            ? Axis(places: [(0, 0)])
            : Self.axis(
              count: image.size[axis],
              spacing: image.spacing[axis],
              deviation: deviationMM,
              fineness: fineness
            )
        )
      }
      var scale: Float = 0
      if let valueDeviation {
        let range = Double(most) - Double(least)
        // No finer than a scale that single precision holds.
        let cell = max(valueDeviation / fineness, range / 256, 1e-37)
        scale = Float(1 / cell)
        var axis = Axis()
        axis.cells = Int(range / cell) + 2
        var spread = 0.0
        for value in image.values {
          let place = (value - least) * scale
          let share = Double(place - place.rounded(.down))
          spread += share * (1 - share)
        }
        axis.kernel = Self.kernel(
          variance: pow(valueDeviation / cell, 2) - 2 * spread / Double(image.count)
        )
        axes.append(axis)
      }
      let cells = axes.reduce(1) { $0 * $1.cells }
      if cells <= Self.mostCells {
        (self.axes, valueScale, self.cells) = (axes, scale, cells)
        break
      }
      fineness *= 0.84
    }
    var strides: [Int] = []
    var stride = 1
    for axis in axes {
      strides.append(stride)
      stride *= axis.cells
    }
    self.strides = strides
    inverse = [Float](repeating: 1, count: image.count)
    inverse = mean(of: inverse).map { 1 / max($0, .leastNormalMagnitude) }
  }

  private static func axis(
    count: Int,
    spacing: Double,
    deviation: Double,
    fineness: Double
  ) -> Axis {
    // A cell a little larger than a voxel would only blur.
    var cell = deviation / fineness
    if cell < 1.5 * spacing { cell = spacing }
    var axis = Axis()
    var spread = 0.0
    for index in 0..<count {
      let place = Double(index) * spacing / cell
      let whole = place.rounded(.down)
      axis.places.append((Int32(whole), Float(place - whole)))
      spread += (place - whole) * (1 - (place - whole))
    }
    axis.cells = Int(axis.places[count - 1].cell) + 2
    axis.kernel = kernel(variance: pow(deviation / cell, 2) - 2 * spread / Double(count))
    return axis
  }

  /// The right half of a Gaussian, cut off at 4 deviations; 1 alone for none.
  private static func kernel(variance: Double) -> [Float] {
    guard variance > 1e-3 else { return [1] }
    return (0...Int((4 * variance.squareRoot()).rounded(.up))).map {
      Float(exp(-0.5 * Double($0 * $0) / variance))
    }
  }

  /// The weighted means of values, one for each voxel.
  ///
  /// Runs on one thread, so that sums have one order; callers take several fields side by side.
  func mean(of field: [Float]) -> [Float] {
    var grid = [Float](repeating: 0, count: cells)
    let corners = axes.count == 4 ? 16 : 8
    grid.withUnsafeMutableBufferPointer { grid in
      forEachVoxel { place, cell, shares in
        for corner in 0..<corners {
          let weight = Self.weight(shares, corner)
          if weight > 0 { grid[cell + offset(corner)] += weight * field[place] }
        }
      }
    }
    for axis in axes.indices where axes[axis].kernel.count > 1 { blur(&grid, axis) }
    var means = [Float](repeating: 0, count: field.count)
    means.withUnsafeMutableBufferPointer { means in
      forEachVoxel { place, cell, shares in
        var sum: Float = 0
        for corner in 0..<corners {
          let weight = Self.weight(shares, corner)
          if weight > 0 { sum += weight * grid[cell + offset(corner)] }
        }
        means[place] = sum * inverse[place]
      }
    }
    return means
  }

  @inline(__always)
  private func offset(_ corner: Int) -> Int {
    var offset = 0
    for axis in axes.indices where corner >> axis & 1 == 1 { offset += strides[axis] }
    return offset
  }

  @inline(__always)
  private static func weight(_ shares: SIMD4<Float>, _ corner: Int) -> Float {
    var weight: Float = 1
    for axis in 0..<4 { weight *= corner >> axis & 1 == 1 ? shares[axis] : 1 - shares[axis] }
    return weight
  }

  /// Calls a body with each voxel, the cell before it, and how far behind that it lies.
  @inline(__always)
  private func forEachVoxel(_ body: (Int, Int, SIMD4<Float>) -> Void) {
    let size = image.size
    var place = 0
    for z in 0..<size.z {
      let (cellZ, shareZ) = axes[2].places[z]
      for y in 0..<size.y {
        let (cellY, shareY) = axes[1].places[y]
        let row = Int(cellZ) * strides[2] + Int(cellY) * strides[1]
        for x in 0..<size.x {
          let (cellX, shareX) = axes[0].places[x]
          var cell = row + Int(cellX)
          var shares = SIMD4(shareX, shareY, shareZ, 0)
          if axes.count == 4 {
            let value = (image.values[place] - low) * valueScale
            let whole = min(value.rounded(.down), Float(axes[3].cells - 2))
            cell += Int(whole) * strides[3]
            shares.w = value - whole
          }
          body(place, cell, shares)
          place += 1
        }
      }
    }
  }

  private func blur(_ grid: inout [Float], _ axis: Int) {
    let (stride, count, kernel) = (strides[axis], axes[axis].cells, axes[axis].kernel)
    var line = [Float](repeating: 0, count: count)
    grid.withUnsafeMutableBufferPointer { grid in
      for block in 0..<grid.count / (stride * count) {
        for column in 0..<stride {
          let start = block * stride * count + column
          for index in 0..<count { line[index] = grid[start + index * stride] }
          for index in 0..<count {
            var sum = kernel[0] * line[index]
            for step in 1..<kernel.count {
              if index >= step { sum += kernel[step] * line[index - step] }
              if index + step < count { sum += kernel[step] * line[index + step] }
            }
            grid[start + index * stride] = sum
          }
        }
      }
    }
  }
}
