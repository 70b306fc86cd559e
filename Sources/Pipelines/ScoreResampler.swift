import Imaging

/// Interpolates score planes from the network's grid to the scan's, and picks the winner.
///
/// Both grids share their axes, so that interpolation is separable; beyond the outer slices and
/// pixels the nearest counts.
struct ScoreResampler {
  private let classes: Int
  private let source: SIMD3<Int>
  private let target: SIMD3<Int>
  private let columns: [Neighbours]
  private let rows: [Neighbours]
  private let slices: [Neighbours]

  struct Neighbours {
    let lower: Int
    let upper: Int
    /// The share of `upper`.
    let weight: Float
  }

  init(from grid: ImageGeometry, to target: ImageGeometry, classes: Int) {
    self.classes = classes
    source = grid.size
    self.target = target.size
    let start = grid.index(ofPosition: target.origin)
    let step = target.spacing / grid.spacing
    func neighbours(_ axis: Int) -> [Neighbours] {
      (0..<target.size[axis]).map { index in
        let last = Double(grid.size[axis] - 1)
        // Equal grids differ by rounding only; whole numbers keep their slice alone.
        let exact = start[axis] + Double(index) * step[axis]
        let rounded = exact.rounded()
        let place = min(max(abs(exact - rounded) < 1e-6 ? rounded : exact, 0), last)
        let lower = Int(place.rounded(.down))
        let weight = Float(place - Double(lower))
        return Neighbours(lower: lower, upper: weight > 0 ? lower + 1 : lower, weight: weight)
      }
    }
    columns = neighbours(0)
    rows = neighbours(1)
    slices = neighbours(2)
  }

  func neighbours(of slice: Int) -> (lower: Int, upper: Int, weight: Float) {
    (slices[slice].lower, slices[slice].upper, slices[slice].weight)
  }

  /// The class of the largest score for each pixel of the target slice; the first of equals wins.
  func winners(_ lower: [Float], _ upper: [Float], weight: Float) -> [UInt8] {
    let plane = source.x * source.y
    var best = [Float](repeating: -.infinity, count: target.x * target.y)
    var winner = [UInt8](repeating: 0, count: target.x * target.y)
    var blended = [Float](repeating: 0, count: plane)
    for c in 0..<classes {
      for pixel in 0..<plane {
        let a = lower[c * plane + pixel]
        blended[pixel] = weight == 0 ? a : a + weight * (upper[c * plane + pixel] - a)
      }
      for (y, row) in rows.enumerated() {
        let (top, bottom) = (row.lower * source.x, row.upper * source.x)
        for (x, column) in columns.enumerated() {
          let a = blended[top + column.lower]
          let b = blended[top + column.upper]
          let d = blended[bottom + column.lower]
          let e = blended[bottom + column.upper]
          let upperRow = a + column.weight * (b - a)
          let lowerRow = d + column.weight * (e - d)
          let score = upperRow + row.weight * (lowerRow - upperRow)
          if score > best[y * target.x + x] {
            best[y * target.x + x] = score
            winner[y * target.x + x] = UInt8(c)
          }
        }
      }
    }
    return winner
  }
}
