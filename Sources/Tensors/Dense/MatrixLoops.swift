import COpenBLAS
import Support

/// A matrix in a buffer: where it starts and how far apart its stored rows are.
struct MatrixView: Sendable {
  let storage: AlignedBuffer<Float>
  var offset = 0
  let step: Int
  /// Whether the transpose of what is stored is meant.
  var isTransposed = false
}

/// Matrix products on one or many pairs of matrices.
///
/// The result is cut into tiles whose size depends on the sizes of the matrices alone; each tile is
/// one product on one thread. Hence results do not depend on the thread count.
enum MatrixLoops {
  /// Products of fewer multiplications are not cut.
  private static let smallProduct = 1 << 18
  private static let tileRows = 128
  private static let tileColumns = 256

  /// c ← a b, or c ← c + a b when `adding`.
  static func multiply(
    _ a: MatrixView,
    _ b: MatrixView,
    into c: MatrixView,
    rows: Int,
    columns: Int,
    inner: Int,
    adding: Bool = false
  ) {
    multiply(
      a,
      b,
      into: c,
      rows: rows,
      columns: columns,
      inner: inner,
      starts: [(0, 0, 0)],
      adding: adding
    )
  }

  /// The same for matrices that start at further offsets.
  static func multiply(
    _ a: MatrixView,
    _ b: MatrixView,
    into c: MatrixView,
    rows: Int,
    columns: Int,
    inner: Int,
    starts: [(a: Int, b: Int, c: Int)],
    adding: Bool = false
  ) {
    guard rows > 0, columns > 0, !starts.isEmpty else { return }
    let isSmall = rows * columns * max(1, inner) < smallProduct
    let tall = isSmall || rows <= 2 * tileRows ? rows : tileRows
    let wide = isSmall || rows > 2 * tileRows ? columns : min(columns, tileColumns)
    let (down, across) = ((rows + tall - 1) / tall, (columns + wide - 1) / wide)
    let work = max(1, tall * wide * max(1, inner) / 8)
    EngineThreads.forEachRange(starts.count * down * across, itemCost: work) { range in
      for item in range {
        let start = starts[item / (down * across)]
        let (row, column) = (item / across % down * tall, item % across * wide)
        let status = copenblas_sgemm(
          a.isTransposed ? 1 : 0,
          b.isTransposed ? 1 : 0,
          Int64(min(tall, rows - row)),
          Int64(min(wide, columns - column)),
          Int64(inner),
          a.storage.pointer + a.offset + start.a + row * (a.isTransposed ? 1 : a.step),
          Int64(a.step),
          b.storage.pointer + b.offset + start.b + column * (b.isTransposed ? b.step : 1),
          Int64(b.step),
          adding ? 1 : 0,
          c.storage.pointer + c.offset + start.c + row * c.step + column,
          Int64(c.step)
        )
        precondition(
          status == 0,
          "no product of [\(rows), \(inner)] and [\(inner), \(columns)] matrices"
        )
      }
    }
  }

  /// [rows, columns] = a b of plain tensors, either one transposed.
  static func product(
    _ a: Tensor,
    _ b: Tensor,
    firstTransposed: Bool = false,
    secondTransposed: Bool = false,
    rows: Int,
    columns: Int,
    inner: Int
  ) -> Tensor {
    let result = ElementLoops.empty([rows, columns])
    multiply(
      MatrixView(
        storage: a.storage,
        step: firstTransposed ? rows : inner,
        isTransposed: firstTransposed
      ),
      MatrixView(
        storage: b.storage,
        step: secondTransposed ? inner : columns,
        isTransposed: secondTransposed
      ),
      into: MatrixView(storage: result.storage, step: columns),
      rows: rows,
      columns: columns,
      inner: inner
    )
    return result
  }
}
