import Foundation

/// What an image registration does.
public struct RegistrationSettings: Sendable, Equatable, Codable {
  /// The freedom of the transform; each kind starts from those before.
  public enum Kind: String, Sendable, CaseIterable, Codable {
    /// Three rotations and three shifts.
    case rigid
    /// Twelve parameters, after a rigid one.
    case affine
    /// A free-form deformation, after an affine one.
    case bspline
  }

  /// How the images are laid over each other at first.
  public enum Start: String, Sendable, CaseIterable, Codable {
    /// Of headers, centres and masses the one from which a short search at the coarsest level gets
    /// farthest.
    case automatic
    /// The positions in the headers.
    case header
    /// The centres of the fields of view.
    case center
    /// The centres of mass.
    case mass
    /// The centres of mass and the axes of the moments of inertia.
    case moments
  }

  /// The transform's kind.
  public var kind: Kind
  /// What makes images similar.
  public var measure: SimilarityMeasure
  /// How the images are laid over each other at first.
  public var start = Start.automatic
  /// Levels of the pyramid; fewer are used for small images.
  public var levels = 3
  /// Distance of the finest level's voxels, mm; nil for the fixed image's smallest spacing.
  public var finestSpacingMM: Double?
  /// The most bins of the joint histogram of mutual information (Mattes et al., 2003, use 32); fewer
  /// than 32768 samples get as many as their cube root, but at least 12.
  public var bins = 32
  /// The most samples for rigid and affine transforms.
  public var linearSamples = 40_000
  /// The most samples for free-form deformations.
  public var splineSamples = 400_000
  /// The most steps of rigid and affine transforms at each level.
  public var linearIterations = 60
  /// The most steps of free-form deformations at each level.
  public var splineIterations = 50
  /// Distance of the control points at the finest level, mm.
  public var controlSpacingMM = 10.0
  /// What the bending energy counts beside the similarity, mm².
  ///
  /// Colin 27 onto MNI152 by mutual information, control points every 10 mm: below 10 the deformation
  /// folds in places, from 50 on small structures are matched less well.
  public var bendingWeight = 20.0
  /// The least share of the samples that must lie in the moving image.
  public var leastOverlap = 0.2
  /// Which voxels are drawn as samples.
  public var seed: UInt64 = 0

  /// Creates settings.
  /// - Parameters:
  ///   - kind: The transform's kind.
  ///   - measure: What makes images similar.
  public init(kind: Kind = .affine, measure: SimilarityMeasure = .mutualInformation) {
    self.kind = kind
    self.measure = measure
  }

  /// The bins for a number of samples: a histogram that is hardly filled shows structure by chance.
  func bins(samples: Int) -> Int {
    min(bins, max(12, Int(cbrt(Double(samples)))))
  }

  /// Checks the ranges.
  /// - Throws: `RegistrationError.invalidSetting` with the first setting that is out of its range.
  public func check() throws(RegistrationError) {
    func require(_ name: String, _ value: Double, _ range: ClosedRange<Double>)
      throws(RegistrationError)
    {
      guard range.contains(value) else {
        throw .invalidSetting(
          name: name,
          reason: "\(value) is not \(range.lowerBound) to \(range.upperBound)"
        )
      }
    }
    try require("levels", Double(levels), 1...8)
    try require("finest spacing", finestSpacingMM ?? 1, 1e-3...1000)
    try require("bins", Double(bins), 8...256)
    try require("linear samples", Double(linearSamples), 100...1e9)
    try require("spline samples", Double(splineSamples), 100...1e9)
    try require("linear iterations", Double(linearIterations), 1...100_000)
    try require("spline iterations", Double(splineIterations), 1...100_000)
    try require("control spacing", controlSpacingMM, 0.1...1000)
    try require("bending weight", bendingWeight, 0...1e9)
    try require("least overlap", leastOverlap, 0.01...1)
  }
}
