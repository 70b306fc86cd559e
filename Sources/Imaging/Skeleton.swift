import CKernels
import Support

/// The centre lines of a mask, one voxel thick.
///
/// Thinning after Lee, Kashyap and Chu (1994, "Building skeleton models via 3-D medial surface/axis
/// thinning algorithms"): for one direction after another, all voxels with background on that side
/// are found whose removal would change neither the number of parts in their neighbourhood of 26
/// nor the Euler number, and that are not the end of a line; then they are removed one by one
/// unless that has become untrue. It ends when nothing changes.
///
/// The result depends on the order of directions and voxels, which is that of arrays indexed (z, y,
/// x), as SimpleITK gives them; nibabel's arrays are indexed (x, y, z), which may give other lines.
public enum Skeleton {
  /// What is looked at again before a voxel is removed.
  public enum Rule: Sendable {
    /// All conditions: pieces, tunnels and cavities stay. The order is that of scikit-image's
    /// development version of 2026.
    case strict
    /// Only that the voxel's neighbours hang together, as in scikit-image up to 0.26,
    /// `skeletonize(method="lee")`: a compact piece may shrink to two voxels and vanish.
    case scikitImage
  }

  /// Thins a mask.
  /// - Parameters:
  ///   - mask: One byte for each voxel, x fastest: 1 within, 0 outside.
  ///   - size: The grid's voxels along each axis.
  ///   - isPlanar: Whether the mask is a 2-D image; then the grid has one slice.
  ///   - rule: What is looked at again before a voxel is removed.
  /// - Returns: The centre lines in the same form.
  /// - Precondition: As many bytes as voxels, fewer than 2^32 with a margin of one around.
  public static func thinned(
    _ mask: [UInt8],
    size: SIMD3<Int>,
    isPlanar: Bool,
    rule: Rule = .strict
  ) -> [UInt8] {
    precondition(
      mask.count == size.x * size.y * size.z,
      "\(mask.count) values for a grid of \(size)"
    )
    let padded = size &+ 2
    let count = padded.x * padded.y * padded.z
    precondition(count < Int(UInt32.max), "\(count) voxels are too many")
    var field = [UInt8](repeating: 0, count: count)
    var points: [UInt32] = []
    for row in 0..<(size.y * size.z) {
      let (y, z) = (row % size.y, row / size.y)
      let start = 1 + padded.x * (y + 1 + padded.y * (z + 1))
      for x in 0..<size.x where mask[row * size.x + x] != 0 {
        field[start + x] = 1
        points.append(UInt32(start + x))
      }
    }
    var candidates = [UInt32](repeating: 0, count: points.count)
    ck_mask_thin(
      &field,
      Int64(padded.x),
      Int64(padded.y),
      isPlanar ? 1 : 0,
      rule == .scikitImage ? 1 : 0,
      &points,
      Int64(points.count),
      &candidates
    )
    var result = [UInt8](repeating: 0, count: mask.count)
    for row in 0..<(size.y * size.z) {
      let (y, z) = (row % size.y, row / size.y)
      let start = 1 + padded.x * (y + 1 + padded.y * (z + 1))
      for x in 0..<size.x { result[row * size.x + x] = field[start + x] }
    }
    return result
  }
}
