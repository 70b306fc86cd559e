import CKernels
import Support

/// The structural similarity of two images (SSIM).
///
/// The mean over every window that lies wholly within the image of
/// `(2 mx my + C1) (2 sxy + C2) / ((mx² + my² + C1) (sx² + sy² + C2))`, with the windows' means m and
/// covariances s, C1 = (0.01 L)² and C2 = (0.03 L)² (Wang, Bovik, Sheikh and Simoncelli 2004, "Image
/// quality assessment: from error visibility to structural similarity"). Windows are uniform, 7 voxels
/// wide, and covariances those of samples (n - 1): scikit-image's defaults. Wang's own Gaussian window
/// of 11 gives other values.
public enum StructuralSimilarity {
  /// The width of a window.
  public static let window = 7
  /// Windows of a block, by rows and slices; a fixed size, so that sums do not depend on the
  /// threads.
  private static let block = (rows: 16, slices: 32)

  /// Compares two images.
  /// - Parameters:
  ///   - a: Finite values, x fastest.
  ///   - b: As many.
  ///   - size: Voxels along each axis.
  ///   - dataRange: The range of the true values, more than 0.
  ///   - slicewise: Whether windows are flat: the mean over the slices along the third axis of
  ///     their own similarity, which is the mean over all flat windows.
  /// - Returns: At most 1, or nil when the image is smaller than a window.
  /// - Precondition: As many values as voxels.
  public static func value(
    _ a: [Float],
    _ b: [Float],
    size: SIMD3<Int>,
    dataRange: Double,
    slicewise: Bool
  ) -> Double? {
    precondition(
      a.count == size.x * size.y * size.z && b.count == a.count,
      "\(a.count) and \(b.count) values for a grid of \(size)"
    )
    let depth = slicewise ? 1 : window
    let windows = size &- SIMD3(window, window, depth) &+ 1
    guard windows.x > 0, windows.y > 0, windows.z > 0 else { return nil }
    let (c1, c2) = (0.01 * dataRange, 0.03 * dataRange)
    let shape = ck_similarity(
      width: Int64(size.x),
      height: Int64(size.y),
      depth: Int64(size.z),
      window: Int64(window),
      window_depth: Int64(depth),
      c1: c1 * c1,
      c2: c2 * c2
    )
    let rows = (windows.y + block.rows - 1) / block.rows
    let slices = (windows.z + block.slices - 1) / block.slices
    let sums = AlignedBuffer<Double>(repeating: 0, count: rows * slices)
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        nonisolated(unsafe) let a = a.baseAddress
        nonisolated(unsafe) let b = b.baseAddress
        Parallelism.forEachRange(rows * slices) { range in
          var shape = shape
          let scratch = AlignedBuffer<Double>(
            uninitializedCount: Int(ck_similarity_scratch(&shape, Int64(block.rows)))
          )
          for index in range {
            let (row, slice) = (index % rows * block.rows, index / rows * block.slices)
            sums.mutableElements[index] = ck_similarity_block(
              a,
              b,
              &shape,
              Int64(row),
              Int64(min(row + block.rows, windows.y)),
              Int64(slice),
              Int64(min(slice + block.slices, windows.z)),
              scratch.pointer
            )
          }
        }
      }
    }
    return sums.elements.reduce(0, +) / Double(windows.x * windows.y * windows.z)
  }
}
