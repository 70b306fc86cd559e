import Imaging

/// A linear map without arrays, for inner loops: x ↦ c₀ x + c₁ y + c₂ z + offset.
struct FastLinear: Sendable {
  let c0: SIMD3<Double>
  let c1: SIMD3<Double>
  let c2: SIMD3<Double>
  let offset: SIMD3<Double>

  init(_ matrix: Matrix3, offset: SIMD3<Double>) {
    c0 = matrix.columns[0]
    c1 = matrix.columns[1]
    c2 = matrix.columns[2]
    self.offset = offset
  }

  /// The map of a transform.
  init(_ transform: some LinearTransform) {
    self.init(
      transform.matrix,
      offset: transform.center + transform.translation - transform.matrix * transform.center
    )
  }

  /// From voxel indices to positions.
  init(indicesOf geometry: ImageGeometry) {
    self.init(
      Matrix3(
        geometry.direction.columns[0] * geometry.spacing.x,
        geometry.direction.columns[1] * geometry.spacing.y,
        geometry.direction.columns[2] * geometry.spacing.z
      ),
      offset: geometry.origin
    )
  }

  /// From positions to voxel indices.
  init(toIndicesOf geometry: ImageGeometry) {
    self.init(
      Self.scaledAxes(geometry.direction, geometry.spacing),
      offset: geometry.index(ofPosition: .zero)
    )
  }

  /// From positions to units of a control grid.
  init(toGridOf transform: BSplineTransform) {
    let turned = transform.direction.transposed
    self.init(
      Self.scaledAxes(transform.direction, transform.spacing),
      offset: -((turned * transform.origin) / transform.spacing)
    )
  }

  /// The matrix that takes shifts in mm to steps of a grid.
  private static func scaledAxes(_ direction: Matrix3, _ spacing: SIMD3<Double>) -> Matrix3 {
    let turned = direction.transposed
    return Matrix3(
      turned.columns[0] / spacing,
      turned.columns[1] / spacing,
      turned.columns[2] / spacing
    )
  }

  var matrix: Matrix3 { Matrix3(c0, c1, c2) }

  /// This map after another.
  func after(_ first: FastLinear) -> FastLinear {
    FastLinear(matrix * first.matrix, offset: callAsFunction(first.offset))
  }

  @inline(__always)
  func callAsFunction(_ point: SIMD3<Double>) -> SIMD3<Double> {
    c0 * point.x + c1 * point.y + c2 * point.z + offset
  }

  /// The linear part alone.
  @inline(__always)
  func turned(_ vector: SIMD3<Double>) -> SIMD3<Double> {
    c0 * vector.x + c1 * vector.y + c2 * vector.z
  }
}
