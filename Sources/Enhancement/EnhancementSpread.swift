import Imaging

/// How far a model's results over the symmetries of planes lie apart.
///
/// It shows where the network is unsure of what it makes, not where it is wrong: what it invents in all
/// eight alike has no spread.
public struct EnhancementSpread: Codable, Sendable, Equatable {
  /// Symmetries of planes: 8, or 4 where columns and rows cannot trade places.
  public let symmetries: Int
  /// Whether the result is the mean over them; otherwise it is that of the image as it lies.
  public let isAveraged: Bool
  /// The mean standard deviation over the image, in its unit.
  public let mean: Double
  /// The 99th percentile of the standard deviations.
  public let percentile99: Double
  /// Pearson's correlation with the absolute error; nil where no reference is known, or one is constant.
  public var errorCorrelation: Double?

  init(of map: Volume<Float>, symmetries: Int, isAveraged: Bool) {
    self.symmetries = symmetries
    self.isAveraged = isAveraged
    mean = map.voxels.reduce(0) { $0 + Double($1) } / Double(map.voxels.count)
    let sorted = map.voxels.sorted()
    percentile99 = Double(sorted[Int(0.99 * Double(sorted.count - 1))])
  }

  /// Pearson's correlation of a map of spreads with the absolute error.
  /// - Parameters:
  ///   - map: The standard deviations.
  ///   - image: The result.
  ///   - reference: What it should be.
  /// - Returns: −1 to 1; nil when either is constant.
  /// - Precondition: All lie on grids of one size.
  package static func correlation(
    of map: Volume<Float>,
    errorOf image: Volume<Float>,
    against reference: Volume<Float>
  ) -> Double? {
    precondition(
      map.voxels.count == image.voxels.count && map.voxels.count == reference.voxels.count,
      "\(map.voxels.count), \(image.voxels.count) and \(reference.voxels.count) voxels"
    )
    let count = Double(map.voxels.count)
    let errors = zip(image.voxels, reference.voxels).map { abs(Double($0) - Double($1)) }
    let spreads = map.voxels.map { Double($0) }
    let (a, b) = (spreads.reduce(0, +) / count, errors.reduce(0, +) / count)
    var (covariance, first, second) = (0.0, 0.0, 0.0)
    for (spread, error) in zip(spreads, errors) {
      covariance += (spread - a) * (error - b)
      first += (spread - a) * (spread - a)
      second += (error - b) * (error - b)
    }
    let scale = (first * second).squareRoot()
    return scale > 0 ? covariance / scale : nil
  }
}
