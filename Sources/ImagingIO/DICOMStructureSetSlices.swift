import Imaging

/// The slices of an image as planes on which contours lie.
struct ContourSlices: Sendable {
  /// A slice: where its first pixel lies, and the steps to the next in its row and its column, mm.
  private struct Plane {
    var origin: SIMD3<Double>
    var along: SIMD3<Double>
    var down: SIMD3<Double>
  }

  private let planes: [Plane]
  private let normal: SIMD3<Double>
  /// Distances along the normal, in the order of the slices.
  private let depths: [Double]
  /// The slices by rising depth.
  private let order: [Int]
  /// Distance of slices, mm.
  let spacing: Double
  /// Columns and rows.
  let size: SIMD2<Int>

  /// Planes of one slice may differ from those of the grid by this part of a pixel; the source's
  /// are then taken, to the last digit.
  private static let tolerance = 0.1

  /// The slices of an image: those of its files where they have the image's grid.
  init(_ image: LoadedVolume) {
    let geometry = image.volume.geometry
    let grid = (0..<geometry.size.z).map { slice in
      let k = Double(slice)
      let shear = image.shift.map { SIMD3($0.shift.x * k, $0.shift.y * k, 0) } ?? .zero
      return Plane(
        origin: geometry.position(ofIndex: [0, 0, k]) + geometry.direction * shear,
        along: geometry.direction.columns[0] * geometry.spacing.x,
        down: geometry.direction.columns[1] * geometry.spacing.y
      )
    }
    size = SIMD2(geometry.size.x, geometry.size.y)
    spacing = geometry.spacing.z
    normal = geometry.direction.columns[2]
    let native = image.source?.slices.map { slice in
      Plane(
        origin: slice.plane.position,
        along: slice.plane.row * slice.pixelSpacing.x,
        down: slice.plane.column * slice.pixelSpacing.y
      )
    }
    let far = SIMD2(Double(geometry.size.x - 1), Double(geometry.size.y - 1))
    let limit = Self.tolerance * min(geometry.spacing.x, geometry.spacing.y)
    if let native, native.count == grid.count,
      zip(native, grid).allSatisfy({ a, b in
        [SIMD2(0, 0), SIMD2(far.x, 0), SIMD2(0, far.y)].allSatisfy { corner in
          let gap =
            a.origin - b.origin + (a.along - b.along) * corner.x + (a.down - b.down) * corner.y
          return dot(gap, gap) <= limit * limit
        }
      })
    {
      planes = native
    } else {
      planes = grid
    }
    let normal = normal
    let depths = planes.map { dot($0.origin, normal) }
    self.depths = depths
    order = depths.indices.sorted { depths[$0] < depths[$1] }
  }

  /// The slice that a contour lies on, and how far from it: nil when a point is more than half a
  /// slice spacing away.
  func place(_ points: [SIMD3<Double>]) -> (slice: Int, distance: Double)? {
    let heights = points.map { dot($0, normal) }
    guard let low = heights.min(), let high = heights.max() else { return nil }
    let middle = (low + high) / 2
    var first = 0
    var last = order.count
    while first < last {
      let half = (first + last) / 2
      if depths[order[half]] < middle { first = half + 1 } else { last = half }
    }
    let near = [first - 1, first].filter(order.indices.contains).min {
      abs(depths[order[$0]] - middle) < abs(depths[order[$1]] - middle)
    }
    guard let near else { return nil }
    let slice = order[near]
    let farthest = max(abs(low - depths[slice]), abs(high - depths[slice]))
    guard farthest <= spacing * 0.5001 else { return nil }
    return (slice, abs(middle - depths[slice]))
  }

  /// Points in the continuous pixel indices of a slice, seen along its normal.
  func indices(_ points: [SIMD3<Double>], slice: Int) -> [SIMD2<Double>] {
    let plane = planes[slice]
    // Header directions are rounded: solved for, as they may be a little off the right angle.
    let xx = dot(plane.along, plane.along)
    let xy = dot(plane.along, plane.down)
    let yy = dot(plane.down, plane.down)
    let scale = 1 / (xx * yy - xy * xy)
    return points.map { point in
      let offset = point - plane.origin
      let x = dot(offset, plane.along)
      let y = dot(offset, plane.down)
      return SIMD2(x * yy - y * xy, y * xx - x * xy) * scale
    }
  }

  /// The number of slices.
  var count: Int { planes.count }
}

/// The pixels of a region, slice by slice.
struct DrawnRegion: Sendable {
  /// The pixels of each slice; empty before drawing.
  private(set) var runs: [[PolygonFilling.Run]] = []
  /// What became of the contours.
  private(set) var counts = ContourCounts()

  /// Nothing.
  init() {}

  /// Draws the contours of a region.
  init(_ contours: [StructureSetContent.Contour], on slices: ContourSlices) {
    var placed: [Int: [(polygon: [SIMD2<Double>], distance: Double)]] = [:]
    for contour in contours {
      guard contour.isClosed else {
        counts.open += 1
        continue
      }
      guard let points = contour.points else {
        counts.damaged += 1
        continue
      }
      guard let (slice, distance) = slices.place(points) else {
        counts.offSlices += 1
        continue
      }
      placed[slice, default: []].append((slices.indices(points, slice: slice), distance))
    }
    runs = Array(repeating: [], count: slices.count)
    let filling = PolygonFilling(width: slices.size.x, height: slices.size.y)
    for (slice, polygons) in placed {
      let nearest = polygons.reduce(.infinity) { min($0, $1.distance) }
      let here = polygons.filter { $0.distance <= nearest + slices.spacing * 0.01 }
      counts.placed += here.count
      counts.between += polygons.count - here.count
      runs[slice] = filling.runs(here.map(\.polygon))
    }
  }
}
