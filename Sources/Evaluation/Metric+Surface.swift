extension Metric {
  /// Distances between the surfaces of two masks.
  ///
  /// The surface is the set of border voxels: those with a face neighbour outside the mask, or at
  /// the edge of the grid. Distances run between voxel centres, in mm.
  static let surface: [Metric] = [
    distance(
      "hd",
      "Hausdorff distance",
      "The largest distance from a border voxel of one mask to the nearest of the other, mm."
    ) { max($0.toReference.last ?? 0, $0.toPrediction.last ?? 0) },
    distance(
      "hd95",
      "Hausdorff distance, 95th percentile",
      "The larger of the two directed 95th percentiles of border distances (linear interpolation), "
        + "as in MONAI and Metrics Reloaded."
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
        + "as in Metrics Reloaded."
    ) {
      ($0.toReference.reduce(0, +) + $0.toPrediction.reduce(0, +))
        / Double($0.toReference.count + $0.toPrediction.count)
    },
    distance(
      "masd",
      "Mean average surface distance",
      "The mean of the two directed mean border distances; MedPy calls it assd."
    ) {
      ($0.toReference.reduce(0, +) / Double($0.toReference.count)
        + $0.toPrediction.reduce(0, +) / Double($0.toPrediction.count)) / 2
    },
    mask(
      "nsd",
      "Surface Dice",
      better: .higher,
      needsSurfaces: true,
      "Normalised surface distance (Nikolov et al. 2018), by voxels: the share of border voxels of "
        + "both masks within the tolerance of the other border; empty masks by the policy."
    ) { pair in
      if let value = pair.policy.overlap(pair.counts.emptyState) { return value }
      guard let surfaces = pair.surfaces else { return .undefined(reason: "no surface") }
      let within =
        surfaces.toReference.count { $0 <= pair.toleranceMM + tolerance }
        + surfaces.toPrediction.count { $0 <= pair.toleranceMM + tolerance }
      let all = surfaces.toReference.count + surfaces.toPrediction.count
      return .value(Double(within) / Double(all))
    },
  ]

  /// Rounding of distances; 1 mm voxels must count as within 1 mm.
  private static let tolerance = 1e-6

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
      needsSurfaces: true,
      definition + " Empty masks by the policy."
    ) { pair in
      let state = pair.counts.emptyState
      if let value = pair.policy.distance(state, diagonalMM: pair.diagonalMM) { return value }
      guard let surfaces = pair.surfaces else { return .undefined(reason: "no surface") }
      return .value(evaluate(surfaces))
    }
  }
}
