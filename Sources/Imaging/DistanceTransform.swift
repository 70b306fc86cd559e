import CKernels
import Support

/// The exact Euclidean distance transform in linear time.
///
/// The first axis is walked from target to target; the others take the lower envelope of parabolas
/// (Felzenszwalb and Huttenlocher 2012, "Distance transforms of sampled functions", algorithm 1).
/// Spacings may differ between the axes. Squared distances are kept in single precision: distances
/// are right to 1e-7 of their size.
public enum DistanceTransform {
  /// The distance of every voxel to the nearest target.
  /// - Parameters:
  ///   - targets: One byte for each voxel, x fastest; those that are not 0 are targets.
  ///   - size: The grid's voxels along each axis.
  ///   - spacing: Distance of voxel centres along each axis, mm.
  /// - Returns: One value for each voxel, mm: 0 at targets, infinite everywhere without a target.
  /// - Precondition: As many bytes as voxels; fewer than 2^31 voxels along each axis.
  public static func distances(
    to targets: [UInt8],
    size: SIMD3<Int>,
    spacing: SIMD3<Double>
  ) -> [Float] {
    let count = size.x * size.y * size.z
    precondition(targets.count == count, "\(targets.count) targets for a grid of \(size)")
    return [Float](unsafeUninitializedCapacity: count) { field, initializedCount in
      LargePages.advise(UnsafeMutableRawBufferPointer(field))
      if let pointer = field.baseAddress {
        transform(targets, size: size, spacing: spacing, takesRoot: true, into: pointer)
      }
      initializedCount = count
    }
  }

  /// The squared distance of every voxel to the nearest target, mm²; otherwise as `distances`.
  package static func squaredDistances(
    to targets: [UInt8],
    size: SIMD3<Int>,
    spacing: SIMD3<Double>
  ) -> AlignedBuffer<Float> {
    let count = size.x * size.y * size.z
    precondition(targets.count == count, "\(targets.count) targets for a grid of \(size)")
    let field = AlignedBuffer<Float>(uninitializedCount: count)
    transform(targets, size: size, spacing: spacing, takesRoot: false, into: field.pointer)
    return field
  }

  /// Voxels that are worth a thread.
  private static let chunk = 1 << 15
  /// Lines that the kernel takes together.
  private static let group = 32

  private static func transform(
    _ targets: [UInt8],
    size: SIMD3<Int>,
    spacing: SIMD3<Double>,
    takesRoot: Bool,
    into pointer: UnsafeMutablePointer<Float>
  ) {
    // Every range of lines writes to its own voxels.
    nonisolated(unsafe) let field = pointer
    targets.withUnsafeBufferPointer { targets in
      nonisolated(unsafe) let source = targets.baseAddress
      Parallelism.forEachRange(size.y * size.z, minimumChunk: chunk / size.x + 1) { rows in
        let start = rows.lowerBound * size.x
        ck_distance_rows(
          source.map { $0 + start },
          field + start,
          Int64(size.x),
          Int64(rows.count),
          spacing.x
        )
      }
    }
    let lastAxis = size.z > 1 ? 2 : size.y > 1 ? 1 : 0
    let strides = SIMD3(1, size.x, size.x * size.y)
    for axis in 1..<3 where size[axis] > 1 {
      // Lines side by side fill a plane; along z there is only one.
      let (columns, planes) = axis == 1 ? (size.x, size.z) : (size.x * size.y, 1)
      let groups = (columns + group - 1) / group
      let isRoot: Int32 = takesRoot && axis == lastAxis ? 1 : 0
      Parallelism.forEachRange(
        groups * planes,
        minimumChunk: chunk / (size[axis] * group) + 1
      ) { range in
        let scratch = AlignedBuffer<Double>(
          uninitializedCount: Int(ck_distance_scratch(Int64(size[axis])))
        )
        for item in range {
          let (plane, first) = (item / groups, item % groups * group)
          ck_distance_columns(
            field + plane * strides.z + first,
            Int64(size[axis]),
            Int64(strides[axis]),
            Int64(min(group, columns - first)),
            spacing[axis],
            isRoot,
            scratch.pointer
          )
        }
      }
    }
    if takesRoot, lastAxis == 0 {
      for index in 0..<size.x { field[index] = field[index].squareRoot() }
    }
  }
}
