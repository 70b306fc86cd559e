import Imaging

extension ImageGeometry {
  /// The orientation in which the grid's own axes stand in another order, none of them turned round.
  /// - Parameter order: The axes 0, 1 and 2 in the order wanted.
  /// - Returns: The orientation.
  /// - Throws: `ImagingError.invalidOrientation` when an axis is missing.
  func orientation(ofAxes order: [Int]) throws(ImagingError) -> Orientation {
    let letters = Array(orientation.code)
    return try Orientation(code: String(order.map { letters[$0] }))
  }
}
