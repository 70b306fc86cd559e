/// A classical restoration of an image: its values change, its grid stays.
///
/// Conforming types hold nothing but their parameters' values. Results do not depend on the number of
/// threads.
package protocol VolumeFilter: Codable, Sendable {
  /// How the filter is called in `lamina enhance --model NAME`.
  static var name: String { get }
  /// Where it comes from: authors, year, title.
  static var paper: String { get }
  /// Whether it takes noise away, so that it is for each colour of a picture, not for the luma alone.
  static var removesNoise: Bool { get }
  /// What it can be told.
  static var parameters: [FilterParameter] { get }

  /// The values of the parameters.
  var values: FilterValues { get }

  /// Makes the filter of values for all parameters.
  init(_ values: FilterValues)

  /// The restored image.
  /// - Parameter image: Finite values, not all the same.
  /// - Returns: As many values.
  func filtered(_ image: FilterImage) -> [Float]
}

extension VolumeFilter {
  /// Values beyond this, whose squares single precision could not add up, are refused.
  package static var largestValue: Float { 1e12 }

  /// Makes the filter of some values; the others are the standard ones.
  /// - Parameter parameters: Values by name.
  /// - Throws: `TransformsError` when a name is unknown or a value out of its range.
  package init(parameters: [String: Double] = [:]) throws(TransformsError) {
    self.init(try FilterValues(parameters, of: Self.parameters, filter: Self.name))
  }

  /// Reads the parameters, an object of numbers; missing ones are the standard ones.
  package init(from decoder: any Decoder) throws {
    try self.init(parameters: decoder.singleValueContainer().decode([String: Double].self))
  }

  /// Writes the parameters, an object of numbers.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(values.all)
  }

  /// The restored image; an image of one value is returned as it is.
  /// - Parameters:
  ///   - values: The image, x fastest.
  ///   - size: Voxels along x, y and z; any of them may be 1.
  ///   - spacing: Distance of voxels, mm.
  /// - Returns: As many values on the same grid.
  /// - Throws: `TransformsError` when a value is not finite or larger than 10^12.
  /// - Precondition: As many values as the size says, and a positive spacing.
  package func apply(
    _ values: [Float],
    size: SIMD3<Int>,
    spacing: SIMD3<Double> = .one
  ) throws(TransformsError) -> [Float] {
    precondition(values.count == size.x * size.y * size.z, "\(values.count) values for \(size)")
    precondition(spacing.min() > 0, "a spacing of \(spacing) mm")
    var (low, high, undefined) = (Float.infinity, -Float.infinity, 0)
    for value in values {
      if !value.isFinite { undefined += 1 }
      low = min(low, value)
      high = max(high, value)
    }
    guard undefined == 0 else { throw .undefinedValues(count: undefined) }
    guard low < high else { return values }
    guard max(-low, high) <= Self.largestValue else { throw .valuesTooLarge(limit: 1e12) }
    return filtered(FilterImage(values: values, size: size, spacing: spacing))
  }
}
