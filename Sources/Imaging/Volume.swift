/// A 3-D image: one value a voxel, and where the voxels lie.
///
/// The value at index (x, y, z) is `voxels[x + size.x * (y + size.y * z)]`. A volume knows no path,
/// no header and no patient.
public struct Volume<Scalar: BitwiseCopyable & Sendable>: Sendable {
  /// The grid.
  public let geometry: ImageGeometry
  /// The values, x fastest.
  public var voxels: [Scalar] {
    didSet { precondition(voxels.count == geometry.voxelCount, "the voxel count may not change") }
  }

  /// Creates a volume.
  /// - Parameters:
  ///   - geometry: The grid.
  ///   - voxels: One value for each voxel, x fastest.
  /// - Precondition: As many values as the grid has voxels.
  @inlinable
  public init(geometry: ImageGeometry, voxels: [Scalar]) {
    precondition(
      voxels.count == geometry.voxelCount,
      "\(voxels.count) values for a grid of \(geometry.voxelCount) voxels"
    )
    self.geometry = geometry
    self.voxels = voxels
  }

  /// The value of a voxel.
  @inlinable
  public subscript(x: Int, y: Int, z: Int) -> Scalar {
    get { voxels[geometry.offset(x, y, z)] }
    set { voxels[geometry.offset(x, y, z)] = newValue }
  }

  /// The volume with each value replaced.
  /// - Parameter transform: The new value of a value.
  /// - Returns: A volume of the same grid.
  @inlinable
  public func map<Other>(_ transform: (Scalar) -> Other) -> Volume<Other> {
    Volume<Other>(geometry: geometry, voxels: voxels.map(transform))
  }
}

extension Volume: Equatable where Scalar: Equatable {}
