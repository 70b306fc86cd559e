import Foundation
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

  /// Scores of a slice of the target, `[class][row][column]`.
  func interpolated(_ lower: [Float], _ upper: [Float], weight: Float) -> [Float] {
    let plane = source.x * source.y
    var result: [Float] = []
    result.reserveCapacity(classes * target.x * target.y)
    var blended = [Float](repeating: 0, count: plane)
    for c in 0..<classes {
      for pixel in 0..<plane {
        let a = lower[c * plane + pixel]
        blended[pixel] = weight == 0 ? a : a + weight * (upper[c * plane + pixel] - a)
      }
      for row in rows {
        let (top, bottom) = (row.lower * source.x, row.upper * source.x)
        for column in columns {
          let a = blended[top + column.lower]
          let b = blended[top + column.upper]
          let d = blended[bottom + column.lower]
          let e = blended[bottom + column.upper]
          let upperRow = a + column.weight * (b - a)
          let lowerRow = d + column.weight * (e - d)
          result.append(upperRow + row.weight * (lowerRow - upperRow))
        }
      }
    }
    return result
  }

  /// The class of the largest score for each pixel; the first of equals wins.
  /// - Parameter scores: `[class][row][column]` of a slice of the target.
  /// - Returns: `[row][column]`.
  func winners(_ scores: [Float]) -> [UInt8] {
    let plane = target.x * target.y
    var best = [Float](repeating: -.infinity, count: plane)
    var winner = [UInt8](repeating: 0, count: plane)
    for c in 0..<classes {
      for pixel in 0..<plane where scores[c * plane + pixel] > best[pixel] {
        best[pixel] = scores[c * plane + pixel]
        winner[pixel] = UInt8(c)
      }
    }
    return winner
  }

  /// Scores as probabilities that sum to 1 over the classes of each pixel.
  /// - Parameter scores: `[class][row][column]` of a slice of the target.
  /// - Returns: The same order.
  func softmax(_ scores: [Float]) -> [Float] {
    let plane = target.x * target.y
    var result = scores
    for pixel in 0..<plane {
      var largest = -Float.infinity
      for c in 0..<classes { largest = max(largest, scores[c * plane + pixel]) }
      var sum: Float = 0
      for c in 0..<classes {
        let power = exp(scores[c * plane + pixel] - largest)
        result[c * plane + pixel] = power
        sum += power
      }
      for c in 0..<classes { result[c * plane + pixel] /= sum }
    }
    return result
  }
}
