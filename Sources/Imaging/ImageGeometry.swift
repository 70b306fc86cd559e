/// Where the voxels of an image lie in the patient: size, spacing, origin and direction.
///
/// Positions are in millimetres in the patient's LPS frame as in DICOM (x grows to the patient's
/// left, y to the posterior, z to the head). Voxel index (i, j, k) lies, with its centre, at
/// `origin + direction * (spacing * (i, j, k))`. There is no default geometry.
///
/// A 2-D image (`isPlanar`) has one slice and no slice spacing; its `spacing.z` is 1 by convention
/// and has no meaning.
public struct ImageGeometry: Equatable, Hashable, Sendable, Codable {
  /// Voxels along x (fastest in memory), y and z.
  public let size: SIMD3<Int>
  /// Distance of neighbouring voxel centres, mm.
  public let spacing: SIMD3<Double>
  /// Centre of voxel (0, 0, 0), LPS mm.
  public let origin: SIMD3<Double>
  /// Orthonormal; column a is the unit vector along which index a grows.
  public let direction: Matrix3
  /// Whether the image is 2-D by nature: one slice without a thickness.
  public let isPlanar: Bool

  /// How far the direction's columns may be from orthonormal; headers hold single-precision numbers.
  public static let orthonormalityTolerance = 1e-4
  /// No more voxels than this are believed: 2^40, far above any scanner's grid.
  public static let maximumVoxelCount = 1 << 40

  /// Creates a geometry.
  /// - Parameters:
  ///   - size: Voxels along each axis.
  ///   - spacing: Distance of voxel centres, mm.
  ///   - origin: Centre of the first voxel, LPS mm.
  ///   - direction: Orthonormal axis directions, as columns.
  ///   - isPlanar: Whether the image is 2-D by nature.
  /// - Throws: `ImagingError.invalidGeometry` when a size is below 1, the voxel count absurd, a
  ///   spacing not positive and finite, the origin not finite, or the direction not orthonormal.
  public init(
    size: SIMD3<Int>,
    spacing: SIMD3<Double>,
    origin: SIMD3<Double>,
    direction: Matrix3,
    isPlanar: Bool = false
  ) throws(ImagingError) {
    for axis in 0..<3 {
      guard size[axis] >= 1 else {
        throw .invalidGeometry(reason: "axis \(axis) has \(size[axis]) voxels")
      }
      guard spacing[axis].isFinite, spacing[axis] > 0 else {
        throw .invalidGeometry(reason: "the spacing of axis \(axis) is \(spacing[axis]) mm")
      }
      guard origin[axis].isFinite else {
        throw .invalidGeometry(reason: "the origin is not finite")
      }
    }
    let (plane, planeOverflow) = size.x.multipliedReportingOverflow(by: size.y)
    let (count, overflow) = plane.multipliedReportingOverflow(by: size.z)
    guard !planeOverflow, !overflow, count <= Self.maximumVoxelCount else {
      throw .invalidGeometry(reason: "\(size.x) x \(size.y) x \(size.z) voxels are too many")
    }
    guard direction.orthonormalityError <= Self.orthonormalityTolerance else {
      throw .invalidGeometry(reason: "its axes are not at right angles")
    }
    guard !isPlanar || size.z == 1 else {
      throw .invalidGeometry(reason: "a 2-D image with \(size.z) slices")
    }
    self.size = size
    self.spacing = spacing
    self.origin = origin
    self.direction = direction
    self.isPlanar = isPlanar
  }

  /// The number of voxels.
  public var voxelCount: Int { size.x * size.y * size.z }

  /// The volume of one voxel in millilitres.
  public var voxelVolumeML: Double { spacing.x * spacing.y * spacing.z / 1000 }

  /// The length of the grid's diagonal in mm, from the first voxel's outer corner to the last's.
  public var diagonalMM: Double {
    let extent = spacing * SIMD3<Double>(size)
    return dot(extent, extent).squareRoot()
  }

  /// The position of a point given in voxel indices.
  /// - Parameter index: Continuous voxel index; integers are voxel centres.
  /// - Returns: LPS mm.
  public func position(ofIndex index: SIMD3<Double>) -> SIMD3<Double> {
    origin + direction * (spacing * index)
  }

  /// The continuous voxel index of a position.
  /// - Parameter position: LPS mm.
  /// - Returns: The index; integers are voxel centres.
  public func index(ofPosition position: SIMD3<Double>) -> SIMD3<Double> {
    (direction.transposed * (position - origin)) / spacing
  }

  /// The place of a voxel in memory.
  /// - Parameters:
  ///   - x: Index along the first axis.
  ///   - y: Index along the second axis.
  ///   - z: Index along the third axis.
  /// - Returns: x + size.x * (y + size.y * z).
  @inlinable
  public func offset(_ x: Int, _ y: Int, _ z: Int) -> Int { x + size.x * (y + size.y * z) }

  /// Why two grids are not the same, or nil when they are.
  ///
  /// Corners may differ by 1e-3 mm plus a hundredth of the smallest spacing; headers round.
  /// - Parameter other: The other grid.
  /// - Returns: The first difference in words, with numbers.
  public func difference(from other: ImageGeometry) -> String? {
    guard size == other.size else {
      return "\(describe(size)) voxels against \(describe(other.size))"
    }
    let tolerance = 1e-3 + 0.01 * min(spacing.min(), other.spacing.min())
    let last = SIMD3<Double>(size &- 1)
    for corner in 0..<8 {
      let index = SIMD3<Double>(
        corner & 1 == 0 ? 0 : last.x,
        corner & 2 == 0 ? 0 : last.y,
        corner & 4 == 0 ? 0 : last.z
      )
      let gap = position(ofIndex: index) - other.position(ofIndex: index)
      let distance = dot(gap, gap).squareRoot()
      if distance > tolerance {
        return "a corner lies \((distance * 1000).rounded() / 1000) mm from the other's"
      }
    }
    return nil
  }

  private func describe(_ size: SIMD3<Int>) -> String { "\(size.x) x \(size.y) x \(size.z)" }
}
