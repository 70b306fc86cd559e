/// How far the random choices of synthetic training images go; a value for plans.
///
/// The defaults are SynthSeg's or near them (Billot et al., 2023, "SynthSeg: Segmentation of brain MRI
/// scans of any contrast and resolution without retraining", Medical Image Analysis 86). Our own
/// additions, to be nearer to what scanners and programs make, are the share of T1-like and T2-like
/// contrasts, equal intensities of both sides, what is removed about the brain, cut fields of view, and
/// noise after the loss of resolution. Intensities are on a scale of 0…255 until the last normalisation.
public struct SynthesisSettings: Codable, Sendable, Equatable {
  /// Largest rotation either way about each axis, degrees.
  public var rotationDegrees = 20.0
  /// Largest relative change of size along each axis, for 1 − scaling to 1 + scaling.
  public var scaling = 0.15
  /// Largest shear either way of each pair of axes.
  public var shear = 0.015
  /// Largest shift either way, beyond those that keep the labelled box in the patch, mm.
  ///
  /// Windows that predict a scan lie half a window apart; the brain is off their middles by a quarter.
  public var translationMM = 20.0
  /// Probability that the patch lies anywhere in the map instead, as windows on neck and air do.
  public var elsewhereProbability = 0.25
  /// Largest standard deviation of the stationary velocity field, mm.
  public var deformationMM = 4.0
  /// Distance between the velocity field's random nodes, mm.
  public var deformationSpacingMM = 25.0
  /// Probability that left and right are exchanged.
  public var mirrorProbability = 0.5

  /// Largest mean intensity of a group of labels.
  public var meanLimit = 255.0
  /// Largest standard deviation of intensities within a group.
  public var deviationLimit = 35.0
  /// Probability that the background is dark; it is a group like the others if not.
  public var darkBackgroundProbability = 0.5
  /// Probability that both sides of a pair of labels share their intensities.
  public var symmetryProbability = 0.7
  /// Probability that mean intensities follow the table's T1-like means, where it has them.
  public var t1Probability = 0.25
  /// Probability that a T1-like image of the brain is inverted, which makes it T2-like.
  public var inversionProbability = 0.3
  /// Largest standard deviation of intensities within a group of a T1-like image.
  public var t1DeviationLimit = 15.0

  /// Probability that all tissue outside the brain is removed.
  public var strippingProbability = 0.4
  /// Probability that stripping leaves the fluid about the brain.
  public var fluidProbability = 0.5
  /// Largest width of what stripping leaves about the brain, voxels.
  public var rimVoxels = 2
  /// Probability that the neck and perhaps the face are removed, where the head is not stripped.
  public var trimmingProbability = 0.3

  /// Largest standard deviation of the logarithm of the bias field.
  public var biasDeviation = 0.6
  /// Distance between the bias field's random nodes, mm.
  public var biasSpacingMM = 50.0
  /// Standard deviation of the logarithm of the exponent on intensities.
  public var gammaDeviation = 0.4

  /// Probability that the resolution is left at the patch's.
  public var fullResolutionProbability = 0.25
  /// Probability that a loss of resolution is the same along all axes.
  public var isotropyProbability = 0.4
  /// Largest spacing of images of equal spacing along all axes, mm.
  public var isotropicLimitMM = 4.0
  /// Largest distance of slices of images that are coarse along one axis, mm.
  public var sliceLimitMM = 9.0
  /// Least standard deviation of the blur along axes that lose no resolution, voxels.
  ///
  /// It stands for the partial volumes of voxels that cover several voxels of the label map.
  public var leastBlurVoxels = 0.3
  /// Largest standard deviation of that blur, voxels.
  public var largestBlurVoxels = 0.6
  /// Largest standard deviation of the noise of the coarse image.
  public var noiseLimit = 12.0
  /// Probability that the field of view ends within the patch.
  public var cutProbability = 0.1
  /// Largest share of the patch that a cut field of view leaves dark at one end of an axis.
  public var cutLimit = 0.3

  /// Creates the defaults.
  public init() {}
}
