/// What metrics need to know about two masks beyond counts of voxels.
package struct MaskNeeds: OptionSet, Sendable {
  package let rawValue: Int

  package init(rawValue: Int) { self.rawValue = rawValue }

  /// Distances between border voxels.
  package static let borders = MaskNeeds(rawValue: 1)
  /// Distances between surface elements.
  package static let surfels = MaskNeeds(rawValue: 2)
  /// Centre lines.
  package static let centrelines = MaskNeeds(rawValue: 4)
  /// Connected components and their matches.
  package static let lesions = MaskNeeds(rawValue: 8)
  /// Betti numbers.
  package static let topology = MaskNeeds(rawValue: 16)
}

/// What is known about the two masks of one structure.
package struct MaskPair: Sendable {
  package let counts: ConfusionCounts
  package let voxelVolumeML: Double
  package let diagonalMM: Double
  package let policy: EmptyPolicy
  /// The structure's tolerance of boundary metrics, mm.
  package let toleranceMM: Double
  /// Distances between border voxels; nil when a mask is empty or no metric needs them.
  package let surfaces: SurfaceDistances?
  /// Distances between surface elements; nil when a mask is empty or no metric needs them.
  package let surfels: SurfelDistances?
  /// The overlap of centre lines; nil when a mask is empty or no metric needs it.
  package let centrelines: CentrelineOverlap?
  /// The matches of lesions; nil when both masks are empty or no metric needs them.
  package let lesions: LesionMatching?
  /// The difference of Betti numbers; nil when both masks are empty or no metric needs it.
  package let topology: TopologyDifference?

  package init(
    counts: ConfusionCounts,
    voxelVolumeML: Double,
    diagonalMM: Double,
    policy: EmptyPolicy,
    toleranceMM: Double,
    masks: CroppedMasks? = nil,
    needs: MaskNeeds = [],
    objects: LesionMatching? = nil
  ) {
    self.counts = counts
    self.voxelVolumeML = voxelVolumeML
    self.diagonalMM = diagonalMM
    self.policy = policy
    self.toleranceMM = toleranceMM
    let state = counts.emptyState
    let both = state == .neither ? masks : nil
    let either = state == .both ? nil : masks
    surfaces = needs.contains(.borders) ? both.flatMap { SurfaceDistances(of: $0) } : nil
    surfels = needs.contains(.surfels) ? both.flatMap { SurfelDistances(of: $0) } : nil
    centrelines = needs.contains(.centrelines) ? both.map { CentrelineOverlap(of: $0) } : nil
    lesions =
      needs.contains(.lesions) ? either.map { objects ?? LesionMatching(of: $0) } : nil
    topology = needs.contains(.topology) ? either.map { TopologyDifference(of: $0) } : nil
  }
}
