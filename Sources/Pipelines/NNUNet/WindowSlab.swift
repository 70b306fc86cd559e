import CKernels
import Support
import Synchronization

/// Weighted sums of tiles' scores in half precision, for the planes that tiles still reach.
///
/// nnU-Net keeps classes x volume; every voxel's sum depends only on the tiles that cover it, in their
/// order, so that a plane is finished when no further tile reaches it. Its memory then serves a plane
/// to come. Axes are those of arrays: planes, rows, columns.
package final class WindowSlab {
  private let classes: Int
  private let depth: Int
  /// The rows that are kept.
  let rows: Range<Int>
  private let columns: Int
  /// `[plane % depth][class][row][column]`.
  private let sums: AlignedBuffer<UInt16>
  /// `[plane % depth][row][column]`.
  private let totals: AlignedBuffer<UInt16>

  /// Bytes that a slab takes.
  static func byteCount(classes: Int, depth: Int, rows: Int, columns: Int) -> Int {
    2 * depth * (classes + 1) * rows * columns
  }

  /// Creates an empty slab.
  /// - Parameters:
  ///   - classes: The network's outputs.
  ///   - depth: Planes of a tile.
  ///   - rows: The rows that are kept.
  ///   - columns: Columns of the image.
  package init(classes: Int, depth: Int, rows: Range<Int>, columns: Int) {
    self.classes = classes
    self.depth = depth
    self.rows = rows
    self.columns = columns
    sums = AlignedBuffer(repeating: 0, count: depth * classes * rows.count * columns)
    totals = AlignedBuffer(repeating: 0, count: depth * rows.count * columns)
  }

  /// Adds a tile's scores, weighted.
  /// - Parameters:
  ///   - scores: `[class][plane][row][column]` of the tile, or the features of `head`.
  ///   - head: What makes scores of features, or nil.
  ///   - patch: Planes, rows and columns of the tile.
  ///   - origin: The tile's first plane, row and column.
  ///   - weights: The weight of each voxel of the tile, as halves.
  package func add(
    _ scores: UnsafePointer<Float>,
    head: ScoringNetwork.Head?,
    patch: [Int],
    origin: [Int],
    weights: UnsafePointer<UInt16>
  ) {
    let used = max(rows.lowerBound, origin[1])..<min(rows.upperBound, origin[1] + patch[1])
    guard !used.isEmpty else { return }
    // Each plane is written by one thread.
    nonisolated(unsafe) let (scores, weights) = (scores, weights)
    nonisolated(unsafe) let (sums, totals) = (sums.pointer, totals.pointer)
    let area = rows.count * columns
    let volume = patch.reduce(1, *)
    let width = patch[2]
    Parallelism.forEachRange(patch[0]) { [rows, columns, classes, depth] planes in
      let line = AlignedBuffer<Float>(uninitializedCount: head == nil ? 0 : classes * width)
      for plane in planes {
        let slot = (origin[0] + plane) % depth
        for row in used {
          let place = (row - rows.lowerBound) * columns + origin[2]
          let cell = (plane * patch[1] + row - origin[1]) * width
          ck_window_add_weight(totals + slot * area + place, weights + cell, Int64(width))
          if let head {
            ck_head_row(
              scores + cell,
              Int64(volume),
              head.weights,
              head.bias,
              Int64(head.features),
              Int64(classes),
              Int64(width),
              line.pointer
            )
          }
          for c in 0..<classes {
            ck_window_add(
              sums + (slot * classes + c) * area + place,
              head == nil ? scores + c * volume + cell : UnsafePointer(line.pointer) + c * width,
              weights + cell,
              Int64(width)
            )
          }
        }
      }
    }
  }

  /// Divides the sums of a plane by its weights.
  /// - Parameter plane: A plane that no further tile reaches.
  /// - Returns: Its scores as halves, `[class][row][column]`, until `clear`; nil when one is infinite
  ///   or not a number.
  package func finish(_ plane: Int) -> UnsafeMutablePointer<UInt16>? {
    let area = rows.count * columns
    let slot = plane % depth
    let total = totals.pointer + slot * area
    let first = sums.pointer + slot * classes * area
    let isFinite = Mutex(true)
    // Each class is divided by one thread.
    nonisolated(unsafe) let (sums, weights) = (first, total)
    Parallelism.forEach(classes) { c in
      if ck_window_divide(sums + c * area, weights, Int64(area)) == 0 {
        isFinite.withLock { $0 = false }
      }
    }
    return isFinite.withLock { $0 } ? first : nil
  }

  /// Makes a plane's memory ready for another.
  /// - Parameter plane: A finished plane.
  package func clear(_ plane: Int) {
    let area = rows.count * columns
    let slot = plane % depth
    (sums.pointer + slot * classes * area).update(repeating: 0, count: classes * area)
    (totals.pointer + slot * area).update(repeating: 0, count: area)
  }
}
