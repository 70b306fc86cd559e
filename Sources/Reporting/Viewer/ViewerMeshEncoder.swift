import Imaging

/// Packs the surfaces of a case for the viewer.
///
/// Positions are whole steps of a box in 16 bits; positions and indices are written as differences
/// to the ones before, with the sign in the lowest bit, seven bits a byte (LEB128).
enum ViewerMeshEncoder {
  /// The triangles of all structures together.
  static let triangleBudget = 48_000
  /// No structure gets fewer, when it has as many.
  private static let fewestTriangles = 200

  /// The surfaces as the viewer reads them, with the index of each label; nil without any.
  static func mesh(
    _ surfaces: [LabelSurface],
    _ structures: [ViewerRecord.Structure]
  ) throws -> ViewerRecord.Mesh? {
    let indices = Dictionary(uniqueKeysWithValues: structures.map { ($0.label, $0.index) })
    let surfaces = simplified(surfaces.filter { indices[$0.definition.id] != nil })
    let points = surfaces.flatMap(\.mesh.vertices)
    guard let first = points.first else { return nil }
    let low = points.reduce(first) { pointwiseMin($0, $1) }
    let high = points.reduce(first) { pointwiseMax($0, $1) }
    let step = pointwiseMax((high - low) / 65535, SIMD3(repeating: 1e-6))
    var bytes: [UInt8] = []
    for surface in surfaces { add(surface.mesh, low, step, to: &bytes) }
    return ViewerRecord.Mesh(
      low: low.list,
      step: step.list,
      parts: surfaces.map {
        .init(
          label: indices[$0.definition.id] ?? 0,
          vertices: $0.mesh.vertices.count,
          triangles: $0.mesh.triangles.count
        )
      },
      data: try ViewerEncoder.packed(bytes)
    )
  }

  /// Each structure gets triangles in proportion to the root of what it has, so that small ones keep
  /// their shape.
  private static func simplified(_ surfaces: [LabelSurface]) -> [LabelSurface] {
    let total = surfaces.reduce(0) { $0 + $1.mesh.triangles.count }
    guard total > triangleBudget else { return surfaces }
    let roots = surfaces.map { Double($0.mesh.triangles.count).squareRoot() }
    let sum = roots.reduce(0, +)
    return zip(surfaces, roots).map { surface, root in
      let share = Int(Double(triangleBudget) * root / sum)
      var result = surface
      result.mesh = surface.mesh.simplified(toTriangles: max(fewestTriangles, share))
      return result
    }
  }

  private static func add(
    _ mesh: SurfaceMesh,
    _ low: SIMD3<Double>,
    _ step: SIMD3<Double>,
    to bytes: inout [UInt8]
  ) {
    func add(_ difference: Int) {
      var rest = difference < 0 ? -2 * difference - 1 : 2 * difference
      while rest > 127 {
        bytes.append(UInt8(rest & 127) | 128)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }
    var place = SIMD3(0, 0, 0)
    for point in mesh.vertices {
      for axis in 0..<3 {
        let next = Int(((point[axis] - low[axis]) / step[axis]).rounded())
        add(next - place[axis])
        place[axis] = next
      }
    }
    var corner = 0
    for corners in mesh.triangles {
      for axis in 0..<3 {
        add(Int(corners[axis]) - corner)
        corner = Int(corners[axis])
      }
    }
  }
}
