import Imaging

/// Where the frames of a segmentation lie: parallel planes of one size and spacing.
struct DICOMSegmentationGrid: Sendable {
  /// Columns, rows and slices.
  var size: SIMD3<Int>
  /// The direction in which the column index grows.
  var row: SIMD3<Double>
  /// The direction in which the row index grows.
  var column: SIMD3<Double>
  /// Distance of pixel centres along the column index and the row index, mm.
  var pixelSpacing: SIMD2<Double>
  /// The thickness to state, mm; nil for planar images.
  var thickness: Double?
  /// Distance of the slices along their normal, mm; nil when they are uneven or planar.
  var sliceSpacing: Double?
  /// Centre of the first pixel of each slice, LPS mm.
  var positions: [SIMD3<Double>]
  /// The slices of the source that each slice shows or lies between.
  var sources: [[Int]]
  /// Whether the slices are those of the source.
  var isNative: Bool

  /// Planes may differ by this part of the smallest spacing, plus 1 um, and still be the same.
  private static let tolerance = 0.01

  /// The planes of a label map's grid.
  ///
  /// Where each is a slice of the source to within a hundredth of the smallest spacing, they are
  /// those of the source to the last digit.
  init(geometry: ImageGeometry, shift: SliceShift?, source: DICOMSource?) {
    size = geometry.size
    row = geometry.direction.columns[0]
    column = geometry.direction.columns[1]
    pixelSpacing = SIMD2(geometry.spacing.x, geometry.spacing.y)
    thickness = geometry.isPlanar ? nil : geometry.spacing.z
    sliceSpacing = thickness
    positions = (0..<geometry.size.z).map { slice in
      let k = Double(slice)
      let shear = shift.map { SIMD3($0.shift.x * k, $0.shift.y * k, 0) } ?? .zero
      return geometry.position(ofIndex: [0, 0, k]) + geometry.direction * shear
    }
    sources = Array(repeating: [], count: geometry.size.z)
    isNative = false
    guard let source, !source.slices.isEmpty else { return }
    if let matches = matches(source, geometry: geometry) {
      isNative = true
      let first = source.slices[matches[0]].plane
      row = first.row
      column = first.column
      pixelSpacing = source.slices[matches[0]].pixelSpacing
      positions = matches.map { source.slices[$0].plane.position }
      sources = matches.map { [$0] }
      thickness = thickness ?? source.sliceSpacing
    } else {
      sources = neighbours(source)
    }
  }

  /// The slices of a source as they are.
  init(native source: DICOMSource) {
    let first = source.slices[0]
    size = SIMD3(first.size.x, first.size.y, source.slices.count)
    row = first.plane.row
    column = first.plane.column
    pixelSpacing = first.pixelSpacing
    thickness = source.sliceSpacing
    positions = source.slices.map(\.plane.position)
    sources = source.slices.indices.map { [$0] }
    isNative = true
    let normal = first.plane.direction.columns[2]
    let gaps = zip(positions, positions.dropFirst()).map { dot($1 - $0, normal) }
    let isEven = gaps.allSatisfy {
      abs(abs($0) - source.sliceSpacing) <= Self.tolerance * source.sliceSpacing
    }
    sliceSpacing = isEven ? source.sliceSpacing : nil
  }

  /// For each plane the slice of the source that it is, or nil when one is none.
  private func matches(_ source: DICOMSource, geometry: ImageGeometry) -> [Int]? {
    let spacing = pixelSpacing
    let extent = SIMD2<Double>(Double(size.x - 1), Double(size.y - 1)) * spacing
    let smallest =
      geometry.isPlanar ? spacing.min() : Swift.min(spacing.min(), geometry.spacing.z)
    let limit = Self.tolerance * smallest + 1e-3
    var found: [Int] = []
    for position in positions {
      let nearest = source.slices.indices.min {
        distance(source.slices[$0].plane.position, position)
          < distance(source.slices[$1].plane.position, position)
      }
      guard let nearest else { return nil }
      let slice = source.slices[nearest]
      guard slice.size == SIMD2(size.x, size.y) else { return nil }
      let far = SIMD2<Double>(Double(size.x - 1), Double(size.y - 1)) * slice.pixelSpacing
      let corners = [SIMD2(0, 0), SIMD2(1, 0), SIMD2(0, 1)] as [SIMD2<Double>]
      for corner in corners {
        let here = position + row * (corner.x * extent.x) + column * (corner.y * extent.y)
        let there =
          slice.plane.position + slice.plane.row * (corner.x * far.x)
          + slice.plane.column * (corner.y * far.y)
        guard distance(here, there) <= limit else { return nil }
      }
      found.append(nearest)
    }
    return Set(found).count == found.count ? found : nil
  }

  /// For each plane the slices of the source, when they are parallel, that are nearer than one
  /// distance of slices.
  private func neighbours(_ source: DICOMSource) -> [[Int]] {
    let normal = cross(row, column)
    let parallel = source.slices.allSatisfy {
      abs(dot($0.plane.direction.columns[2], normal)) > 0.999_99
    }
    guard parallel else { return Array(repeating: [], count: positions.count) }
    let depths = source.slices.map { dot($0.plane.position, normal) }
    return positions.map { position in
      let depth = dot(position, normal)
      return depths.indices.filter { abs(depths[$0] - depth) < source.sliceSpacing * 0.999 }
    }
  }

  private func distance(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double {
    dot(a - b, a - b).squareRoot()
  }
}
