import Support

/// Straightens parallel slices that are tilted, shifted or unevenly spaced.
///
/// The straight grid has the slices' direction and pixel spacing. Its slices lie at the median
/// distance, beginning with the first one's depth, and are enlarged in plane so that they hold every
/// slice. A voxel is interpolated along the normal between the two slices beside it, each sampled
/// bilinearly where the voxel's line along the normal meets it; where only one of the two reaches,
/// that one counts.
public struct SliceRegridding: Sendable {
  /// The straight grid.
  public let geometry: ImageGeometry
  /// The number of slices that go in.
  public let sliceCount: Int
  /// Columns and rows of a slice that goes in.
  public let planeSize: SIMD2<Int>

  /// Where the first pixel of each slice lies, in voxels of the straight grid.
  private let starts: [SIMD3<Double>]

  /// The straight grid may have this many times the voxels of the slices along an axis.
  public static let maximumEnlargement = 8

  /// Plans the straight grid.
  /// - Parameters:
  ///   - sliceOrigins: Centre of the first pixel of each slice, LPS mm, in rising order along the
  ///     normal.
  ///   - direction: Orthonormal; columns are the directions of the column index, of the row index
  ///     and of the normal.
  ///   - planeSize: Columns and rows of each slice.
  ///   - planeSpacing: Distance of pixel centres along the columns and rows, mm.
  /// - Throws: `ImagingError.invalidGeometry` with fewer than two slices, slices at one place or in
  ///   falling order, or when the straight grid would be more than `maximumEnlargement` times as
  ///   large along an axis.
  public init(
    sliceOrigins: [SIMD3<Double>],
    direction: Matrix3,
    planeSize: SIMD2<Int>,
    planeSpacing: SIMD2<Double>
  ) throws(ImagingError) {
    guard let first = sliceOrigins.first, sliceOrigins.count > 1 else {
      throw .invalidGeometry(reason: "fewer than two slices cannot be regridded")
    }
    let local = sliceOrigins.map { direction.transposed * ($0 - first) }
    let gaps = zip(local.dropFirst(), local).map { $0.z - $1.z }
    guard local.allSatisfy({ $0.x.isFinite && $0.y.isFinite && $0.z.isFinite }),
      gaps.allSatisfy({ $0 > 1e-3 })
    else { throw .invalidGeometry(reason: "slices at one place cannot be regridded") }
    // The lower median, so that of two gaps the smaller is the spacing.
    let gap = gaps.sorted()[(gaps.count - 1) / 2]
    let spacing = SIMD3(planeSpacing.x, planeSpacing.y, gap)
    guard spacing.min() > 0 else {
      throw .invalidGeometry(reason: "a pixel spacing that is not positive")
    }

    let inVoxels = local.map { $0 / spacing }
    var low = SIMD2(0.0, 0.0)
    var high = SIMD2(0.0, 0.0)
    for start in inVoxels {
      low = pointwiseMin(low, SIMD2(start.x, start.y))
      high = pointwiseMax(high, SIMD2(start.x, start.y))
    }
    // What header digits leave of nothing is no pixel more.
    low = (low + 1e-3).rounded(.down)
    high = (high - 1e-3).rounded(.up)
    let extent = SIMD3(
      Double(planeSize.x) + high.x - low.x,
      Double(planeSize.y) + high.y - low.y,
      (inVoxels[inVoxels.count - 1].z + 1e-3).rounded(.down) + 1
    )
    let given = SIMD3(Double(planeSize.x), Double(planeSize.y), Double(sliceOrigins.count))
    guard (extent - given * Double(Self.maximumEnlargement)).max() <= 0 else {
      throw .invalidGeometry(
        reason: "its slices lie so far apart that a straight grid would be mostly empty"
      )
    }
    geometry = try ImageGeometry(
      size: SIMD3(Int(extent.x), Int(extent.y), Int(extent.z)),
      spacing: spacing,
      origin: first + direction * (SIMD3(low.x, low.y, 0) * spacing),
      direction: direction
    )
    starts = inVoxels.map { $0 - SIMD3(low.x, low.y, 0) }
    sliceCount = sliceOrigins.count
    self.planeSize = planeSize
  }

