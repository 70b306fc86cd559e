import Support

/// How training patches of volumes are changed at random; a value for plans.
///
/// The defaults are those of nnU-Net v2 (Isensee et al., "nnU-Net: a self-configuring method for deep
/// learning-based biomedical image segmentation", Nature Methods 18, 2021, supplementary information;
/// the numbers are those of version 2.8 with batchgeneratorsv2 0.3). Each change happens with its
/// probability; its numbers are uniform in its range, except that those of brightness, contrast and
/// gamma fall below and above 1 equally often.
///
/// A patch is anisotropic when its longest side is more than `anisotropy` times its extent along z.
/// Then slices are kept: rotation about z alone and by up to `inPlaneRotationDegrees`; scaling,
/// deformation and loss of resolution within slices.
public struct VolumeAugmentation: Codable, Sendable, Equatable {
  /// Probability of a rotation.
  public var rotationProbability = 0.2
  /// Largest rotation about each axis either way, degrees.
  public var rotationDegrees = 30.0
  /// Largest rotation about z either way where the patch is anisotropic, degrees.
  public var inPlaneRotationDegrees = 180.0
  /// The ratio of sides above which a patch is anisotropic.
  public var anisotropy = 3.0
  /// Probability of scaling.
  public var scalingProbability = 0.2
  /// Voxels of the case per voxel of the patch, the same along all axes; above 1 objects shrink.
  public var scaling = 0.7...1.4
  /// Probability of an elastic deformation; nnU-Net uses none.
  public var deformationProbability = 0.0
  /// Distance of the deformation's control points, voxels.
  public var deformationSpacing = 16.0
  /// Largest displacement along each axis, voxels; more than 0.4 of the spacing counts as 0.4 of it.
  ///
  /// With that limit nothing folds (Choi and Lee, "Injectivity conditions of 2D and 3D uniform cubic
  /// B-spline functions", Graphical Models 62, 2000: 0.4033 of the spacing).
  public var deformation = 0.0...4.0
  /// Probability of noise.
  public var noiseProbability = 0.1
  /// Standard deviation of the noise, the same in all channels; nnU-Net calls it a variance.
  public var noise = 0.0...0.1
  /// Probability of a blur.
  public var blurProbability = 0.2
  /// Standard deviation of the Gaussian blur along each axis, voxels.
  public var blur = 0.5...1.0
  /// Probability of a change of brightness.
  public var brightnessProbability = 0.15
  /// Factor on the intensities.
  public var brightness = 0.75...1.25
  /// Probability of a change of contrast.
  public var contrastProbability = 0.15
  /// Factor on the distance from the mean.
  public var contrast = 0.75...1.25
  /// Probability of a loss of resolution.
  public var lowResolutionProbability = 0.25
  /// Share of the resolution that is left, the same along all axes.
  public var lowResolution = 0.5...1.0
  /// Probability of a gamma change of the negated intensities.
  public var invertedGammaProbability = 0.1
  /// Probability of a gamma change.
  public var gammaProbability = 0.3
  /// Exponent on the intensities rescaled to 0…1.
  public var gamma = 0.7...1.5
  /// Probability that a blur or a loss of resolution, if it happens, reaches a channel.
  public var channelProbability = 0.5
  /// Axes that may be mirrored: 0 for x, 1 for y, 2 for z.
  public var mirrorAxes = [0, 1, 2]
  /// Probability that each of these axes is mirrored.
  public var mirrorProbability = 0.5
  /// Pairs of classes that are exchanged when the axis between left and right is mirrored.
  public var swaps: [[Int]] = []
  /// The axis between left and right: x, unless the plan turns the axes.
  public var leftRightAxis = 0

  /// Creates nnU-Net's settings, which the properties show.
  public init() {}

  /// No change at all.
  public static let none = {
    var result = VolumeAugmentation()
    result.rotationProbability = 0
    result.scalingProbability = 0
    result.noiseProbability = 0
    result.blurProbability = 0
    result.brightnessProbability = 0
    result.contrastProbability = 0
    result.lowResolutionProbability = 0
    result.invertedGammaProbability = 0
    result.gammaProbability = 0
    result.mirrorProbability = 0
    return result
  }()

