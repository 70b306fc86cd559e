import Foundation
import Imaging

/// A rotation about a point, and a shift.
public struct RigidTransform: LinearTransform, Equatable, Codable {
  /// The point about which it turns, LPS mm; usually the fixed image's centre.
  public let center: SIMD3<Double>
  /// Angles about the axes x, y and z in radians; M = R_z R_y R_x.
  public var rotation: SIMD3<Double>
  /// The shift, mm.
  public var translation: SIMD3<Double>

  /// Creates a transform.
  /// - Parameters:
  ///   - center: The point about which it turns, LPS mm.
  ///   - rotation: Angles about x, y and z in radians.
  ///   - translation: The shift, mm.
  public init(
    center: SIMD3<Double>,
    rotation: SIMD3<Double> = .zero,
    translation: SIMD3<Double> = .zero
  ) {
    self.center = center
    self.rotation = rotation
    self.translation = translation
  }

  /// R_z R_y R_x.
  public var matrix: Matrix3 {
    Self.turn(2, rotation.z) * Self.turn(1, rotation.y) * Self.turn(0, rotation.x)
  }

  /// The derivatives of the matrix by the three angles.
  var matrixDerivatives: [Matrix3] {
    let (x, y, z) = (rotation.x, rotation.y, rotation.z)
    return [
      Self.turn(2, z) * Self.turn(1, y) * Self.turnDerivative(0, x),
      Self.turn(2, z) * Self.turnDerivative(1, y) * Self.turn(0, x),
      Self.turnDerivative(2, z) * Self.turn(1, y) * Self.turn(0, x),
    ]
  }

  /// The angles of a rotation matrix, R_z R_y R_x.
  /// - Parameter matrix: Orthonormal, of determinant 1.
  /// - Returns: Angles about x, y and z; the one about y within ± π/2.
  static func angles(of matrix: Matrix3) -> SIMD3<Double> {
    let y = asin(max(-1, min(1, -matrix[2, 0])))
    // At ± π/2 about y the other two turns are one; x is given it.
    let level = matrix[0, 0] * matrix[0, 0] + matrix[1, 0] * matrix[1, 0]
    guard level > 1e-12 else { return [atan2(-matrix[1, 2], matrix[1, 1]), y, 0] }
    return [atan2(matrix[2, 1], matrix[2, 2]), y, atan2(matrix[1, 0], matrix[0, 0])]
  }

  private static func turn(_ axis: Int, _ angle: Double) -> Matrix3 {
    plane(axis, cos(angle), sin(angle), along: 1)
  }

  private static func turnDerivative(_ axis: Int, _ angle: Double) -> Matrix3 {
    plane(axis, -sin(angle), cos(angle), along: 0)
  }

  /// The matrix [c −s; s c] in the plane across an axis.
  private static func plane(_ axis: Int, _ c: Double, _ s: Double, along: Double) -> Matrix3 {
    let (a, b) = ((axis + 1) % 3, (axis + 2) % 3)
    var columns = [SIMD3<Double>](repeating: .zero, count: 3)
    columns[axis][axis] = along
    columns[a][a] = c
    columns[a][b] = s
    columns[b][a] = -s
    columns[b][b] = c
    return Matrix3(columns[0], columns[1], columns[2])
  }
}
