import Foundation
import Support

/// Holes that are made into clean images, to learn from and to measure with.
public struct HolePattern: Codable, Sendable, Equatable {
  /// Their shape.
  public enum Shape: String, Codable, Sendable, CaseIterable {
    /// One rectangle.
    case block
    /// Rectangles of a sixth to a third of the sides, which may overlap.
    case blocks
    /// Thick strokes that wander.
    case strokes
  }

  /// The holes' shape.
  public var shape: Shape
  /// The share of the pixels that is hidden, above 0 and below 1.
  public var share: Double

  /// Creates a pattern.
  /// - Parameters:
  ///   - shape: The holes' shape.
  ///   - share: The share of the pixels that is hidden, above 0 and below 1.
  public init(_ shape: Shape = .blocks, share: Double = 0.25) {
    (self.shape, self.share) = (shape, share)
  }

  /// Draws holes.
  /// - Parameters:
  ///   - height: Rows.
  ///   - width: Columns.
  ///   - random: The stream to draw from.
  /// - Returns: Whether each pixel is hidden: the share of them, to the pixel, at least one and never all.
  ///   One rectangle may miss the share by less than a row.
  /// - Precondition: At least two pixels.
  public func hidden(height: Int, width: Int, _ random: inout RandomStream) -> [Bool] {
    let area = height * width
    precondition(area > 1, "holes in an image of one pixel")
    let wanted = min(area - 1, max(1, Int((share * Double(area)).rounded())))
    var result = [Bool](repeating: false, count: area)
    var count = 0
    func hide(_ y: Int, _ x: Int) {
      let place = y * width + x
      guard count < wanted, !result[place] else { return }
      result[place] = true
      count += 1
    }
    switch shape {
    case .block:
      // Rows and columns of the rectangle, up to twice as long as wide.
      let stretch = pow(2, random.uniform(in: -0.5..<0.5))
      let ideal =
        (Double(wanted) * stretch).squareRoot() * Double(height) / Double(area).squareRoot()
      let rows = min(height, max((wanted + width - 1) / width, Int(ideal.rounded()), 1))
      let columns = min(width, max(1, (wanted + rows - 1) / rows))
      let (top, left) = (
        Int(random.uniform() * Double(height - rows + 1)),
        Int(random.uniform() * Double(width - columns + 1))
      )
      for y in top..<top + rows { for x in left..<left + columns { hide(y, x) } }
    case .blocks:
      while count < wanted {
        let rows = max(1, Int(Double(height) * random.uniform(in: 1.0 / 6..<1.0 / 3)))
        let columns = max(1, Int(Double(width) * random.uniform(in: 1.0 / 6..<1.0 / 3)))
        let top = Int(random.uniform() * Double(height - rows + 1))
        let left = Int(random.uniform() * Double(width - columns + 1))
        for y in top..<top + rows { for x in left..<left + columns { hide(y, x) } }
      }
    case .strokes:
      let radius = max(1, 0.04 * Double(min(height, width)))
      while count < wanted {
        var place = SIMD2(
          random.uniform() * Double(width),
          random.uniform() * Double(height)
        )
        var angle = random.uniform() * 2 * .pi
        let steps = Int(Double(max(height, width)) * random.uniform(in: 0.3..<1))
        for _ in 0..<max(1, steps) where count < wanted {
          for y in Int(place.y - radius)...Int(place.y + radius) {
            for x in Int(place.x - radius)...Int(place.x + radius)
            where (0..<height).contains(y) && (0..<width).contains(x) {
              let distance = SIMD2(Double(x), Double(y)) - place
              if (distance * distance).sum() <= radius * radius { hide(y, x) }
            }
          }
          angle += random.uniform(in: -0.5..<0.5)
          place += SIMD2(cos(angle), sin(angle))
        }
      }
    }
    return result
  }

  /// The pattern in words.
  public var words: String {
    let what =
      switch shape {
      case .block: "one rectangle"
      case .blocks: "rectangles of a sixth to a third of the sides"
      case .strokes: "strokes"
      }
    return "\((1000 * share).rounded() / 10) % hidden by \(what)"
  }
}
