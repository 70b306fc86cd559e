/// Changes the number of samples of a grid along each axis, as `ImagePlanes` does for images.
package enum GridResizing {
  /// Values on a grid of another size, over the same field of view.
  ///
  /// Separable, by a triangle as wide as the larger of the two cells.
  /// - Parameters:
  ///   - values: The last axis fastest.
  ///   - size: Cells along each axis.
  ///   - newSize: Cells along each axis of the result.
  /// - Returns: The values.
  /// - Precondition: As many axes, at least one cell along each, and as many values as cells.
  package static func resized(_ values: [Float], from size: [Int], to newSize: [Int]) -> [Float] {
    precondition(
      size.count == newSize.count && values.count == size.reduce(1, *),
      "\(values.count) values for a grid of \(size)"
    )
    var (result, shape) = (values, size)
    for axis in size.indices.reversed() where shape[axis] != newSize[axis] {
      let weights = AxisWeights(from: shape[axis], to: newSize[axis])
      let inner = shape[(axis + 1)...].reduce(1, *)
      let outer = shape[..<axis].reduce(1, *)
      var next = [Float](repeating: 0, count: outer * newSize[axis] * inner)
      for block in 0..<outer {
        for place in 0..<newSize[axis] {
          for column in 0..<inner {
            next[(block * newSize[axis] + place) * inner + column] = weights.sum(at: place) {
              result[(block * shape[axis] + $0) * inner + column]
            }
          }
        }
      }
      result = next
      shape[axis] = newSize[axis]
    }
    return result
  }
}
