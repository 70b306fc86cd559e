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
