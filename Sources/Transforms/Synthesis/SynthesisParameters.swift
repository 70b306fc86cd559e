/// All random numbers of one synthetic image.
///
/// Fields and noise are given by their seeds. Lengths are along the axes of the label map (right,
/// front, head).
public struct SynthesisParameters: Codable, Sendable, Equatable {
  /// The place of the map on which the patch is centred, mm from its first voxel's centre.
  public var center: SIMD3<Double>
  /// Rotations about x, then y, then z, radians.
  public var rotation: SIMD3<Double> = .zero
  /// Magnification of the object along each axis.
  public var scale: SIMD3<Double> = .one
  /// Shears of x along y, x along z and y along z.
  public var shear: SIMD3<Double> = .zero
  /// Standard deviation of the velocity field, mm.
  public var deformation = 0.0
  /// Seed of the velocity field.
  public var deformationSeed: UInt64 = 0
  /// Whether left and right are exchanged.
  public var mirrors = false

  /// Mean intensity of each of the table's entries.
  public var means: [Float]
  /// Standard deviation of the intensities of each of the table's entries.
  public var deviations: [Float]
  /// Seed of the intensities.
  public var intensitySeed: UInt64 = 0

  /// Whether the tissue outside the brain is removed.
  public var strips = false
  /// Whether stripping removes the fluid about the brain too.
  public var stripsFluid = false
  /// How many voxels about the brain stripping leaves.
  public var rim = 0
  /// Planes beyond which the head (not the brain) is removed: unit normal and distance from the
  /// patch's centre, mm.
  public var cuts: [SIMD4<Double>] = []

  /// Standard deviation of the logarithm of the bias field.
  public var bias = 0.0
  /// Seed of the bias field.
  public var biasSeed: UInt64 = 0
  /// Exponent on the intensities rescaled to 0…1.
  public var gamma = 1.0

  /// Distance of the voxels of the coarse image, mm; none is lost where it is below the patch's.
  public var acquiredSpacing: SIMD3<Double> = .zero
  /// Standard deviation of the blur along each axis, voxels of the patch.
  public var blur: SIMD3<Double> = .zero
  /// Place of the coarse image's first voxel, as a share of its spacing.
  public var phase: SIMD3<Double> = .zero
  /// Standard deviation of the coarse image's noise.
  public var noise = 0.0
  /// Seed of that noise.
  public var noiseSeed: UInt64 = 0
  /// Shares of the patch left dark at the low end of each axis.
  public var darkLower: SIMD3<Double> = .zero
  /// Shares of the patch left dark at the high end of each axis.
  public var darkUpper: SIMD3<Double> = .zero

  /// Creates parameters that change nothing: no deformation, bias, blur, noise or removal.
  /// - Parameters:
  ///   - center: The place of the map on which the patch is centred, mm.
  ///   - means: Intensity of each of the table's entries.
  public init(center: SIMD3<Double>, means: [Float]) {
    self.center = center
    self.means = means
    deviations = [Float](repeating: 0, count: means.count)
  }
}
