import Support
import Tensors

/// Vectors whose squared distances to others are taken a few rows at a time.
///
/// Never held at once: of 50,000 images by as many the distances alone would take 10 GB.
struct DistanceRows {
  /// Rows of one product.
  private static let block = 256

  private let rows: [[Float]]
  private let width: Int
  private let norms: [Float]
  /// `[width, rows]`.
  private let columns: Tensor

  /// Keeps vectors.
  /// - Parameter rows: Vectors of one length, at least one.
  init(_ rows: [[Float]]) {
    self.rows = rows
    width = rows.first?.count ?? 0
    norms = rows.map { $0.reduce(0) { $0 + $1 * $1 } }
    columns = Tensor(rows.flatMap(\.self), shape: [rows.count, width]).transposed(0, 1)
  }

  /// The distances of each vector to all of others.
  /// - Parameters:
  ///   - others: Vectors of the same length.
  ///   - interruption: Looked at between blocks.
  ///   - take: Is given a vector's number and its distances, in order.
  /// - Throws: `SupportError.interrupted`.
  func forEach(
    to others: DistanceRows,
    interruption: Interruption,
    take: (Int, ArraySlice<Float>) -> Void
  ) throws {
    let count = others.rows.count
    for start in stride(from: 0, to: rows.count, by: Self.block) {
      try interruption.check()
      let end = min(rows.count, start + Self.block)
      var values = matrixProduct(
        Tensor(rows[start..<end].flatMap(\.self), shape: [end - start, width]),
        others.columns
      ).values
      for row in start..<end {
        let first = (row - start) * count
        for j in 0..<count {
          values[first + j] = max(0, norms[row] + others.norms[j] - 2 * values[first + j])
        }
        take(row, ArraySlice(values[first..<first + count]))
      }
    }
  }

  /// The distance of each vector to its k-th neighbour among these, itself left out.
  /// - Parameters:
  ///   - neighbours: k; the farthest counts where there are fewer.
  ///   - interruption: Looked at between blocks.
  /// - Returns: One distance for each.
  /// - Throws: `SupportError.interrupted`.
  func reaches(_ neighbours: Int, interruption: Interruption) throws -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(rows.count)
    try forEach(to: self, interruption: interruption) { row, distances in
      var line = Array(distances)
      line[row] = -1
      result.append(line.sorted()[min(neighbours, line.count - 1)])
    }
    return result
  }

  /// The nearest of others for each vector, the first of equally near ones.
  /// - Parameters:
  ///   - others: At least one vector.
  ///   - interruption: Looked at between blocks.
  /// - Returns: Its number and distance.
  /// - Throws: `SupportError.interrupted`.
  func nearest(
    in others: DistanceRows,
    interruption: Interruption
  ) throws -> [(place: Int, distance: Float)] {
    var result: [(place: Int, distance: Float)] = []
    result.reserveCapacity(rows.count)
    try forEach(to: others, interruption: interruption) { _, distances in
      let place = distances.indices.min { distances[$0] < distances[$1] } ?? distances.startIndex
      result.append((place - distances.startIndex, distances[place]))
    }
    return result
  }
}
