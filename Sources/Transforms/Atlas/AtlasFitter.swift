import Foundation
import Support

/// Fits an atlas to a scan of any contrast: place, intensities, bias field and shape in turn.
///
/// The model is that of Ashburner and Friston 2005 ("Unified segmentation", NeuroImage 26) and Puonti
/// et al. 2016 (SAMSEG, NeuroImage 143): the atlas, deformed, gives each voxel's classes, and classes
/// have Gaussians of intensity under a smooth multiplicative bias. The bias field is the smoothed
/// weighted least-squares fit of Van Leemput et al. 1999, for a factor instead of a logarithm. Unlike
/// theirs our deformation is a smoothed field on the voxels.
package struct AtlasFitter: Sendable {
  /// Steps and iterations; a value for plans.
  package struct Settings: Sendable, Equatable, Codable {
    /// Iterations of the affine map at 4 mm.
    package var affineIterations = 14
    /// Iterations of the deformation at 4 mm.
    package var coarseIterations = 10
    /// Iterations of the deformation at the atlas's own step.
    package var fineIterations = 12
    /// Blur of the atlas while it is placed, mm.
    package var placingBlurMM = 3.0
    /// Deviation of the smoothing of the bias field, mm.
    package var biasMM = 25.0

    package init() {}
  }

  private let atlas: ProbabilisticAtlas
  private let settings: Settings
  /// The atlas at twice the step, blurred and not.
  private let placing: ProbabilisticAtlas
  private let coarse: ProbabilisticAtlas

  /// Prepares an atlas.
  package init(_ atlas: ProbabilisticAtlas, settings: Settings = Settings()) {
    self.atlas = atlas
    self.settings = settings
    let step = 2 * atlas.grid.step
    placing = atlas.coarsened(step: step, deviation: settings.placingBlurMM)
    coarse = atlas.coarsened(step: step, deviation: 0.5 * atlas.grid.step)
  }

  /// What one iteration knows of the image.
  private struct Image {
    let samples: AtlasScan.Samples
    var logBias: [Float]

    init(_ scan: AtlasScan, grid: AtlasGrid, placement: AffineMap) {
      samples = scan.samples(on: grid, placement: placement)
      logBias = [Float](repeating: 0, count: grid.count)
    }

    var levels: [UInt8] {
      samples.values.indices.map { index in
        let value = samples.values[index]
        if value == AtlasScan.Samples.unknown { return AtlasExpectation.unknown }
        if value == AtlasScan.Samples.empty { return 0 }
        return AtlasIntensities.level(value * expf(-logBias[index]))
      }
    }

    /// Finds the bias field anew.
    mutating func updateBias(_ expectation: AtlasExpectation, deviation: Double) {
      let grid = samples.grid
      let first = zip(expectation.biasFirst, samples.values).map { $0 * max($1, 0) }
      let second = expectation.biasSecond
      let mean = second.reduce(0.0) { $0 + Double($1) } / Double(max(second.count, 1))
      guard mean > 0 else { return }
      let coarse = grid.with(step: max(grid.step, deviation / 3))
      let sums = Parallelism.both(
        { grid.smoothed(first, deviation: deviation, to: coarse) },
        { grid.smoothed(second, deviation: deviation, to: coarse) }
      )
      let floor = Float(1e-3 * mean)
      let logs = zip(sums.0, sums.1).map { logf(min(max(($0 + floor) / ($1 + floor), 0.3), 3)) }
      // The brain keeps its mean, or the field and the Gaussians would drift against each other.
      var (sum, weight) = (0.0, 0.0)
      for (value, certain) in zip(logs, sums.1) {
        sum += Double(value) * Double(certain)
        weight += Double(certain)
      }
      let shift = Float(sum / max(weight, 1e-30))
      logBias = coarse.linear(logs.map { $0 - shift }, to: grid)
    }
  }

  /// Places the atlas from a first guess, without deforming it.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - guess: From the scan's RAS mm to the atlas's space.
  ///   - step: Distance of the points that are looked at, mm.
  ///   - iterations: How many.
  /// - Returns: The better placement, and how much it explains.
  func placed(
    _ scan: AtlasScan,
    guess: AffineMap,
    step: Double,
    iterations: Int
  ) -> (placement: AffineMap, gain: Double, intensities: AtlasIntensities?) {
    let grid = placing.grid.with(step: step)
    var image = Image(scan, grid: grid, placement: guess)
    var map = AffineMap.identity
    var intensities: AtlasIntensities?
    var gain = -Double.infinity
    for iteration in 0..<iterations {
      let levels = image.levels
      let expectation = AtlasExpectation(
        placing,
        grid: grid,
        levels: levels,
        displacement: AtlasRegistration.displacement(map, grid: grid),
        table: intensities?.table ?? Self.flatTable(placing.classes),
        bias: intensities?.biasTerms
      )
      guard expectation.pointCount > 0 else { break }
      if intensities != nil { gain = Self.gain(expectation, levels) }
      intensities = AtlasIntensities(
        expectation.counts,
        classes: placing.classes,
        voxelVolume: step * step * step,
        isFirst: iteration <= 4
      )
      guard iteration >= 2 else { continue }
      image.updateBias(expectation, deviation: settings.biasMM)
      map = AtlasRegistration.affineStep(expectation.forces, grid: grid, current: map)
    }
    return (map.after(guess), gain, intensities)
  }

  /// Fits the atlas to a scan.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - guess: From the scan's RAS mm to the atlas's space, within about 20 mm.
  ///   - interruption: Looked at between iterations.
  ///   - report: Told about each finished iteration.
  /// - Returns: The fit.
  /// - Throws: What `interruption` throws.
  package func fit(
    _ scan: AtlasScan,
    guess: AffineMap,
    interruption: Interruption,
    report: (Int) -> Void = { _ in }
  ) throws -> AtlasFit {
    try interruption.check()
    let start = placed(
      scan,
      guess: guess,
      step: placing.grid.step,
      iterations: settings.affineIterations
    )
    var done = settings.affineIterations
    report(done)
    var intensities = start.intensities
    var displacement: AtlasExpectation.Field?
    var logBias: [Float] = []
    var last = placing.grid
    var gain = start.gain
    for (atlas, iterations) in [
      (coarse, settings.coarseIterations), (atlas, settings.fineIterations),
    ] {
      let grid = atlas.grid
      var image = Image(scan, grid: grid, placement: start.placement)
      if !logBias.isEmpty { image.logBias = last.linear(logBias, to: grid) }
      var field = AtlasExpectation.Field(zeros: grid.count)
      if let displacement {
        field.x = last.linear(displacement.x, to: grid)
        field.y = last.linear(displacement.y, to: grid)
        field.z = last.linear(displacement.z, to: grid)
      }
      for _ in 0..<iterations {
        try interruption.check()
        let levels = image.levels
        let expectation = AtlasExpectation(
          atlas,
          grid: grid,
          levels: levels,
          displacement: field,
          table: intensities?.table ?? Self.flatTable(atlas.classes),
          bias: intensities?.biasTerms
        )
        gain = Self.gain(expectation, levels)
        intensities = AtlasIntensities(
          expectation.counts,
          classes: atlas.classes,
          voxelVolume: grid.step * grid.step * grid.step,
          isFirst: false
        )
        image.updateBias(expectation, deviation: settings.biasMM)
        AtlasRegistration.step(&field, forces: expectation.forces, grid: grid)
        done += 1
        report(done)
      }
      (displacement, logBias, last) = (field, image.logBias, grid)
    }
    let none = [SIMD32<Double>](repeating: .zero, count: AtlasExpectation.levelCount)
    return AtlasFit(
      placement: start.placement,
      grid: last,
      displacement: displacement ?? AtlasExpectation.Field(zeros: last.count),
      logBias: logBias,
      intensities: intensities
        ?? AtlasIntensities(none, classes: atlas.classes, voxelVolume: 1, isFirst: true),
      gain: gain
    )
  }

  /// Iterations of ``fit(_:guess:interruption:report:)``.
  package var iterationCount: Int {
    settings.affineIterations + settings.coarseIterations + settings.fineIterations
  }

  /// Likelihoods before anything is known of intensities.
  private static func flatTable(_ classes: [AtlasClass]) -> [SIMD32<Float>] {
    [SIMD32<Float>](repeating: .one, count: AtlasExpectation.levelCount)
  }

  /// The mean evidence beyond that of the image's own histogram, in units of both.
  ///
  /// Summed over points it is the information that the atlas has of the image.
  private static func gain(_ expectation: AtlasExpectation, _ levels: [UInt8]) -> Double {
    var counts = [Double](repeating: 0, count: AtlasExpectation.levelCount)
    for level in levels { counts[Int(level)] += 1 }
    let total = Double(expectation.pointCount)
    guard total > 0 else { return -.infinity }
    let width = AtlasIntensities.intensity(2) - AtlasIntensities.intensity(1)
    var own = 0.0
    for level in 0..<Int(AtlasExpectation.unknown) where counts[level] > 0 {
      let share = counts[level] / total
      // The density of nothing is that of the model.
      let density = level == 0 ? share * AtlasIntensities.emptyDensity : share / width
      own += counts[level] * log(density)
    }
    return (expectation.logLikelihood - own) / Double(levels.count)
  }
}
