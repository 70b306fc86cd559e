import Imaging
import Support
import Transforms

/// A scan as the network's plan wants it: oriented, resampled, normalised.
package struct PreparedVolume: Sendable {
  /// Larger grids are refused before memory is taken for them.
  private static let maximumVoxelCount = 1 << 31

  /// The scan's own grid in the plan's orientation; predictions are made for its voxels.
  package let target: ImageGeometry
  /// The grid at the plan's spacing; equals `target` unless the scan was resampled.
  package let grid: ImageGeometry
  /// Normalised intensities on `grid`.
  package let voxels: [Float]

  /// Turns, resamples and normalises a scan.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - plan: What the network expects.
  /// - Throws: `ImagingError.invalidGeometry` for a grid that would be too large.
  package init(_ scan: Volume<Float>, plan: SegmentationPlan) throws(ImagingError) {
    let oriented = scan.reoriented(to: plan.orientation)
    target = oriented.geometry
    let wanted = SIMD3(plan.spacingMM[0], plan.spacingMM[1], plan.spacingMM[2])
    let deviation = (target.spacing - wanted) / wanted
    var values: [Float]
    // Pictures are seen pixel by pixel, whatever spacing their files name.
    if plan.picture != nil
      || (0..<3).allSatisfy({ abs(deviation[$0]) <= SegmentationPlan.spacingTolerance })
    {
      grid = target
      values = oriented.voxels
    } else {
      grid = try target.resampled(toSpacing: wanted)
      guard grid.voxelCount <= Self.maximumVoxelCount else {
        throw .invalidGeometry(
          reason: "at the model's spacing it would have \(grid.voxelCount) voxels"
        )
      }
      var finite = oriented
      for i in finite.voxels.indices where !finite.voxels[i].isFinite { finite.voxels[i] = 0 }
      values = finite.resampled(to: grid, interpolation: .cubicBSpline, outside: 0).voxels
    }
    plan.normalization.apply(to: &values)
    voxels = values
  }

  /// The number of slices at the plan's spacing.
  package var sliceCount: Int { grid.size.z }

  /// A slice with its neighbours as channels; beyond the volume its last slice is repeated.
  /// - Parameters:
  ///   - slice: The slice.
  ///   - context: Neighbours on each side.
  /// - Returns: 2 · context + 1 channels.
  package func stack(at slice: Int, context: Int) -> SliceStack {
    let plane = grid.size.x * grid.size.y
    var values: [Float] = []
    values.reserveCapacity((2 * context + 1) * plane)
    for neighbour in slice - context...slice + context {
      let index = min(max(neighbour, 0), sliceCount - 1)
      values += voxels[index * plane..<(index + 1) * plane]
    }
    return SliceStack(
      channels: 2 * context + 1,
      height: grid.size.y,
      width: grid.size.x,
      values: values
    )
  }
}
