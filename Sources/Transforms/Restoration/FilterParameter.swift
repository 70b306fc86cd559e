/// A number that a filter can be told, with what it is when nobody says.
package struct FilterParameter: Sendable, Equatable {
  /// How it is written, as in `nlm:h=0.8`.
  package let name: String
  /// Its value when not given.
  package let standard: Double
  /// What it may be.
  package let range: ClosedRange<Double>
  /// Whether only whole numbers have a meaning.
  package let isWhole: Bool
  /// What it does, with its unit.
  package let meaning: String

  /// Describes a parameter.
  package init(
    _ name: String,
    _ standard: Double,
    _ range: ClosedRange<Double>,
    isWhole: Bool = false,
    _ meaning: String
  ) {
    (self.name, self.standard, self.range) = (name, standard, range)
    (self.isWhole, self.meaning) = (isWhole, meaning)
  }

  /// Whether slices are filtered by themselves or the volume as a whole.
  static let dimensions = FilterParameter(
    "dimensions",
    3,
    2...3,
    isWhole: true,
    "2 filters every slice by itself, 3 the volume"
  )

  /// The noise's standard deviation.
  static let sigma = FilterParameter(
    "sigma",
    0,
    0...1e9,
    "standard deviation of the noise, in the image's unit; 0 estimates it"
  )
}
