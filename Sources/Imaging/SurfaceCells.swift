/// The polygons of marching cubes for each way in which the eight corners of a cell may be inside.
///
/// Made by a rule instead of a list: the crossings of each face are joined so that corners inside
/// which meet only across the face's diagonal stay apart, whatever the other cells are. Both cells
/// of a face thus see the same lines, which makes every surface closed (Lorensen and Cline 1987,
/// "Marching cubes"; Nielson and Hamann 1991, "The asymptotic decider", on the faces in doubt).
struct SurfaceCells: Sendable {
  /// For each of 256 cases the triangles, as numbers of the cell's edges; see `edges`.
  let triangles: [[SIMD3<Int>]]

  /// The twelve edges of a cell: the corner where each begins, and its axis.
  static let edges: [(corner: Int, axis: Int)] = (0..<3).flatMap { axis in
    (0..<8).filter { $0 & (1 << axis) == 0 }.map { ($0, axis) }
  }

  init() {
    triangles = (0..<256).map(Self.triangles)
  }

  /// The edge between two corners that differ along one axis.
  private static func edge(_ one: Int, _ other: Int) -> Int {
    let corner = min(one, other)
    let axis = (one ^ other).trailingZeroBitCount
    return edges.firstIndex { $0.corner == corner && $0.axis == axis } ?? 0
  }

  /// The four corners of a face, against the clock when seen from outside the cell.
  private static func face(axis: Int, isUpper: Bool) -> [Int] {
    let (u, v) = (1 << ((axis + 1) % 3), 1 << ((axis + 2) % 3))
    let base = isUpper ? 1 << axis : 0
    let loop = [base, base | u, base | u | v, base | v]
    return isUpper ? loop : loop.reversed()
  }

  private static func triangles(of code: Int) -> [SIMD3<Int>] {
    func isInside(_ corner: Int) -> Bool { code & (1 << corner) != 0 }
    // On each face a line leads from where the loop of corners enters the inside back to where it
    // left; corners inside lie on its right, seen from outside the cell.
    var next: [Int: Int] = [:]
    for axis in 0..<3 {
      for isUpper in [false, true] {
        let loop = face(axis: axis, isUpper: isUpper)
        for place in 0..<4 where !isInside(loop[place]) && isInside(loop[(place + 1) % 4]) {
          var end = (place + 1) % 4
          while isInside(loop[(end + 1) % 4]) { end = (end + 1) % 4 }
          let entering = edge(loop[place], loop[(place + 1) % 4])
          let leaving = edge(loop[end], loop[(end + 1) % 4])
          next[entering] = leaving
        }
      }
    }
    var result: [SIMD3<Int>] = []
    while let start = next.keys.min() {
      var polygon = [start]
      while let following = next.removeValue(forKey: polygon[polygon.count - 1]),
        following != start
      {
        polygon.append(following)
      }
      result += triangulated(polygon)
    }
    return result
  }

  /// Cuts a polygon along diagonals that lie in no face of the cell, where another cell's polygon
  /// could have the same; among those along the first found.
  private static func triangulated(_ polygon: [Int]) -> [SIMD3<Int>] {
    if polygon.count == 3 { return [SIMD3(polygon[0], polygon[1], polygon[2])] }
    for place in polygon.indices {
      let before = polygon[(place + polygon.count - 1) % polygon.count]
      let after = polygon[(place + 1) % polygon.count]
      guard !shareFace(before, after) else { continue }
      var rest = polygon
      rest.remove(at: place)
      let further = triangulated(rest)
      guard !further.isEmpty else { continue }
      return [SIMD3(before, polygon[place], after)] + further
    }
    return []
  }

  private static func shareFace(_ one: Int, _ other: Int) -> Bool {
    let (first, second) = (edges[one], edges[other])
    return (0..<3).contains { axis in
      axis != first.axis && axis != second.axis
        && (first.corner >> axis) & 1 == (second.corner >> axis) & 1
    }
  }
}
