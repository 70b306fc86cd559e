import ClassicalSegmentation
import Enhancement
import Foundation
import Imaging
import Support

/// What a harmonisation changed, and what it kept.
public struct HarmonizationChange: Codable, Sendable, Equatable {
  /// Limits beyond which anatomy may have changed.
  public struct Limits: Codable, Sendable, Equatable {
    /// The least correlation of gradients.
    public var gradientCorrelation = 0.9
    /// The least Dice of a tissue.
    public var dice = 0.9

    /// Creates the defaults that the properties show.
    public init() {}
  }

  /// The distance of the foreground's distribution from the group's, percent of the group's range.
  public let distanceBefore: Double
  /// That distance when the scan's median and quartiles alone are brought to the group's: what no
  /// more than a scale does; nil where the quartiles are one value.
  public let distanceScaled: Double?
  /// That distance afterwards.
  public let distanceAfter: Double
  /// Against the scan before, brought to the scale of the scan after by the best straight line.
  public let quality: ImageQuality
  /// Σ g·g′ / √(Σ |g|² Σ |g′|²) of the gradients before and after, in the foreground; 1 where they
  /// differ by a factor alone.
  public let gradientCorrelation: Double
  /// Dice between the tissues before and after: three classes of the foreground by Otsu's thresholds,
  /// the darkest first; nil for all where a foreground has too few values for three classes.
  public let tissueDice: [Double?]
  /// What may have changed anatomy, one sentence each.
  public let warnings: [String]

  /// The scan before, brought to the scale after by the best straight line; for maps.
  static func fitted(_ before: Volume<Float>, to after: Volume<Float>) -> Volume<Float> {
    var (n, sx, sy, sxx, sxy) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (a, b) in zip(before.voxels, after.voxels) where a.isFinite && b.isFinite {
      let (x, y) = (Double(a), Double(b))
      (n, sx, sy, sxx, sxy) = (n + 1, sx + x, sy + y, sxx + x * x, sxy + x * y)
    }
    let spread = n * sxx - sx * sx
    let slope = spread > 0 ? (n * sxy - sx * sy) / spread : 1
    let shift = n > 0 ? (sy - slope * sx) / n : 0
    return before.map { $0.isFinite ? Float(slope * Double($0) + shift) : 0 }
  }

  /// The scan after less the scan before, both on the scale after.
  /// - Parameters:
  ///   - before: The scan before.
  ///   - after: The scan after, on the same grid.
  /// - Returns: The difference.
  package static func difference(_ before: Volume<Float>, _ after: Volume<Float>) -> Volume<Float> {
    let line = fitted(before, to: after)
    return Volume(
      geometry: after.geometry,
      voxels: zip(after.voxels, line.voxels).map { $0.isFinite ? $0 - $1 : 0 }
    )
  }

