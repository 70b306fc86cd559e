/// One of the eight ways to lay a square onto itself.
public struct SquareSymmetry: Sendable, Equatable {
  /// Whether rows and columns trade places; before the mirrors.
  public let transposes: Bool
  /// Whether columns run backwards.
  public let mirrorsColumns: Bool
  /// Whether rows run backwards.
  public let mirrorsRows: Bool

  /// The symmetry of a number.
  /// - Parameter number: 0 to 7; 0 is the identity.
  /// - Precondition: The number is one of these.
  public init(number: Int) {
    precondition((0..<8).contains(number), "a square has no symmetry \(number)")
    transposes = number & 4 != 0
    mirrorsColumns = number & 1 != 0
    mirrorsRows = number & 2 != 0
  }

  /// Nothing changes.
  public static let identity = SquareSymmetry(number: 0)

  /// Applies the symmetry to square planes.
  /// - Parameters:
  ///   - values: Planes of side x side values, row by row.
  ///   - side: Rows and columns of a plane.
  /// - Returns: The planes in the same order.
  /// - Precondition: Whole planes.
  public func applied<Value: BitwiseCopyable>(to values: [Value], side: Int) -> [Value] {
    let area = side * side
    precondition(side > 0 && values.count % area == 0, "\(values.count) values, side \(side)")
    if self == .identity { return values }
    var result = values
    for plane in stride(from: 0, to: values.count, by: area) {
      for row in 0..<side {
        for column in 0..<side {
          let (x, y) = (
            mirrorsColumns ? side - 1 - column : column, mirrorsRows ? side - 1 - row : row
          )
          result[plane + row * side + column] =
            values[plane + (transposes ? x * side + y : y * side + x)]
        }
      }
    }
    return result
  }
}
