/// A label map ready to be drawn from.
///
/// Voxels are x fastest and the axes run to the right, to the front and to the head (RAS), so that
/// mirroring and trimming know where they are. One byte a voxel.
public struct SynthesisMap: Sendable, Equatable {
  /// Voxels along x, y and z.
  public let size: SIMD3<Int>
  /// Distance of voxels along x, y and z, mm.
  public let spacing: SIMD3<Double>
  /// First voxel, along each axis, of the box of voxels with an output.
  public let boxLower: SIMD3<Int>
  /// Last voxel of that box; below ``boxLower`` if no voxel has an output.
  public let boxUpper: SIMD3<Int>
  /// Each voxel's place in the table's entries.
  let entries: [UInt8]
  /// How many entries the table has.
  let entryCount: Int

  /// Numbers the voxels of a label map by a table's entries.
  /// - Parameters:
  ///   - labels: The labels, x fastest, axes to the right, front and head.
  ///   - size: Voxels along x, y and z.
  ///   - spacing: Distance of voxels, mm.
  ///   - table: What the labels mean.
  /// - Throws: `TransformsError.unknownLabel` for a label without an entry.
  /// - Precondition: As many labels as voxels, at least one; spacings above 0.
  public init(
    labels: [UInt16],
    size: SIMD3<Int>,
    spacing: SIMD3<Double>,
    table: SynthesisTable
  ) throws(TransformsError) {
    precondition(
      size.min() > 0 && labels.count == size.x * size.y * size.z,
      "\(labels.count) labels for \(size.x) x \(size.y) x \(size.z) voxels"
    )
    precondition(spacing.min() > 0, "spacing \(spacing)")
    var places = [Int16](repeating: -1, count: 65536)
    for (place, entry) in table.entries.enumerated() { places[entry.label] = Int16(place) }
    let hasOutput = table.entries.map { $0.output > 0 }
    var entries = [UInt8](repeating: 0, count: labels.count)
    var (lower, upper) = (size, SIMD3<Int>(repeating: -1))
    var index = 0
    for z in 0..<size.z {
      for y in 0..<size.y {
        var (first, last) = (size.x, -1)
        for x in 0..<size.x {
          let place = Int(places[Int(labels[index])])
          guard place >= 0 else { throw .unknownLabel(Int(labels[index])) }
          entries[index] = UInt8(truncatingIfNeeded: place)
          index += 1
          if hasOutput[place] {
            first = min(first, x)
            last = x
          }
        }
        guard last >= 0 else { continue }
        lower = pointwiseMin(lower, [first, y, z])
        upper = pointwiseMax(upper, [last, y, z])
      }
    }
    self.size = size
    self.spacing = spacing
    self.entries = entries
    entryCount = table.entries.count
    boxLower = lower
    boxUpper = upper
  }

  /// First and last place of the box with outputs, or of the whole map, mm from the first voxel.
  var boxMM: (lower: SIMD3<Double>, upper: SIMD3<Double>) {
    if boxUpper.x < boxLower.x { return (.zero, SIMD3<Double>(size &- 1) * spacing) }
    return (SIMD3<Double>(boxLower) * spacing, SIMD3<Double>(boxUpper) * spacing)
  }
}
