extension Metric {
  /// Whether the value depends on the tolerance.
  public var usesTolerance: Bool { ["nsd", "nsdSurface", "boundaryIoU"].contains(key) }

  /// Distances between the surfaces of two masks.
  ///
  /// The surface is the set of border voxels: those with a face neighbour outside the mask, or at
  /// the edge of the grid; of a 2-D image, with an edge neighbour. Distances run between voxel
  /// centres, in mm. Voxels of an ignore label belong to no mask, so that a mask that reaches them
  /// has a border there.
  static let surface: [Metric] = [
    distance(
      "hd",
      "Hausdorff distance",
      "The largest distance from a border voxel of one mask to the nearest of the other, mm "
        + "(Huttenlocher et al. 1993); as in MONAI, MedPy, and SimpleITK between border masks."
    ) { max($0.toReference.last ?? 0, $0.toPrediction.last ?? 0) },
    distance(
      "hd95",
      "Hausdorff distance, 95th percentile",
      "The larger of the two directed 95th percentiles of border distances (linear interpolation), "
        + "as in Metrics Reloaded and MONAI, which rounds it to single precision (5e-6). DeepMind's robust Hausdorff weighs by area and does not "
        + "interpolate, MedPy pools (hd95Pooled): theirs differ."
    ) { max(percentile(0.95, of: $0.toReference), percentile(0.95, of: $0.toPrediction)) },
    distance(
      "hd95Pooled",
      "Hausdorff distance, pooled 95th percentile",
      "The 95th percentile of the border distances of both directions together, as in MedPy."
    ) { percentile(0.95, of: ($0.toReference + $0.toPrediction).sorted()) },
    distance(
      "assd",
      "Average symmetric surface distance",
      "The sum of the border distances of both directions over the number of border voxels of both, "
        + "as in Metrics Reloaded, MedPy 0.5 and MONAI (symmetric)."
    ) {
      ($0.toReference.reduce(0, +) + $0.toPrediction.reduce(0, +))
        / Double($0.toReference.count + $0.toPrediction.count)
    },
    distance(
      "masd",
      "Mean average surface distance",
      "The mean of the two directed mean border distances: of MedPy's two asd."
    ) {
      ($0.toReference.reduce(0, +) / Double($0.toReference.count)
        + $0.toPrediction.reduce(0, +) / Double($0.toPrediction.count)) / 2
    },
    mask(
      "nsd",
      "Surface Dice",
      better: .higher,
      needs: .borders,
      "Normalised surface distance (Nikolov et al. 2018), by voxels: the share of border voxels of "
        + "both masks at most the tolerance away from the other border, as MONAI's default; empty "
        + "masks by the policy. Distances up to 1e-6 mm above the tolerance count as equal to it."
    ) { pair in
      if let value = pair.policy.overlap(pair.counts.emptyState) { return value }
      guard let surfaces = pair.surfaces else { return .undefined(reason: "no surface") }
      let limit = pair.toleranceMM + boundaryRounding
      let within =
        surfaces.toReference.count { $0 <= limit } + surfaces.toPrediction.count { $0 <= limit }
      let all = surfaces.toReference.count + surfaces.toPrediction.count
      return .value(Double(within) / Double(all))
    },
    mask(
      "nsdSurface",
      "Surface Dice by area",
      better: .higher,
      needs: .surfels,
      "Normalised surface distance (Nikolov et al. 2018), by area: the share of both marching-cubes "
        + "surfaces' area at most the tolerance away from the other surface, as DeepMind's "
        + "compute_surface_dice_at_tolerance for arrays indexed (z, y, x); of 2-D images the share of "
        + "the contours' length. Empty masks by the policy. Distances up to 1e-6 mm above the "
        + "tolerance count as equal to it."
    ) { pair in
      if let value = pair.policy.overlap(pair.counts.emptyState) { return value }
      guard let surfels = pair.surfels else { return .undefined(reason: "no surface") }
      return .value(surfels.overlap(toleranceMM: pair.toleranceMM))
    },
    mask(
      "boundaryIoU",
      "Boundary IoU",
      better: .higher,
      needs: .borders,
      "Intersection over union of the masks' inner bands, the voxels at most the tolerance away from "
        + "their own border voxels (Cheng et al. 2021, who measure the band in pixels); empty masks "
        + "by the policy, as IoU."
    ) { pair in
      if let value = pair.policy.overlap(pair.counts.emptyState, bothEmptyIsOne: false) {
        return value
      }
      guard let surfaces = pair.surfaces else { return .undefined(reason: "no surface") }
      return .value(surfaces.bandOverlap(distanceMM: pair.toleranceMM))
    },
  ]

  private static func distance(
    _ key: String,
    _ name: String,
    _ definition: String,
    _ evaluate: @escaping @Sendable (SurfaceDistances) -> Double
  ) -> Metric {
    mask(
      key,
      name,
      unit: "mm",
      better: .lower,
      range: 0...(.infinity),
      needs: .borders,
      definition + " Empty masks by the policy."
    ) { pair in
      let state = pair.counts.emptyState
      if let value = pair.policy.distance(state, diagonalMM: pair.diagonalMM) { return value }
      guard let surfaces = pair.surfaces else { return .undefined(reason: "no surface") }
      return .value(evaluate(surfaces))
    }
  }
}
