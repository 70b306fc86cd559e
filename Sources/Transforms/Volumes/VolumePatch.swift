/// A box of voxels with its labels: a whole prepared case, or a patch of one.
public struct VolumePatch: Sendable, Equatable {
  /// The number of images that share the grid.
  public let channels: Int
  /// Voxels along x, y and z; slices lie along z.
  public let size: SIMD3<Int>
  /// `channels · x · y · z` values, channel slowest, x fastest.
  public var values: [Float]
  /// The class of each voxel, x fastest.
  public var classes: [UInt16]

  /// Creates a patch.
  /// - Parameters:
  ///   - channels: The number of images that share the grid.
  ///   - size: Voxels along x, y and z.
  ///   - values: The values, channel slowest, x fastest.
  ///   - classes: The class of each voxel, x fastest.
  /// - Precondition: As many values and classes as the size says.
  public init(channels: Int, size: SIMD3<Int>, values: [Float], classes: [UInt16]) {
    let voxels = size.x * size.y * size.z
    precondition(
      values.count == channels * voxels && classes.count == voxels,
      "\(values.count) values and \(classes.count) classes for \(channels) x \(size)"
    )
    self.channels = channels
    self.size = size
    self.values = values
    self.classes = classes
  }
}
