import Imaging

extension BSplineTransform: Codable {
  private enum Key: String, CodingKey { case origin, spacing, direction, size, coefficients }

  /// Writes the grid, and three numbers for each control point.
  /// - Parameter encoder: Where to write.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(origin, forKey: .origin)
    try container.encode(spacing, forKey: .spacing)
    try container.encode(direction, forKey: .direction)
    try container.encode(size, forKey: .size)
    try container.encode(coefficients.flatMap { [$0.x, $0.y, $0.z] }, forKey: .coefficients)
  }

  /// Reads a grid and checks it.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`; `RegistrationError.damagedTransform` for impossible values.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let values = try container.decode([Float].self, forKey: .coefficients)
    let size = try container.decode(SIMD3<Int>.self, forKey: .size)
    let origin = try container.decode(SIMD3<Double>.self, forKey: .origin)
    let spacing = try container.decode(SIMD3<Double>.self, forKey: .spacing)
    let direction = try container.decode(Matrix3.self, forKey: .direction)
    func check(_ condition: Bool, _ reason: String) throws {
      if !condition { throw RegistrationError.damagedTransform(reason: reason) }
    }
    for axis in 0..<3 {
      try check(
        (4...Self.mostControlPoints).contains(size[axis]),
        "\(size[axis]) control points along axis \(axis)"
      )
      try check(
        spacing[axis].isFinite && spacing[axis] > 0 && origin[axis].isFinite,
        "the control grid has no place"
      )
    }
    let expected = Double(size.x) * Double(size.y) * Double(size.z) * 3
    try check(
      Double(values.count) == expected,
      "\(values.count) numbers where the grid has \(Int(expected))"
    )
    try check(values.allSatisfy(\.isFinite), "a displacement is not finite")
    try check(
      direction.columns.count == 3
        && direction.orthonormalityError <= ImageGeometry.orthonormalityTolerance,
      "the control grid's axes are not at right angles"
    )
    self.init(
      origin: origin,
      spacing: spacing,
      direction: direction,
      size: size,
      coefficients: (0..<values.count / 3).map {
        SIMD4(values[3 * $0], values[3 * $0 + 1], values[3 * $0 + 2], 0)
      }
    )
  }
}
