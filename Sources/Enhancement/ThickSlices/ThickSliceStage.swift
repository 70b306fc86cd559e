import Imaging
import Pipelines
import Support

/// Makes thick slices thinner by what a scan's own slices show.
///
/// Zhao et al. 2021, "SMORE: A Self-Supervised Anti-Aliasing and Super-Resolution Algorithm for MRI Using
/// Deep Learning"; Remedios et al. 2023 for distances that are no multiple of the pixels'. Slices are sharp
/// within their plane: blurred along one of its axes as slices are across it, and interpolated again,
/// they teach a small network to undo that. It is then applied to the scan in the two views that look
/// along its slices. Differences: one network removes blur and aliasing at once, no patches are turned by
/// other angles, and the views' mean is taken.
///
/// Nothing is learned from other scans, so that no model is needed and none is kept. Held are the scan,
/// four images of the finer grid, and a few planes.
package struct ThickSliceStage: ScanStage {
  /// How the step is called.
  package static let name = "smore"

  /// What the user decided.
  package let settings: ThickSliceSettings

  /// Takes settings.
  /// - Parameter settings: What the user decided.
  package init(_ settings: ThickSliceSettings) { self.settings = settings }

  package var record: StageRecord {
    StageRecord(
      name: Self.name,
      summary: "Zhao et al. 2021, SMORE: self-supervised anti-aliasing and super-resolution; "
        + settings.summary
    )
  }

  package func check(_ scan: Volume<Float>, modality: String?, path: String) throws {
    do {
      _ = try SliceArrangement(of: scan.geometry, settings)
    } catch {
      throw PipelinesError.unsuitableScan(path: path, reason: error.reason)
    }
    try requireFinite(scan, path: path)
  }

  package func apply(
    _ scan: Volume<Float>,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> Volume<Float> {
    let arrangement = try SliceArrangement(of: scan.geometry, settings)
    let (lattice, axis) = (arrangement.lattice, arrangement.axis)
    guard let scale = EnhancementPlanner.magnitudeRange.scale(for: scan.voxels) else {
      let finer = try arrangement.refined(scan.geometry)
      return Volume(
        geometry: finer,
        voxels: [Float](repeating: scan.voxels[0], count: finer.voxelCount)
      )
    }
    progress.note("\(lattice.count) slices become \(lattice.fineCount).")
    // Slices last: the other axes keep their order.
    let order = [0, 1, 2].filter { $0 != axis } + [axis]
    let turned = scan.reoriented(to: try scan.geometry.orientation(ofAxes: order))
      .map { scale.scaled($0) }
    let sampler = try ThickSliceSampler(
      turned.voxels,
      size: turned.geometry.size,
      sharpAxes: arrangement.sharpAxes.compactMap { order.firstIndex(of: $0) },
      lattice: lattice,
      seed: settings.seed
    )
    let network = try ThickSliceTraining(
      duration: settings.duration,
      seed: settings.seed
    ).network(sampler, fold: lattice.fold, progress: progress, interruption: interruption)
    let fine = try arrangement.refined(scan.geometry)
    let smooth = turned.resampled(
      to: fine.reoriented(to: turned.geometry.orientation),
      interpolation: .cubicBSpline
    )
    let values = try ThickSliceViews(network, lattice: lattice).apply(
      smooth.voxels,
      size: smooth.geometry.size,
      progress: progress,
      interruption: interruption
    )
    guard values.allSatisfy(\.isFinite) else {
      throw EnhancementError.infiniteValues(model: Self.name)
    }
    let result = Volume(geometry: smooth.geometry, voxels: values.map { scale.restored($0) })
    // The grid as it was computed, not the twice reordered one, which differs by rounding.
    return Volume(
      geometry: fine,
      voxels: result.reoriented(to: scan.geometry.orientation).voxels
    )
  }
}
