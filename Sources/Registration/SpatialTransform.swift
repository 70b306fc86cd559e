import Imaging

/// A map from points of the fixed image to points of the moving one, LPS mm.
///
/// It says where each voxel of the fixed image finds its value in the moving image, so that a moved
/// image needs no inverse.
public protocol SpatialTransform: Sendable {
  /// Where a point of the fixed image lies in the moving one.
  /// - Parameter point: LPS mm.
  /// - Returns: LPS mm.
  func position(of point: SIMD3<Double>) -> SIMD3<Double>

  /// The derivative of `position(of:)`.
  /// - Parameter point: LPS mm.
  /// - Returns: Column a is the derivative along axis a; its determinant is the local change of volume.
  func jacobian(at point: SIMD3<Double>) -> Matrix3
}

/// A transform of the form x ↦ M (x − c) + c + t.
public protocol LinearTransform: SpatialTransform {
  /// c, the point about which it turns, LPS mm.
  var center: SIMD3<Double> { get }
  /// t, mm.
  var translation: SIMD3<Double> { get }
  /// M.
  var matrix: Matrix3 { get }
}

extension LinearTransform {
  /// Where a point of the fixed image lies in the moving one.
  /// - Parameter point: LPS mm.
  /// - Returns: M (x − c) + c + t.
  public func position(of point: SIMD3<Double>) -> SIMD3<Double> {
    matrix * (point - center) + center + translation
  }

  /// The derivative, which is the same everywhere.
  /// - Parameter point: LPS mm.
  /// - Returns: M.
  public func jacobian(at point: SIMD3<Double>) -> Matrix3 { matrix }
}
