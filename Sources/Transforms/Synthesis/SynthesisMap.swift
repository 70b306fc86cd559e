/// A label map ready to be drawn from.
///
/// Voxels are x fastest and the axes run to the right, to the front and to the head (RAS), so that
/// mirroring and trimming know where they are. One byte a voxel.
public struct SynthesisMap: Sendable, Equatable {
  /// Voxels along x, y and z.
  public let size: SIMD3<Int>
  /// Distance of voxels along x, y and z, mm.
  public let spacing: SIMD3<Double>
  /// First voxel, along each axis, of the box that the brain fills.
  ///
  /// Counted are voxels of the brain with an output. At each end of an axis a five-hundredth of them may
  /// lie outside, so that a brain stem that some maps follow far down does not move the box.
  public let boxLower: SIMD3<Int>
  /// Last voxel of that box; below ``boxLower`` if there is no such voxel.
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
    let isBrain = table.entries.map { $0.output > 0 && $0.location == .brain }
    var entries = [UInt8](repeating: 0, count: labels.count)
    var profiles = (0..<3).map { [Int](repeating: 0, count: size[$0]) }
    var index = 0
    for z in 0..<size.z {
      for y in 0..<size.y {
        var inRow = 0
        for x in 0..<size.x {
          let place = Int(places[Int(labels[index])])
          guard place >= 0 else { throw .unknownLabel(Int(labels[index])) }
          entries[index] = UInt8(truncatingIfNeeded: place)
          index += 1
          if isBrain[place] {
            profiles[0][x] += 1
            inRow += 1
          }
        }
        profiles[1][y] += inRow
        profiles[2][z] += inRow
      }
    }
    let spans = profiles.map(Self.span)
    self.size = size
    self.spacing = spacing
    self.entries = entries
    entryCount = table.entries.count
    boxLower = [spans[0].first, spans[1].first, spans[2].first]
    boxUpper = [spans[0].last, spans[1].last, spans[2].last]
  }

  /// The places between which all but a five-hundredth at each end is counted.
  private static func span(_ counts: [Int]) -> (first: Int, last: Int) {
    let total = counts.reduce(0, +)
    guard total > 0 else { return (counts.count, -1) }
    func end(_ places: some Sequence<Int>) -> Int {
      var outside = 0
      for place in places {
        outside += counts[place]
        if outside * 500 > total { return place }
      }
      return 0
    }
    return (end(counts.indices), end(counts.indices.reversed()))
  }

  /// First and last place of the brain's box, or of the whole map, mm from the first voxel.
  var boxMM: (lower: SIMD3<Double>, upper: SIMD3<Double>) {
    if boxUpper.x < boxLower.x { return (.zero, SIMD3<Double>(size &- 1) * spacing) }
    return (SIMD3<Double>(boxLower) * spacing, SIMD3<Double>(boxUpper) * spacing)
  }
}
