/// A 3x3 matrix of doubles, stored as columns.
public struct Matrix3: Equatable, Hashable, Sendable, Codable {
  /// The columns.
  public var columns: [SIMD3<Double>]

  /// Creates a matrix of its columns.
  /// - Parameters:
  ///   - first: Column 0.
  ///   - second: Column 1.
  ///   - third: Column 2.
  public init(_ first: SIMD3<Double>, _ second: SIMD3<Double>, _ third: SIMD3<Double>) {
    columns = [first, second, third]
  }

  /// The identity.
  public static let identity = Matrix3([1, 0, 0], [0, 1, 0], [0, 0, 1])

  /// The element of a row and a column.
  public subscript(row: Int, column: Int) -> Double { columns[column][row] }

  /// The matrix with rows and columns exchanged.
  public var transposed: Matrix3 {
    Matrix3(
      [columns[0].x, columns[1].x, columns[2].x],
      [columns[0].y, columns[1].y, columns[2].y],
      [columns[0].z, columns[1].z, columns[2].z]
    )
  }

  /// The determinant.
  public var determinant: Double { dot(columns[0], cross(columns[1], columns[2])) }

  /// The product with a vector.
  public static func * (matrix: Matrix3, vector: SIMD3<Double>) -> SIMD3<Double> {
    matrix.columns[0] * vector.x + matrix.columns[1] * vector.y + matrix.columns[2] * vector.z
  }

  /// The product of two matrices.
  public static func * (left: Matrix3, right: Matrix3) -> Matrix3 {
    Matrix3(left * right.columns[0], left * right.columns[1], left * right.columns[2])
  }

  /// The largest deviation of the columns from an orthonormal system.
  ///
  /// The maximum of |mᵀm − 1| over its elements; not-a-number elements give infinity.
  public var orthonormalityError: Double {
    var worst = 0.0
    for i in 0..<3 {
      for j in 0..<3 {
        let deviation = abs(dot(columns[i], columns[j]) - (i == j ? 1 : 0))
        worst = deviation.isFinite ? max(worst, deviation) : .infinity
      }
    }
    return worst
  }
}

/// The scalar product.
/// - Parameters:
///   - a: A vector.
///   - b: Another.
/// - Returns: Σ aᵢbᵢ.
public func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { (a * b).sum() }

/// The vector product.
/// - Parameters:
///   - a: A vector.
///   - b: Another.
/// - Returns: The vector normal to both, by the right-hand rule.
public func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
  [a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x]
}