  /// Draws one transform.
  /// - Parameters:
  ///   - patchSize: Voxels of the patch along x, y and z.
  ///   - channels: The number of images, each of which gets intensities of its own; with fewer than the
  ///     patch has, the remaining ones are changed as the last.
  ///   - random: The stream to draw from.
  /// - Returns: A transform with all its numbers fixed.
  public func draw(
    patchSize: SIMD3<Int>,
    channels: Int = 1,
    _ random: inout RandomStream
  ) -> VolumeTransform {
    let keepsSlices = Double(patchSize.max()) > anisotropy * Double(patchSize.z)
    var transform = VolumeTransform()
    drawGeometry(of: &transform, keepsSlices: keepsSlices, &random)
    transform.intensities = drawIntensities(channels: channels, keepsSlices: keepsSlices, &random)
    transform.mirroredAxes = mirrorAxes.filter { _ in random.chance(mirrorProbability) }
    if transform.mirroredAxes.contains(leftRightAxis) { transform.swaps = swaps }
    return transform
  }

  private func drawGeometry(
    of transform: inout VolumeTransform,
    keepsSlices: Bool,
    _ random: inout RandomStream
  ) {
    func angle(_ degrees: Double) -> Double {
      random.uniform(in: -1..<1) * degrees * .pi / 180
    }
    if random.chance(rotationProbability) {
      transform.rotation =
        keepsSlices
        ? [0, 0, angle(inPlaneRotationDegrees)]
        : [angle(rotationDegrees), angle(rotationDegrees), angle(rotationDegrees)]
    }
    if random.chance(scalingProbability) {
      let scale = uniform(scaling, &random)
      transform.scaling = [scale, scale, keepsSlices ? 1 : scale]
    }
    if random.chance(deformationProbability) {
      let limit = 0.4 * deformationSpacing
      let size = min(uniform(deformation, &random), limit)
      transform.deformation = [size, size, keepsSlices ? 0 : size]
      transform.deformationSpacing = deformationSpacing
      transform.deformationSeed = random.next()
    }
  }

  private func drawIntensities(
    channels: Int,
    keepsSlices: Bool,
    _ random: inout RandomStream
  ) -> [IntensityChange] {
    var changes = [IntensityChange](repeating: IntensityChange(), count: channels)
    if random.chance(noiseProbability) {
      let deviation = uniform(noise, &random)
      for i in changes.indices {
        changes[i].noise = deviation
        changes[i].noiseSeed = random.next()
      }
    }
    if random.chance(blurProbability) {
      for i in changes.indices where random.chance(channelProbability) {
        changes[i].blur = [
          uniform(blur, &random), uniform(blur, &random), uniform(blur, &random),
        ]
      }
    }
    if random.chance(brightnessProbability) {
      for i in changes.indices { changes[i].brightness = factor(brightness, &random) }
    }
    if random.chance(contrastProbability) {
      for i in changes.indices { changes[i].contrast = factor(contrast, &random) }
    }
    if random.chance(lowResolutionProbability) {
      for i in changes.indices where random.chance(channelProbability) {
        let share = uniform(lowResolution, &random)
        changes[i].lowResolution = [share, share, keepsSlices ? 1 : share]
      }
    }
    if random.chance(invertedGammaProbability) {
      for i in changes.indices { changes[i].invertedGamma = factor(gamma, &random) }
    }
    if random.chance(gammaProbability) {
      for i in changes.indices { changes[i].gamma = factor(gamma, &random) }
    }
    return changes
  }

  private func uniform(_ range: ClosedRange<Double>, _ random: inout RandomStream) -> Double {
    range.lowerBound + random.uniform() * (range.upperBound - range.lowerBound)
  }

  /// A factor of the range that lies below 1 and above 1 equally often.
  private func factor(_ range: ClosedRange<Double>, _ random: inout RandomStream) -> Double {
    if random.chance(0.5), range.lowerBound < 1 {
      return uniform(range.lowerBound...min(1, range.upperBound), &random)
    }
    return uniform(min(max(range.lowerBound, 1), range.upperBound)...range.upperBound, &random)
  }
}
