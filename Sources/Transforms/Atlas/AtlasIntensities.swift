import Foundation

/// The intensities of an atlas's classes: a Gaussian each, and how many of its voxels hold nothing.
///
/// Kin (grey matter here and there, fluids) share one Gaussian at first and lean on it ever after, which
/// keeps small structures from taking what is not theirs (Puonti et al. 2016, "Fast and sequence-adaptive
/// whole-brain segmentation using parametric Bayesian modeling", NeuroImage 143, share them throughout).
struct AtlasIntensities: Sendable {
  /// The scale reaches a little beyond the brightest of the usual values.
  private static let scale: Float = 1.2
  /// Levels of intensity, those for nothing and for the unknown left out.
  private static let levels: Float = 253
  /// Deviations never fall below this.
  private static let deviationFloor = 0.015
  /// Density of anything at all, so that no voxel is impossible.
  private static let outlierDensity = 1e-3
  /// Share of a class of the brain that holds nothing.
  private static let emptyInBrain = 1e-4
  /// Density of nothing beside that of intensities.
  static let emptyDensity = 20.0
  /// Volume by which a class leans on its kin, mm³.
  private static let kinVolume = 300.0

  /// Classes.
  let classes: [AtlasClass]
  /// Their means.
  private(set) var means: [Double]
  /// Their variances.
  private(set) var variances: [Double]
  /// Shares of their voxels that hold nothing.
  private(set) var emptyShares: [Double]

  /// The level of an intensity: 1…254.
  @inline(__always)
  static func level(_ value: Float) -> UInt8 {
    UInt8(min(max(value * (levels / scale) + 1, 1), 254))
  }

  /// The intensity of a level.
  static func intensity(_ level: Int) -> Double {
    (Double(level) - 0.5) * Double(scale) / Double(levels)
  }

  /// Finds the Gaussians.
  /// - Parameters:
  ///   - counts: Voxels of each level that belong to each class.
  ///   - classes: The classes.
  ///   - voxelVolume: Volume of one, mm³.
  ///   - isFirst: Whether kin share one Gaussian.
  init(
    _ counts: [SIMD32<Double>],
    classes: [AtlasClass],
    voxelVolume: Double,
    isFirst: Bool
  ) {
    self.classes = classes
    var (volumes, means, variances) = ([Double](), [Double](), [Double]())
    emptyShares = []
    for (index, entry) in classes.enumerated() {
      var (sum, first, second) = (1e-3, 0.0, 0.0)
      for level in 1..<Int(AtlasExpectation.unknown) {
        let count = counts[level][index] * voxelVolume
        sum += count
        first += count * Self.intensity(level)
      }
      let mean = first / sum
      for level in 1..<Int(AtlasExpectation.unknown) {
        let gap = Self.intensity(level) - mean
        second += counts[level][index] * voxelVolume * gap * gap
      }
      volumes.append(sum)
      means.append(mean)
      variances.append(second / sum)
      let empty = counts[0][index] * voxelVolume
      emptyShares.append(
        entry.isRemovable ? (empty + 1) / (empty + sum + 20) : Self.emptyInBrain
      )
    }
    let weight = isFirst ? 1e7 : Self.kinVolume
    (self.means, self.variances) = (means, variances)
    for kin in Set(classes.compactMap(\.kin)).sorted() {
      let members = classes.indices.filter { classes[$0].kin == kin }
      var total = 0.0
      for member in members { total += volumes[member] }
      var (mean, variance) = (0.0, 0.0)
      for member in members { mean += volumes[member] * means[member] / total }
      for member in members {
        let gap = means[member] - mean
        variance += volumes[member] * (variances[member] + gap * gap) / total
      }
      for member in members {
        let own = volumes[member]
        let shared = (means[member] * own + weight * mean) / (own + weight)
        let gap = means[member] - shared
        self.means[member] = shared
        self.variances[member] =
          ((variances[member] + gap * gap) * own + weight * variance) / (own + weight)
      }
    }
    for index in classes.indices {
      self.variances[index] = max(
        self.variances[index],
        Self.deviationFloor * Self.deviationFloor
      )
    }
  }

  /// Likelihoods of each level.
  var table: [SIMD32<Float>] {
    var table = [SIMD32<Float>](repeating: .zero, count: AtlasExpectation.levelCount)
    for index in classes.indices {
      let full = 1 - emptyShares[index]
      for level in 1..<Int(AtlasExpectation.unknown) {
        let gap = Self.intensity(level) - means[index]
        let variance = variances[index]
        let density: Double =
          exp(-gap * gap / (2 * variance)) / (2 * Double.pi * variance).squareRoot()
        table[level][index] = Float(full * (density + Self.outlierDensity))
      }
      table[0][index] = Float(emptyShares[index] * Self.emptyDensity)
    }
    return table
  }

  /// What a bias field is found from.
  var biasTerms: AtlasExpectation.BiasTerms {
    var terms = AtlasExpectation.BiasTerms(first: .zero, second: .zero)
    for (index, entry) in classes.enumerated() where entry.isBrain {
      terms.first[index] = Float(means[index] / variances[index])
      terms.second[index] = Float(means[index] * means[index] / variances[index])
    }
    return terms
  }
}
