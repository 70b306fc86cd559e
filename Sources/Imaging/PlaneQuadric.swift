/// The sum of the squared distances of a point to planes, each weighed by a triangle's area
/// (Garland and Heckbert 1997, section 4).
struct PlaneQuadric {
  /// The symmetric matrix: xx, xy, xz, yy, yz, zz.
  private var matrix = [Double](repeating: 0, count: 6)
  private var linear = SIMD3<Double>.zero
  private var constant = 0.0

  init() {}

  /// The plane of a triangle; nothing for one without an area.
  init(_ corners: (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>)) {
    let normal = cross(corners.1 - corners.0, corners.2 - corners.0)
    let length = dot(normal, normal).squareRoot()
    guard length > 0 else { return }
    let (n, weight) = (normal / length, length / 2)
    let distance = -dot(n, corners.0)
    matrix = [
      weight * n.x * n.x, weight * n.x * n.y, weight * n.x * n.z, weight * n.y * n.y,
      weight * n.y * n.z, weight * n.z * n.z,
    ]
    linear = weight * distance * n
    constant = weight * distance * distance
  }

  static func += (left: inout PlaneQuadric, right: PlaneQuadric) {
    for place in 0..<6 { left.matrix[place] += right.matrix[place] }
    left.linear += right.linear
    left.constant += right.constant
  }

  static func + (left: PlaneQuadric, right: PlaneQuadric) -> PlaneQuadric {
    var sum = left
    sum += right
    return sum
  }

  private func product(_ point: SIMD3<Double>) -> SIMD3<Double> {
    [
      matrix[0] * point.x + matrix[1] * point.y + matrix[2] * point.z,
      matrix[1] * point.x + matrix[3] * point.y + matrix[4] * point.z,
      matrix[2] * point.x + matrix[4] * point.y + matrix[5] * point.z,
    ]
  }

  func error(at point: SIMD3<Double>) -> Double {
    dot(point, product(point)) + 2 * dot(linear, point) + constant
  }

  /// The point of the least error; nil where the planes do not determine one.
  var minimum: SIMD3<Double>? {
    let columns = [
      SIMD3(matrix[0], matrix[1], matrix[2]), SIMD3(matrix[1], matrix[3], matrix[4]),
      SIMD3(matrix[2], matrix[4], matrix[5]),
    ]
    let determinant = dot(columns[0], cross(columns[1], columns[2]))
    let trace = matrix[0] + matrix[3] + matrix[5]
    guard abs(determinant) > 1e-4 * trace * trace * trace else { return nil }
    let right = -linear
    return SIMD3(
      dot(right, cross(columns[1], columns[2])),
      dot(columns[0], cross(right, columns[2])),
      dot(columns[0], cross(columns[1], right))
    ) / determinant
  }
}
