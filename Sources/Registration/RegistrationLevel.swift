import Imaging
import Support

/// One level of the pyramid: both images, smoothed and on coarser grids.
struct RegistrationLevel: Sendable {
  /// Distance of voxels, mm.
  let spacingMM: Double
  let fixed: Volume<Float>
  /// Where samples may lie, on the fixed image's grid of this level.
  let mask: LabelMap?
  let moving: MovingImage
  private let fixedRange: ClosedRange<Float>
  private let movingRange: ClosedRange<Float>

  /// Levels of fewer voxels tell too little.
  private static let fewestVoxels = 4000

  /// Makes the levels, the coarsest first.
  /// - Parameters:
  ///   - fixed: The fixed image.
  ///   - moving: The moving image.
  ///   - mask: Where samples may lie, on any grid.
  ///   - settings: Number and finest spacing.
  /// - Returns: At least one level.
  /// - Throws: `RegistrationError` for unfit images; `ImagingError` for impossible spacings.
  static func pyramid(
    fixed: Volume<Float>,
    moving: Volume<Float>,
    mask: LabelMap?,
    settings: RegistrationSettings
  ) throws -> [RegistrationLevel] {
    let fixedCheck = try ImageCheck(fixed, name: "fixed")
    let movingCheck = try ImageCheck(moving, name: "moving")
    if let mask, mask.resampled(to: fixed.geometry).labels.allSatisfy({ $0 == 0 }) {
      throw RegistrationError.emptyMask
    }
    let finest = max(settings.finestSpacingMM ?? 0, fixed.geometry.spacing.min())
    var levels: [RegistrationLevel] = []
    for number in (0..<settings.levels).reversed() {
      let spacing = finest * Double(1 << number)
      let still = try fixed.pyramidLevel(spacingMM: spacing)
      let moved = try moving.pyramidLevel(spacingMM: spacing)
      let mask = mask?.resampled(to: still.geometry)
      let count = mask?.labels.reduce(0) { $0 + ($1 == 0 ? 0 : 1) } ?? still.voxels.count
      let thinnest = min(still.geometry.size.min(), moved.geometry.size.min())
      guard number == 0 || (count >= fewestVoxels && thinnest >= 2 * ImageCheck.fewestVoxels) else {
        continue
      }
      levels.append(
        RegistrationLevel(
          spacingMM: spacing,
          fixed: still,
          mask: mask,
          moving: MovingImage(moved),
          // Smoothing narrows the range.
          fixedRange: (try? ImageCheck(still, name: "fixed"))?.range ?? fixedCheck.range,
          movingRange: (try? ImageCheck(moved, name: "moving"))?.range ?? movingCheck.range
        )
      )
    }
    return levels
  }

  /// The cost that a measure stands for, of a number of samples.
  func cost(_ settings: RegistrationSettings, samples: Int) -> any SimilarityCost {
    switch settings.measure {
    case .mutualInformation:
      MutualInformationCost(
        bins: settings.bins(samples: samples),
        fixedRange: fixedRange,
        movingRange: movingRange
      )
    case .crossCorrelation:
      CrossCorrelationCost(
        fixedOrigin: Double(fixedRange.lowerBound),
        movingOrigin: Double(movingRange.lowerBound)
      )
    case .meanSquares: MeanSquaresCost()
    }
  }

  /// Draws samples.
  /// - Parameters:
  ///   - limit: The most.
  ///   - random: Which.
  /// - Returns: The samples.
  /// - Throws: `RegistrationError.emptyMask`.
  func samples(limit: Int, random: RandomStream) throws(RegistrationError) -> SampleSet {
    try SampleSet(of: fixed, mask: mask, limit: limit, random: random)
  }
}
