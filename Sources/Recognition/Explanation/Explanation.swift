import Foundation

/// Which parts of an image speak for a class, on the grid that the network sees.
public struct Explanation: Sendable, Equatable {
  /// How it was found.
  public let method: ExplanationMethod
  /// Rows.
  public let height: Int
  /// Columns.
  public let width: Int
  /// Evidence for the class, 0 (none) to 1 (the most in this image), rows from the top.
  public let values: [Float]
  /// How fast the class's probability falls when the pixels with the most evidence are removed first.
  ///
  /// Petsiuk et al. 2018, section 4.1: the area under the curve over the share of pixels removed; lower is
  /// better. Removed pixels become the image's mean.
  public internal(set) var deletion: Double?
  /// The same when they are brought in first, into a blurred image; higher is better.
  public internal(set) var insertion: Double?

  /// Scales evidence to 0 … 1; what speaks against the class is 0.
  /// - Parameters:
  ///   - method: How it was found.
  ///   - height: Rows.
  ///   - width: Columns.
  ///   - evidence: One number a pixel, in any unit.
  init(method: ExplanationMethod, height: Int, width: Int, evidence: [Float]) {
    precondition(evidence.count == height * width, "\(evidence.count) values for a map")
    (self.method, self.height, self.width) = (method, height, width)
    let largest = evidence.reduce(Float(0)) { $1.isFinite ? max($0, $1) : $0 }
    values = evidence.map { largest > 0 && $0.isFinite ? max(0, $0) / largest : 0 }
  }

  /// The row and the column with the most evidence; nil where there is none.
  public var peak: (row: Int, column: Int)? {
    guard let best = values.indices.max(by: { values[$0] < values[$1] }), values[best] > 0 else {
      return nil
    }
    return (best / width, best % width)
  }

  /// The map on an image's own grid; 0 where the network did not see it.
  /// - Parameters:
  ///   - rows: Rows of the image.
  ///   - columns: Columns of the image.
  ///   - scale: Pixels of the map for each of the image's.
  ///   - origin: Where the image's first pixel begins, in pixels of the map.
  /// - Returns: The values, interpolated linearly.
  func spread(
    height rows: Int,
    width columns: Int,
    scale: (rows: Double, columns: Double),
    origin: (row: Double, column: Double)
  ) -> [Float] {
    (0..<rows).flatMap { y in
      (0..<columns).map { x -> Float in
        value(
          row: (Double(y) + 0.5) * scale.rows + origin.row - 0.5,
          column: (Double(x) + 0.5) * scale.columns + origin.column - 0.5
        )
      }
    }
  }

  /// The map at a place between pixels; 0 more than a pixel outside.
  func value(row: Double, column: Double) -> Float {
    guard row > -1, column > -1, row < Double(height), column < Double(width) else { return 0 }
    let (v, u) = (
      min(max(row, 0), Double(height - 1)), min(max(column, 0), Double(width - 1))
    )
    let (top, left) = (Int(v), Int(u))
    let (below, right) = (min(top + 1, height - 1), min(left + 1, width - 1))
    let (sv, su) = (Float(v - Double(top)), Float(u - Double(left)))
    func at(_ y: Int, _ x: Int) -> Float { values[y * width + x] }
    let upper = at(top, left) + su * (at(top, right) - at(top, left))
    let lower = at(below, left) + su * (at(below, right) - at(below, left))
    return upper + sv * (lower - upper)
  }

  /// The map on a grid of another size, over the same field of view.
  /// - Parameters:
  ///   - rows: Rows.
  ///   - columns: Columns.
  /// - Returns: The values, interpolated linearly.
  package func resized(rows: Int, columns: Int) -> [Float] {
    ImagePlanes(height: height, width: width, values: values)
      .resized(toHeight: rows, width: columns).values
  }
}
