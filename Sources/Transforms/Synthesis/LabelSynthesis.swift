import Foundation
public import Support

/// Makes training images of any contrast and resolution from label maps alone.
///
/// The method is SynthSeg's (Billot et al., 2020, "A learning strategy for contrast-agnostic MRI
/// segmentation", MIDL; Billot et al., 2023, "SynthSeg", Medical Image Analysis 86): a label map is
/// deformed, every group of labels gets a random Gaussian of intensities, a bias field and a gamma
/// change the contrast, and blurring and coarse sampling take resolution away. Where we differ is
/// said at ``SynthesisSettings``; moreover the map is sampled on the result's grid at once, and a
/// small blur stands for partial volumes, because that is eight times faster at 2 mm.
public struct LabelSynthesis: Sendable {
  /// What the labels mean.
  public let table: SynthesisTable
  /// How far the random choices go.
  public let settings: SynthesisSettings
  /// Voxels of the result along x, y and z.
  public let patchSize: SIMD3<Int>
  /// Distance of the result's voxels, mm.
  public let spacing: SIMD3<Double>

  /// Creates a generator.
  /// - Parameters:
  ///   - table: What the labels mean.
  ///   - settings: How far the random choices go.
  ///   - patchSize: Voxels of the result along x, y and z.
  ///   - spacing: Distance of the result's voxels, mm.
  /// - Precondition: Sizes and spacings above 0.
  public init(
    table: SynthesisTable,
    settings: SynthesisSettings,
    patchSize: SIMD3<Int>,
    spacing: SIMD3<Double>
  ) {
    precondition(patchSize.min() > 0 && spacing.min() > 0, "\(patchSize) voxels of \(spacing) mm")
    self.table = table
    self.settings = settings
    self.patchSize = patchSize
    self.spacing = spacing
  }

  /// Chooses all random numbers of one sample.
  /// - Parameters:
  ///   - map: The label map.
  ///   - random: The source of random numbers.
  /// - Returns: Parameters for ``sample(_:_:)``.
  public func draw(
    from map: SynthesisMap,
    using random: inout RandomStream
  ) -> SynthesisParameters {
    let box = map.boxMM
    let extent = SIMD3<Double>(patchSize &- 1) * spacing
    let isElsewhere = random.chance(settings.elsewhereProbability)
    let (lower, upper) =
      isElsewhere ? (.zero, SIMD3<Double>(map.size &- 1) * map.spacing) : (box.lower, box.upper)
    var parameters = SynthesisParameters(center: (lower + upper) / 2, means: [])
    for axis in 0..<3 {
      // As far as a box that fits stays inside and one that does not fills the patch.
      let slack = abs(extent[axis] - (upper[axis] - lower[axis])) / 2
      parameters.center[axis] += random.symmetric(slack + settings.translationMM)
      parameters.rotation[axis] = random.symmetric(settings.rotationDegrees) * .pi / 180
      parameters.scale[axis] = 1 + random.symmetric(settings.scaling)
      parameters.shear[axis] = random.symmetric(settings.shear)
    }
    parameters.deformation = random.uniform() * settings.deformationMM
    parameters.deformationSeed = random.next()
    parameters.mirrors = random.chance(settings.mirrorProbability)
    drawRemovals(&parameters, box: box, using: &random)
    drawContrast(&parameters, using: &random)
    drawResolution(&parameters, using: &random)
    return parameters
  }

  private func drawRemovals(
    _ parameters: inout SynthesisParameters,
    box: (lower: SIMD3<Double>, upper: SIMD3<Double>),
    using random: inout RandomStream
  ) {
    if random.chance(settings.strippingProbability) {
      parameters.strips = true
      parameters.stripsFluid = !random.chance(settings.fluidProbability)
      parameters.rim = Int(random.uniform(in: 0..<Double(settings.rimVoxels + 1)))
    } else if random.chance(settings.trimmingProbability) {
      let bottom = parameters.center.z - box.lower.z + 20 * random.uniform()
      parameters.cuts.append([0, 0, -1, bottom])
      if random.chance(0.5) {
        // From the forehead down and back, as programs that remove faces cut.
        let angle = random.uniform(in: 30..<60) * .pi / 180
        let front = box.upper.y - parameters.center.y + 10 * random.uniform()
        let middle = (box.lower.z + box.upper.z) / 2 - parameters.center.z
        let distance = cos(angle) * front - sin(angle) * middle
        parameters.cuts.append([0, cos(angle), -sin(angle), distance])
      }
    }
    if random.chance(settings.cutProbability) {
      let axis = Int(random.uniform(in: 0..<3))
      parameters.darkLower[axis] = random.uniform() * settings.cutLimit
      if random.chance(0.5) { parameters.darkUpper[axis] = random.uniform() * settings.cutLimit }
    }
  }

