import Support

/// What a scanner does to an image, with all its numbers fixed: the same numbers give the same bytes.
///
/// Random numbers are drawn beforehand (`DegradationRanges`); noise is a function of its seed, whatever
/// the number of threads.
package protocol Degradation: Codable, Sendable, Equatable {
  /// Says whether the numbers have a meaning.
  /// - Throws: `TransformsError.degradationOutOfRange`.
  func validate() throws(TransformsError)

  /// The degraded image.
  func degraded(_ image: FilterImage) -> [Float]
}

extension Degradation {
  /// The degraded image, on the same grid.
  /// - Parameters:
  ///   - values: The image, x fastest.
  ///   - size: Voxels along x, y and z.
  ///   - spacing: Distance of voxels, mm.
  /// - Returns: As many values.
  /// - Throws: `TransformsError` when a setting has no meaning or a value is not finite.
  /// - Precondition: As many values as the size says, and a positive spacing.
  package func apply(
    _ values: [Float],
    size: SIMD3<Int>,
    spacing: SIMD3<Double> = .one
  ) throws(TransformsError) -> [Float] {
    precondition(values.count == size.x * size.y * size.z, "\(values.count) values for \(size)")
    precondition(spacing.min() > 0, "a spacing of \(spacing) mm")
    try validate()
    let undefined = values.reduce(0) { $0 + ($1.isFinite ? 0 : 1) }
    guard undefined == 0 else { throw .undefinedValues(count: undefined) }
    return degraded(FilterImage(values: values, size: size, spacing: spacing))
  }

  /// Throws unless a number lies in a range.
  func check(_ setting: String, _ value: Double, _ range: ClosedRange<Double>)
    throws(TransformsError)
  {
    guard range.contains(value) else {
      throw .degradationOutOfRange(setting: setting, value: value)
    }
  }
}

extension Array where Element == Float {
  /// Each value changed with random numbers of its own; pieces of fixed length have streams of their own.
  func disturbed(
    seed: UInt64,
    _ body: @escaping @Sendable (Float, Int, inout RandomStream) -> Float
  ) -> [Float] {
    let length = 4096
    let stream = RandomStream(seed: seed)
    return .filled(count: count, pieces: (count + length - 1) / length) { pieces, target in
      for piece in pieces {
        var random = stream.split(piece)
        for i in piece * length..<Swift.min(count, (piece + 1) * length) {
          target[i] = body(self[i], i, &random)
        }
      }
    }
  }
}
