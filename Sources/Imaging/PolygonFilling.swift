/// Fills closed polygons on a grid of pixels by the pixels' centres.
///
/// A pixel is inside when its centre is inside by the even-odd rule over all polygons together, so
/// that an inner polygon cuts a hole, or when it lies on a polygon: programs that put points on the
/// centres of border pixels (as OpenCV's `findContours` does) count these pixels as inside.
package struct PolygonFilling: Sendable {
  /// Pixels of a row.
  package let width: Int
  /// Rows.
  package let height: Int

  /// How near to a centre a polygon must pass to count as on it, pixels.
  ///
  /// Rounded directions and positions of headers move points by up to a thousandth of a pixel or so.
  package static let tolerance = 0.005

  /// Pixels of a row from `start` up to, but not including, `end`.
  package struct Run: Equatable, Sendable {
    /// The row.
    package var row: Int
    /// The first pixel.
    package var start: Int
    /// The pixel after the last.
    package var end: Int

    /// Creates a run.
    package init(row: Int, start: Int, end: Int) {
      self.row = row
      self.start = start
      self.end = end
    }
  }

  /// Creates a filling.
  /// - Parameters:
  ///   - width: Pixels of a row, at least 1.
  ///   - height: Rows, at least 1.
  package init(width: Int, height: Int) {
    precondition(width > 0 && height > 0, "a grid of \(width) x \(height) pixels")
    self.width = width
    self.height = height
  }

  /// The pixels inside polygons.
  /// - Parameter polygons: Points in continuous pixel indices, (0, 0) being the centre of the first
  ///   pixel; the last is joined to the first. Parts outside the grid count as they should; polygons
  ///   with a point that is not finite are left out.
  /// - Returns: Runs by row and start, none touching another.
  /// - Complexity: Points times the rows that their edges cross, and the polygons' bounding box.
  package func runs(_ polygons: [[SIMD2<Double>]]) -> [Run] {
    let polygons = polygons.filter { polygon in
      !polygon.isEmpty && polygon.allSatisfy { $0.x.isFinite && $0.y.isFinite }
    }
    var low = SIMD2<Double>(repeating: .infinity)
    var high = -low
    for polygon in polygons {
      for point in polygon {
        low = pointwiseMin(low, point)
        high = pointwiseMax(high, point)
      }
    }
    let size = SIMD2(Double(width), Double(height))
    let first = pointwiseMax((low - Self.tolerance).rounded(.up), .zero)
    let last = pointwiseMin((high + Self.tolerance).rounded(.down), size - 1)
    guard first.x <= last.x, first.y <= last.y else { return [] }
    var box = FillBox(
      x: Int(first.x)..<Int(last.x) + 1,
      y: Int(first.y)..<Int(last.y) + 1
    )
    for polygon in polygons {
      var start = polygon[polygon.count - 1]
      for end in polygon {
        box.cross(start, end)
        box.touch(start, end)
        start = end
      }
    }
    return box.runs()
  }
}

/// The part of the grid that polygons reach.
private struct FillBox {
  private let x: Range<Int>
  private let y: Range<Int>
  /// For each pixel whether an odd number of edges passes between it and its left neighbour.
  private var crossings: [Bool]
  /// Pixels on an edge.
  private var touched: [Bool]

  init(x: Range<Int>, y: Range<Int>) {
    self.x = x
    self.y = y
    crossings = [Bool](repeating: false, count: x.count * y.count)
    touched = crossings
  }

  /// The integers of a range that lie from one number to another.
  private static func integers(_ low: Double, _ high: Double, in range: Range<Int>) -> Range<Int> {
    let first = max(low.rounded(.up), Double(range.lowerBound))
    let last = min(high.rounded(.down), Double(range.upperBound - 1))
    return first <= last ? Int(first)..<Int(last) + 1 : 0..<0
  }

  /// Notes an edge for the even-odd rule: it takes in its upper end and not its lower one.
  mutating func cross(_ a: SIMD2<Double>, _ b: SIMD2<Double>) {
    guard a.y != b.y else { return }
    let (top, bottom) = a.y < b.y ? (a, b) : (b, a)
    for row in Self.integers(top.y, bottom.y, in: y) where Double(row) < bottom.y {
      let share = (Double(row) - top.y) / (bottom.y - top.y)
      let column = (top.x + share * (bottom.x - top.x)).rounded(.up)
      // Left of the box it concerns the whole row; right of it, none of it.
      guard column < Double(x.upperBound) else { continue }
      let first = Int(max(column, Double(x.lowerBound)))
      crossings[(row - y.lowerBound) * x.count + first - x.lowerBound].toggle()
    }
  }

  /// Marks the pixels whose centres lie on an edge.
  mutating func touch(_ a: SIMD2<Double>, _ b: SIMD2<Double>) {
    let tolerance = PolygonFilling.tolerance
    let span = b - a
    if abs(span.x) >= abs(span.y) {
      let (low, high) = (min(a.x, b.x) - tolerance, max(a.x, b.x) + tolerance)
      for column in Self.integers(low, high, in: x) {
        let share = span.x == 0 ? 0 : min(max((Double(column) - a.x) / span.x, 0), 1)
        let place = a.y + share * span.y
        for row in Self.integers(place - tolerance, place + tolerance, in: y) {
          touched[(row - y.lowerBound) * x.count + column - x.lowerBound] = true
        }
      }
    } else {
      let (low, high) = (min(a.y, b.y) - tolerance, max(a.y, b.y) + tolerance)
      for row in Self.integers(low, high, in: y) {
        let share = min(max((Double(row) - a.y) / span.y, 0), 1)
        let place = a.x + share * span.x
        for column in Self.integers(place - tolerance, place + tolerance, in: x) {
          touched[(row - y.lowerBound) * x.count + column - x.lowerBound] = true
        }
      }
    }
  }

  func runs() -> [PolygonFilling.Run] {
    var runs: [PolygonFilling.Run] = []
    for row in 0..<y.count {
      var isOdd = false
      var start: Int?
      for column in 0...x.count {
        var isInside = false
        if column < x.count {
          let offset = row * x.count + column
          if crossings[offset] { isOdd.toggle() }
          isInside = isOdd || touched[offset]
        }
        if isInside {
          start = start ?? column
        } else if let first = start {
          runs.append(
            PolygonFilling.Run(
              row: row + y.lowerBound,
              start: first + x.lowerBound,
              end: column + x.lowerBound
            )
          )
          start = nil
        }
      }
    }
    return runs
  }
}
