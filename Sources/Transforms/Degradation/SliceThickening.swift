import Foundation

/// Thin slices made into thick ones: the profile of a slice, and fewer of them.
///
/// The profile is Gaussian of the slice's thickness as its full width at half maximum (the profile of
/// usual MR pulses; the excitation of Zhao et al., 2021, "SMORE", is one) or a box (CT, averaged slices).
/// Slices follow each other every thickness + gap and lie in the middle of the field of view; the image
/// continues beyond its ends by the weights that are left.
package struct SliceThickening: Codable, Sendable, Equatable {
  /// The sensitivity of a slice along its axis.
  package enum Profile: String, Codable, Sendable, CaseIterable {
    /// A Gaussian; the thickness is its full width at half maximum.
    case gaussian
    /// All of the thickness alike.
    case box
  }

  /// The axis across slices: 0, 1 or 2.
  package var axis: Int
  /// Thickness of slices, mm.
  package var thicknessMM: Double
  /// Distance from one slice's end to the next one's beginning, mm; below 0 they overlap.
  package var gapMM: Double
  /// The profile.
  package var profile: Profile

  /// Fixes the numbers.
  package init(axis: Int, thicknessMM: Double, gapMM: Double = 0, profile: Profile = .gaussian) {
    (self.axis, self.thicknessMM, self.gapMM, self.profile) = (axis, thicknessMM, gapMM, profile)
  }

  /// A thick-slice image and where it lies.
  package struct Result: Sendable, Equatable {
    /// The values, x fastest.
    package let values: [Float]
    /// Their size.
    package let size: SIMD3<Int>
    /// Their distance, mm.
    package let spacing: SIMD3<Double>
    /// The first slice's centre, in voxels of the thin image along the axis.
    package let firstCenter: Double
  }

  /// A Gaussian that ends at 4 deviations on either side of its place, wherever that lies.
  private static func gaussian(
    inputs: Int,
    _ places: [Double],
    _ deviation: Double
  ) -> BandedPass {
    // A place between two inputs has both, however narrow the Gaussian is.
    let reach = max(4 * deviation, 0.5)
    return BandedPass(inputs: inputs, places: places, taps: 2 * Int(reach.rounded(.up)) + 3) {
      guard abs($0) <= reach else { return 0 }
      return max(exp(-0.5 * ($0 / deviation) * ($0 / deviation)), 1e-30)
    }
  }

  /// The thick slices.
  /// - Parameters:
  ///   - values: The image, x fastest.
  ///   - size: Its size.
  ///   - spacing: Distance of voxels, mm.
  /// - Returns: At least one slice.
  /// - Throws: `TransformsError` when a setting has no meaning or a value is not finite.
  package func apply(
    _ values: [Float],
    size: SIMD3<Int>,
    spacing: SIMD3<Double>
  ) throws(TransformsError) -> Result {
    precondition(values.count == size.x * size.y * size.z, "\(values.count) values for \(size)")
    guard (0...2).contains(axis) else {
      throw .degradationOutOfRange(setting: "axis", value: Double(axis))
    }
    guard thicknessMM > 0, thicknessMM.isFinite else {
      throw .degradationOutOfRange(setting: "thickness", value: thicknessMM)
    }
    let distance = thicknessMM + gapMM
    guard distance >= spacing[axis], distance.isFinite else {
      throw .degradationOutOfRange(setting: "distance of slices", value: distance)
    }
    let undefined = values.reduce(0) { $0 + ($1.isFinite ? 0 : 1) }
    guard undefined == 0 else { throw .undefinedValues(count: undefined) }
    let step = distance / spacing[axis]
    let count = max(1, Int(Double(size[axis]) / step))
    let first = (Double(size[axis] - 1) - Double(count - 1) * step) / 2
    let places = (0..<count).map { first + Double($0) * step }
    let width = thicknessMM / spacing[axis]
    let pass =
      switch profile {
      case .gaussian:
        Self.gaussian(inputs: size[axis], places, width / GaussianBlur.widthsPerDeviation)
      case .box:
        BandedPass(
          inputs: size[axis],
          places: places,
          taps: Int(width.rounded(.up)) + 3
        ) { max(0, min($0 + 0.5, width / 2) - max($0 - 0.5, -width / 2)) }
      }
    var (newSize, newSpacing) = (size, spacing)
    (newSize[axis], newSpacing[axis]) = (count, distance)
    return Result(
      values: pass.applied(to: values, size: size, axis: axis),
      size: newSize,
      spacing: newSpacing,
      firstCenter: first
    )
  }
}