  /// Compares a scan before and after.
  /// - Parameters:
  ///   - before: The scan before.
  ///   - after: The scan after, on the same grid.
  ///   - group: What it was to look like.
  ///   - limits: Beyond which anatomy may have changed.
  ///   - path: The scan's name for messages.
  /// - Throws: `StylizationError.noContrast`; `ImagingError.gridMismatch` for other sizes.
  package init(
    before: Volume<Float>,
    after: Volume<Float>,
    group: IntensityGroup,
    limits: Limits = Limits(),
    path: String
  ) throws {
    guard let old = ForegroundValues(before) else { throw StylizationError.noContrast(path: path) }
    guard before.geometry.size == after.geometry.size else {
      throw ImagingError.gridMismatch(reason: "the harmonised scan has another size")
    }
    let isForeground = before.voxels.map { $0.isFinite && $0 > old.edge }
    // The same voxels afterwards.
    let kept = zip(after.voxels, isForeground).compactMap { $1 && $0.isFinite ? $0 : nil }
    guard let new = ForegroundValues(kept, edge: -.infinity) else {
      throw StylizationError.noContrast(path: path)
    }
    let (low, high) = group.range
    func share(_ percentiles: [Double]) -> Double {
      100 * ForegroundValues.distance(percentiles, group.percentiles) / (high - low)
    }
    distanceBefore = share(old.percentiles)
    distanceAfter = share(new.percentiles)
    func quartiles(_ values: [Double]) -> (middle: Double, width: Double) {
      (
        ForegroundValues.at(50, values),
        ForegroundValues.at(75, values) - ForegroundValues.at(25, values)
      )
    }
    let (own, wanted) = (quartiles(old.percentiles), quartiles(group.percentiles))
    distanceScaled =
      own.width > 0
      ? share(
        old.percentiles.map { wanted.middle + ($0 - own.middle) / own.width * wanted.width }
      ) : nil
    let line = Self.fitted(before, to: after)
    let finite = after.map { $0.isFinite ? $0 : 0 }
    let range = ForegroundValues.at(99.5, new.percentiles) - Double(finite.voxels.min() ?? 0)
    quality = try ImageQuality(of: finite, reference: line, dataRange: max(range, 1e-12))
    gradientCorrelation = Self.correlation(line, finite, isForeground)
    tissueDice = Self.tissues(before.voxels, finite.voxels, isForeground)
    var warnings: [String] = []
    func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
    if gradientCorrelation < limits.gradientCorrelation {
      warnings.append(
        "Its edges changed: gradients correlate by \(rounded(gradientCorrelation)), less than "
          + "\(limits.gradientCorrelation). Anatomy may have changed; compare both scans."
      )
    }
    for (tissue, dice) in tissueDice.enumerated() {
      guard let dice, dice < limits.dice else { continue }
      warnings.append(
        "Tissue \(tissue + 1) of \(tissueDice.count) lies elsewhere: Dice \(rounded(dice)), less than "
          + "\(limits.dice). Anatomy may have changed; compare both scans."
      )
    }
    self.warnings = warnings
  }

  private static func correlation(
    _ a: Volume<Float>,
    _ b: Volume<Float>,
    _ isForeground: [Bool]
  ) -> Double {
    let size = a.geometry.size
    let steps = [1, size.x, size.x * size.y]
    let sums = Parallelism.collected(size.y * size.z) { line -> SIMD3<Double> in
      let (z, y) = (line / size.y, line % size.y)
      var sum = SIMD3<Double>.zero
      for x in 0..<size.x where isForeground[x + size.x * line] {
        let place = x + size.x * line
        for (axis, hasNext) in [x + 1 < size.x, y + 1 < size.y, z + 1 < size.z].enumerated()
        where hasNext {
          let next = place + steps[axis]
          let p = Double(a.voxels[next] - a.voxels[place])
          let q = Double(b.voxels[next] - b.voxels[place])
          sum += [p * q, p * p, q * q]
        }
      }
      return sum
    }
    let total = sums.reduce(.zero, +)
    let size2 = (total.y * total.z).squareRoot()
    return size2 > 0 ? total.x / size2 : 1
  }

  /// Classes of tissue, as many as `tissueDice` has values.
  package static let tissueCount = 3

  /// Compares the classes of tissue.
  /// - Parameters:
  ///   - before: Values before.
  ///   - after: Values after, all finite.
  ///   - isForeground: Which voxels count; their values before are finite.
  /// - Returns: Dice of each class; nil for all where there are too few values for so many classes.
  private static func tissues(
    _ before: [Float],
    _ after: [Float],
    _ isForeground: [Bool]
  ) -> [Double?] {
    func classes(_ values: [Float]) -> [Int]? {
      let kept = zip(values, isForeground).compactMap { $1 ? $0 : nil }
      let sorted = kept.sorted()
      // A few bright vessels must not take a class for themselves.
      let (low, high) = (sorted[sorted.count / 200], sorted[sorted.count - 1 - sorted.count / 200])
      let cut = kept.map { min(max($0, low), high) }
      guard let thresholds = try? MultiOtsu.thresholds(of: cut, classes: tissueCount) else {
        return nil
      }
      return cut.map { value in thresholds.count { value >= $0 } }
    }
    guard let old = classes(before), let new = classes(after) else {
      return [Double?](repeating: nil, count: tissueCount)
    }
    return (0..<tissueCount).map { tissue -> Double? in
      let (a, b) = (old.count { $0 == tissue }, new.count { $0 == tissue })
      let both = zip(old, new).count { $0 == tissue && $1 == tissue }
      return a + b > 0 ? 2 * Double(both) / Double(a + b) : nil
    }
  }
}
