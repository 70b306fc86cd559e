/// What a registration found, and how.
public struct RegistrationResult: Sendable {
  /// One stage at one level of the pyramid.
  public struct Step: Sendable, Equatable, Codable {
    /// "start", "rigid", "affine" or "bspline".
    public let stage: String
    /// Distance of the level's voxels, mm.
    public let spacingMM: Double
    /// Distance of the control points, mm; nil for linear stages.
    public let controlSpacingMM: Double?
    /// Samples of the fixed image.
    public let samples: Int
    /// The similarity at the step's start.
    public let before: Double
    /// The similarity at its end.
    public let after: Double
    /// The cost after each iteration: the similarity, negative where more is better, plus the weighted
    /// bending energy.
    public let costs: [Double]
  }

  /// The transform, from the fixed image to the moving one.
  public let transform: CompositeTransform
  /// The start that was used.
  public let start: RegistrationSettings.Start
  /// The steps in their order.
  public let steps: [Step]
  /// Where the transform folds, over the fixed image's grid.
  public let folding: FoldCheck
}