  /// Resamples values to the straight grid.
  /// - Parameters:
  ///   - slices: The slices' values, one after the other, column index fastest.
  ///   - outside: The value where no slice reaches.
  /// - Returns: The straight volume.
  /// - Precondition: `sliceCount` slices of `planeSize`.
  public func resample(_ slices: [Float], outside: Float) -> Volume<Float> {
    precondition(
      slices.count == sliceCount * planeSize.x * planeSize.y,
      "\(slices.count) values for \(sliceCount) slices of \(planeSize)"
    )
    let plane = geometry.size.x * geometry.size.y
    let voxels = [Float](unsafeUninitializedCapacity: geometry.voxelCount) { buffer, count in
      // Each slice of the result is written by one thread.
      nonisolated(unsafe) let buffer = buffer
      slices.withUnsafeBufferPointer { source in
        nonisolated(unsafe) let source = source
        Parallelism.forEach(geometry.size.z) { z in
          let target = UnsafeMutableBufferPointer(rebasing: buffer[z * plane..<(z + 1) * plane])
          fill(target, z: z, from: source, outside: outside)
        }
      }
      count = geometry.voxelCount
    }
    return Volume(geometry: geometry, voxels: voxels)
  }

  /// Takes labels of the straight grid back onto the slices, each pixel the nearest voxel's.
  /// - Parameter labels: Labels on `geometry`.
  /// - Returns: For each slice its labels, column index fastest.
  /// - Precondition: The labels lie on `geometry`.
  public func labelsOnSlices(_ labels: LabelMap) -> [[UInt16]] {
    precondition(labels.geometry == geometry, "labels of another grid")
    return starts.map { start in
      let z = min(max(Int(start.z.rounded()), 0), geometry.size.z - 1)
      let x0 = Int(start.x.rounded())
      let y0 = Int(start.y.rounded())
      var plane = [UInt16](repeating: 0, count: planeSize.x * planeSize.y)
      for y in 0..<planeSize.y where (0..<geometry.size.y).contains(y + y0) {
        let row = geometry.offset(0, y + y0, z)
        for x in 0..<planeSize.x where (0..<geometry.size.x).contains(x + x0) {
          plane[x + planeSize.x * y] = labels.labels[row + x + x0]
        }
      }
      return plane
    }
  }

  // MARK: - Interpolation

  /// A slice beside a depth, and how much of it counts.
  private struct Neighbour {
    var slice: Int
    var weight: Float
  }

  private func fill(
    _ target: UnsafeMutableBufferPointer<Float>,
    z: Int,
    from source: UnsafeBufferPointer<Float>,
    outside: Float
  ) {
    let depth = Double(z)
    // The slices are in rising order; depth 0 is the first one's.
    let after = starts.firstIndex { $0.z >= depth - 1e-3 } ?? sliceCount - 1
    var neighbours = [Neighbour(slice: after, weight: 1)]
    let gap = starts[after].z - depth
    if after > 0, gap > 1e-3 {
      let share = Float(gap / (starts[after].z - starts[after - 1].z))
      neighbours = [
        Neighbour(slice: after - 1, weight: share), Neighbour(slice: after, weight: 1 - share),
      ]
    }
    let count = geometry.size.x
    for y in 0..<geometry.size.y {
      let row = UnsafeMutableBufferPointer(rebasing: target[y * count..<(y + 1) * count])
      var sums = [Float](repeating: 0, count: count)
      var weights = [Float](repeating: 0, count: count)
      for neighbour in neighbours {
        add(neighbour, y: y, from: source, to: &sums, weights: &weights)
      }
      for x in 0..<count {
        row.initializeElement(at: x, to: weights[x] > 0 ? sums[x] / weights[x] : outside)
      }
    }
  }

  /// Adds a row of a slice, sampled where the straight row meets it.
  private func add(
    _ neighbour: Neighbour,
    y: Int,
    from source: UnsafeBufferPointer<Float>,
    to sums: inout [Float],
    weights: inout [Float]
  ) {
    let start = starts[neighbour.slice]
    let base = neighbour.slice * planeSize.x * planeSize.y
    guard let rows = place(Double(y) - start.y, count: planeSize.y) else { return }
    for x in 0..<sums.count {
      guard let columns = place(Double(x) - start.x, count: planeSize.x) else { continue }
      let top = base + rows.index * planeSize.x + columns.index
      let bottom = base + rows.next * planeSize.x + columns.index
      let step = columns.next - columns.index
      let upper = source[top] + columns.share * (source[top + step] - source[top])
      let lower = source[bottom] + columns.share * (source[bottom + step] - source[bottom])
      sums[x] += neighbour.weight * (upper + rows.share * (lower - upper))
      weights[x] += neighbour.weight
    }
  }

  /// The two pixels beside a continuous index, or nil more than half a pixel outside.
  @inline(__always)
  private func place(
    _ position: Double,
    count: Int
  ) -> (index: Int, next: Int, share: Float)? {
    guard position >= -0.5 - 1e-6, position <= Double(count) - 0.5 + 1e-6 else { return nil }
    let inside = min(max(position, 0), Double(count - 1))
    let index = Int(inside)
    return (index, min(index + 1, count - 1), Float(inside - Double(index)))
  }
}
