import Imaging

/// The largest distance of two points of a structure's surface.
///
/// The surface is that of marching cubes at one half, whose vertices lie in the middle of the voxels'
/// outer faces: one voxel of 1 mm has a diameter of 1 mm. It is the maximum 3D diameter of the Image
/// Biomarker Standardisation Initiative (Zwanenburg et al. 2016, "Image biomarker standardisation
/// initiative", L0JK) on such a mesh.
struct LargestDiameter {
  /// The first and last voxel of a row of a slice.
  private struct Extent {
    let y: Int32
    let z: Int32
    var low: Int32
    var high: Int32
  }

  /// By z, then y, as the runs come.
  private var extents: [Extent] = []

  /// Adds a run of voxels; runs come by z, then y.
  mutating func add(_ run: LabelRuns.Run) {
    let (low, high) = (Int32(run.start), Int32(run.end - 1))
    let last = extents.count - 1
    if last >= 0, extents[last].y == run.y, extents[last].z == run.z {
      extents[last].low = min(extents[last].low, low)
      extents[last].high = max(extents[last].high, high)
    } else {
      extents.append(Extent(y: Int32(run.y), z: Int32(run.z), low: low, high: high))
    }
  }

  /// The diameter in mm, or nil without voxels.
  func length(spacing: SIMD3<Double>) -> Double? {
    let points = candidates().map { $0 * spacing }
    guard let first = points.first else { return nil }
    var centre = SIMD3<Double>.zero
    for point in points { centre += point }
    centre /= Double(points.count)
    // Two points are no further apart than their distances from the centre together.
    let ordered = points.map { (point: $0, radius: norm($0 - centre)) }
      .sorted { $0.radius > $1.radius }
    var best = norm(first - ordered[0].point)
    for (index, one) in ordered.enumerated() {
      guard 2 * one.radius > best else { break }
      for other in ordered[(index + 1)...] {
        guard one.radius + other.radius > best else { break }
        best = max(best, norm(one.point - other.point))
      }
    }
    return best
  }

  private func norm(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum().squareRoot() }

  /// Corners of the convex hull of each plane of surface points; the hull's corners are among them.
  private func candidates() -> [SIMD3<Double>] {
    // Planes at half slices, counted in halves.
    var planes: [Int: [SIMD2<Double>]] = [:]
    for extent in extents {
      let (low, high, row) = (Double(extent.low), Double(extent.high), Double(extent.y))
      let z = 2 * Int(extent.z)
      planes[z, default: []] += [
        SIMD2(low - 0.5, row), SIMD2(high + 0.5, row), SIMD2(low, row - 0.5),
        SIMD2(low, row + 0.5), SIMD2(high, row - 0.5), SIMD2(high, row + 0.5),
      ]
      let ends = [SIMD2(low, row), SIMD2(high, row)]
      planes[z - 1, default: []] += ends
      planes[z + 1, default: []] += ends
    }
    return planes.sorted { $0.key < $1.key }.flatMap { z, points in
      Self.hull(points).map { SIMD3($0.x, $0.y, Double(z) / 2) }
    }
  }

  /// The corners of a convex hull (Andrew 1979, the monotone chain).
  private static func hull(_ points: [SIMD2<Double>]) -> [SIMD2<Double>] {
    let sorted = points.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
    func chain(_ points: some Sequence<SIMD2<Double>>) -> [SIMD2<Double>] {
      var chain: [SIMD2<Double>] = []
      for point in points {
        while chain.count > 1 {
          let a = chain[chain.count - 1] - chain[chain.count - 2]
          let b = point - chain[chain.count - 1]
          guard a.x * b.y - a.y * b.x <= 0 else { break }
          chain.removeLast()
        }
        chain.append(point)
      }
      return chain
    }
    return chain(sorted) + chain(sorted.reversed())
  }
}
