/// A surface of triangles in the patient, LPS mm.
///
/// Seen from outside, the corners of a triangle run against the clock (right-handed).
public struct SurfaceMesh: Equatable, Sendable {
  /// The corners' positions, LPS mm.
  public var vertices: [SIMD3<Double>]
  /// Three indices of vertices for each triangle.
  public var triangles: [SIMD3<Int32>]

  /// Creates a surface.
  /// - Parameters:
  ///   - vertices: The corners' positions, LPS mm.
  ///   - triangles: Three indices of vertices for each triangle.
  /// - Precondition: Every index names a vertex.
  public init(vertices: [SIMD3<Double>], triangles: [SIMD3<Int32>]) {
    precondition(
      triangles.allSatisfy { $0.min() >= 0 && Int($0.max()) < vertices.count },
      "a triangle names none of \(vertices.count) vertices"
    )
    self.vertices = vertices
    self.triangles = triangles
  }

  /// The surface's area, mm².
  public var areaMM2: Double {
    triangles.reduce(0) { sum, corners in
      let normal = doubleAreaNormal(corners)
      return sum + dot(normal, normal).squareRoot() / 2
    }
  }

  /// The enclosed volume, ml; negative when the surface is inside out.
  ///
  /// Sum of the tetrahedra between the triangles and the origin (the divergence theorem), which is
  /// the volume only of a closed surface.
  public var volumeML: Double {
    guard let origin = vertices.first else { return 0 }
    return triangles.reduce(0) { sum, corners in
      let (a, b, c) = positions(corners)
      return sum + dot(a - origin, cross(b - origin, c - origin)) / 6000
    }
  }

  /// Whether the surface is closed.
  ///
  /// Then each edge is shared by two triangles that pass it in opposite directions, and by no other.
  /// True without triangles.
  public var isWatertight: Bool {
    var edges: [SIMD2<Int32>: Int] = [:]
    edges.reserveCapacity(3 * triangles.count)
    for corners in triangles {
      for place in 0..<3 {
        edges[SIMD2(corners[place], corners[(place + 1) % 3]), default: 0] += 1
      }
    }
    return edges.allSatisfy { edge, count in
      count == 1 && edges[SIMD2(edge.y, edge.x)] == 1
    }
  }

  /// Unit normals of the vertices, outwards: the mean over a vertex's triangles by their areas; zero
  /// for a vertex without an area.
  public var vertexNormals: [SIMD3<Double>] {
    var normals = [SIMD3<Double>](repeating: .zero, count: vertices.count)
    for corners in triangles {
      let normal = doubleAreaNormal(corners)
      for place in 0..<3 { normals[Int(corners[place])] += normal }
    }
    return normals.map { normal in
      let length = dot(normal, normal).squareRoot()
      return length > 0 ? normal / length : .zero
    }
  }

  func positions(
    _ corners: SIMD3<Int32>
  ) -> (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>) {
    (vertices[Int(corners.x)], vertices[Int(corners.y)], vertices[Int(corners.z)])
  }

  /// The normal of a triangle, twice as long as its area.
  func doubleAreaNormal(_ corners: SIMD3<Int32>) -> SIMD3<Double> {
    let (a, b, c) = positions(corners)
    return cross(b - a, c - a)
  }
}
