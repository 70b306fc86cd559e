/// The area of the surface within one cell of the dual grid, for each pattern of voxels around it.
///
/// A cell has a voxel centre at each of its eight corners; corner (i, j, k), along z, y and x, is
/// bit 7 - (4 i + 2 j + k) of the pattern. Marching cubes (Lorensen and Cline 1987, "Marching
/// cubes: a high resolution 3D surface construction algorithm") cuts the edges between unlike
/// corners in the middle. Around each face two cuts are joined by a line; of four, those next to
/// one corner are joined: so that the corners within are cut off where at most four are within,
/// else those outside. The lines close to polygons, and these are cut into triangles, whose areas
/// depend on how wherever a polygon is not flat.
///
/// DeepMind's surface-distance keeps a table of one such triangulation. `exceptions` states for
/// which patterns it is not the first of ours, so that areas are the same for every spacing; the
/// axes (z, y, x) are those of its arrays as SimpleITK gives them.
struct SurfelAreas {
  /// The area of each pattern, mm².
  let areas: [Double]

  /// Computes the areas.
  /// - Parameter spacing: Distance of voxel centres along x, y and z, mm.
  init(spacing: SIMD3<Double>) {
    areas = (0..<256).map { pattern in
      let exception = Self.exceptions[pattern] ?? 0
      let cutsInside = (pattern.nonzeroBitCount <= 4) != (exception % 2 == 1)
      var rank = exception / 2
      var area = 0.0
      // The rank counts through the polygons' triangulations, the last polygon's fastest.
      for polygon in Self.polygons(pattern, cutsInside: cutsInside).reversed() {
        let choices = Self.triangulations(polygon)
        for triangle in choices[rank % choices.count] {
          area += Self.area(of: triangle, spacing: spacing)
        }
        rank /= choices.count
      }
      return area
    }
  }

  /// The lengths of the contour within one cell of a 2-D image; corner (j, k) is bit 3 - (2 j + k).
  ///
  /// Marching squares: one corner unlike the others is cut off, and so are two opposite ones.
  /// - Parameter spacing: Distance of pixel centres along x, y and z, mm; z is not looked at.
  /// - Returns: The length of each pattern, mm.
  static func lengths(spacing: SIMD3<Double>) -> [Double] {
    let diagonal = (spacing.x * spacing.x + spacing.y * spacing.y).squareRoot() / 2
    return (0..<16).map { pattern in
      switch pattern {
      case 0, 15: 0
      case 0b0011, 0b1100: spacing.x
      case 0b0101, 0b1010: spacing.y
      case 0b0110, 0b1001: 2 * diagonal
      default: diagonal
      }
    }
  }

  /// For each pattern twice the rank of its triangulation, plus one where the other corners are cut
  /// off.
  private static let exceptions: [Int: Int] = {
    let patterns: [Int: [Int]] = [
      1: [30, 54, 86],
      2: [21, 42, 76, 106, 108, 115, 140, 179, 213, 234],
      3: [147, 149],
      4: [
        13, 29, 45, 49, 53, 58, 59, 81, 92, 93, 116, 139, 162, 163, 166, 174, 196, 197, 198, 202,
        206, 226, 242,
      ],
      5: [57, 89, 210],
      6: [
        7, 11, 19, 35, 69, 75, 99, 101, 117, 135, 138, 186, 220, 236, 244, 248,
      ],
      7: [120, 154, 156, 180],
      22: [27, 39, 46, 71, 78, 83, 114, 141, 172, 177, 184, 209, 216, 228],
    ]
    return patterns.reduce(into: [:]) { table, entry in
      for pattern in entry.value { table[pattern] = entry.key }
    }
  }()

  private typealias Point = SIMD3<Int>

  /// The closed lines through the middles of edges, in halves of a cell, ordered (z, y, x).
  private static func polygons(_ pattern: Int, cutsInside: Bool) -> [[SIMD3<Int>]] {
    func isInside(_ corner: Point) -> Bool {
      pattern >> (7 - (4 * corner.x + 2 * corner.y + corner.z)) & 1 == 1
    }
    var neighbours: [Int: [Int]] = [:]
    for face in faces {
      let cuts = (0..<4).filter { isInside(face[$0]) != isInside(face[($0 + 1) % 4]) }
      // Lines between cuts, by the number of the edge that follows each corner.
      let lines: [(Int, Int)] =
        switch cuts.count {
        case 2: [(cuts[0], cuts[1])]
        case 4: (0..<4).filter { isInside(face[$0]) == cutsInside }.map { (($0 + 3) % 4, $0) }
        default: []
        }
      for (a, b) in lines {
        let (one, two) = (key(face, a), key(face, b))
        neighbours[one, default: []].append(two)
        neighbours[two, default: []].append(one)
      }
    }
    var polygons: [[Point]] = []
    var seen = Set<Int>()
    for start in neighbours.keys.sorted() where seen.insert(start).inserted {
      var polygon = [start]
      var at = start
      while let next = neighbours[at]?.first(where: { !seen.contains($0) }) {
        seen.insert(next)
        polygon.append(next)
        at = next
      }
      polygons.append(polygon.map { [$0 / 9, $0 / 3 % 3, $0 % 3] })
    }
    return polygons
  }

  /// The corners of the six faces, each in a circle.
  private static let faces: [[Point]] = (0..<3).flatMap { axis in
    (0..<2).map { side in
      [(0, 0), (1, 0), (1, 1), (0, 1)].map { a, b in
        var corner = Point.zero
        corner[axis] = side
        corner[axis == 0 ? 1 : 0] = a
        corner[axis == 2 ? 1 : 2] = b
        return corner
      }
    }
  }

  /// A number for the middle of the edge after a corner of a face.
  private static func key(_ face: [Point], _ corner: Int) -> Int {
    let middle = face[corner] &+ face[(corner + 1) % 4]
    return 9 * middle.x + 3 * middle.y + middle.z
  }

  /// All ways to cut a polygon into triangles without further points.
  private static func triangulations(_ polygon: [Point]) -> [[[SIMD3<Int>]]] {
    guard polygon.count > 2 else { return [[]] }
    var found: [[[Point]]] = []
    // The triangle at the line from the first to the last point has one of the others as its tip.
    for tip in 1..<(polygon.count - 1) {
      for left in triangulations(Array(polygon[...tip])) {
        for right in triangulations(Array(polygon[tip...])) {
          found.append(left + right + [[polygon[0], polygon[tip], polygon[polygon.count - 1]]])
        }
      }
    }
    return found
  }

  private static func area(of triangle: [Point], spacing: SIMD3<Double>) -> Double {
    let scale = SIMD3(spacing.z, spacing.y, spacing.x) / 2
    let a = SIMD3<Double>(triangle[1] &- triangle[0]) * scale
    let b = SIMD3<Double>(triangle[2] &- triangle[0]) * scale
    let normal = SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
    return (normal * normal).sum().squareRoot() / 2
  }
}
