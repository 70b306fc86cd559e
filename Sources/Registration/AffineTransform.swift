import Imaging

/// Any linear map about a point, and a shift: twelve parameters.
public struct AffineTransform: LinearTransform, Equatable, Codable {
  /// The point that the matrix leaves in place, LPS mm.
  public let center: SIMD3<Double>
  /// The linear part.
  public var matrix: Matrix3
  /// The shift, mm.
  public var translation: SIMD3<Double>

  /// Creates a transform.
  /// - Parameters:
  ///   - center: The point that the matrix leaves in place, LPS mm.
  ///   - matrix: The linear part.
  ///   - translation: The shift, mm.
  public init(
    center: SIMD3<Double>,
    matrix: Matrix3 = .identity,
    translation: SIMD3<Double> = .zero
  ) {
    self.center = center
    self.matrix = matrix
    self.translation = translation
  }

  /// The same map as another linear transform.
  /// - Parameter other: A rigid transform, for example.
  public init(_ other: some LinearTransform) {
    self.init(center: other.center, matrix: other.matrix, translation: other.translation)
  }
}