  private func drawContrast(
    _ parameters: inout SynthesisParameters,
    using random: inout RandomStream
  ) {
    let entries = table.entries
    let isT1Like = random.chance(settings.t1Probability)
    let isInverted = random.chance(settings.inversionProbability)
    let isSymmetric = random.chance(settings.symmetryProbability) || isT1Like
    let isDark = random.chance(settings.darkBackgroundProbability) || parameters.strips || isT1Like
    let darkDeviation = random.chance(0.5) ? 0 : 10 * random.uniform()
    var groups: [Int: (mean: Double, jitter: Double, deviation: Double)] = [:]
    for (entry, mirror) in zip(entries, table.mirrors) {
      let key = isSymmetric ? min(entry.intensity, entries[mirror].intensity) : entry.intensity
      let group =
        groups[key]
        ?? (
          random.uniform() * settings.meanLimit,
          random.normal(),
          random.uniform() * (isT1Like ? settings.t1DeviationLimit : settings.deviationLimit)
        )
      groups[key] = group
      var (mean, deviation) = (group.mean, group.deviation)
      if isT1Like, let known = entry.t1Mean {
        mean = known + group.jitter * (entry.t1Deviation ?? 0)
        if isInverted, entry.location == .brain || entry.location == .fluid { mean = 255 - mean }
      }
      if isDark, entry.location == .background { (mean, deviation) = (0, darkDeviation) }
      parameters.means.append(Float(min(max(mean, 0), 255)))
      parameters.deviations.append(Float(deviation))
    }
    parameters.intensitySeed = random.next()
    parameters.bias = random.uniform() * settings.biasDeviation
    parameters.biasSeed = random.next()
    parameters.gamma = exp(random.normal() * settings.gammaDeviation)
  }

  private func drawResolution(
    _ parameters: inout SynthesisParameters,
    using random: inout RandomStream
  ) {
    for axis in 0..<3 {
      parameters.blur[axis] = random.uniform(
        in: settings.leastBlurVoxels..<max(settings.leastBlurVoxels, settings.largestBlurVoxels)
      )
      parameters.phase[axis] = random.uniform()
    }
    parameters.noiseSeed = random.next()
    guard !random.chance(settings.fullResolutionProbability) else { return }
    parameters.noise = random.uniform() * settings.noiseLimit
    var acquired = SIMD3<Double>.zero
    if random.chance(settings.isotropyProbability) {
      acquired = SIMD3(repeating: 1 + random.uniform() * max(settings.isotropicLimitMM - 1, 0))
    } else {
      let axis = Int(random.uniform(in: 0..<3))
      acquired[axis] = 1 + random.uniform() * max(settings.sliceLimitMM - 1, 0)
    }
    let share = random.uniform()
    let factor = random.uniform(in: 0.95..<1.05)
    for axis in 0..<3 where acquired[axis] > spacing[axis] {
      // Slices are at most as thick as they are apart.
      let thickness = spacing[axis] + share * (acquired[axis] - spacing[axis])
      parameters.acquiredSpacing[axis] = acquired[axis]
      parameters.blur[axis] = Self.blur(thickness: thickness / spacing[axis]) * factor
    }
  }

  /// Deviation of the Gaussian that divides the power at the coarse image's Nyquist frequency by ten.
  ///
  /// σ = 2 ln(10) / (2π) · thickness, in voxels (Billot et al., 2020, "Partial volume segmentation
  /// of brain MRI scans of any resolution and contrast", MICCAI).
  static func blur(thickness: Double) -> Double { 2 * log(10) / (2 * .pi) * thickness }
}

extension RandomStream {
  /// A number that is uniform between −limit and limit.
  fileprivate mutating func symmetric(_ limit: Double) -> Double { (2 * uniform() - 1) * limit }
}
