/// An atlas laid over a scan, with the intensities of its classes.
package struct AtlasFit: Sendable {
  /// From the scan's RAS mm to the atlas's space.
  package var placement: AffineMap
  /// The grid of the fields.
  var grid: AtlasGrid
  /// From a point to its place in the atlas, mm.
  var displacement: AtlasExpectation.Field
  /// The logarithm of the bias field.
  var logBias: [Float]
  /// The classes' intensities.
  var intensities: AtlasIntensities
  /// How much better the atlas foretells the scan than a histogram does, nats a point of the atlas's grid;
  /// points that the scan does not cover tell nothing.
  package var gain: Double
}
