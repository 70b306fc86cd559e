import Imaging
import Support

/// Voxels of the fixed image at which similarity is measured.
struct SampleSet: Sendable {
  /// The voxel centres, LPS mm.
  let points: [SIMD3<Double>]
  /// The fixed image's values there.
  let values: [Float]

  /// Joins points and values.
  init(points: [SIMD3<Double>], values: [Float]) {
    self.points = points
    self.values = values
  }

  /// Draws voxels without repetition, each set of as many being equally likely.
  ///
  /// Knuth, 1997, "The art of computer programming", vol. 2, 3.4.2, algorithm S, which keeps order.
  /// - Parameters:
  ///   - fixed: The fixed image.
  ///   - mask: Where samples may lie, on the same grid; nil for everywhere.
  ///   - limit: The most samples; all voxels when there are no more.
  ///   - random: Which voxels are drawn.
  /// - Throws: `RegistrationError.emptyMask`.
  init(
    of fixed: Volume<Float>,
    mask: LabelMap?,
    limit: Int,
    random: RandomStream
  ) throws(RegistrationError) {
    let size = fixed.geometry.size
    var left = mask?.labels.reduce(0) { $0 + ($1 == 0 ? 0 : 1) } ?? fixed.voxels.count
    guard left > 0 else { throw .emptyMask }
    var wanted = min(limit, left)
    var random = random
    var points: [SIMD3<Double>] = []
    var values: [Float] = []
    points.reserveCapacity(wanted)
    values.reserveCapacity(wanted)
    var place = 0
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          defer { place += 1 }
          if let mask, mask.labels[place] == 0 { continue }
          let isTaken = wanted == left || random.uniform() * Double(left) < Double(wanted)
          left -= 1
          guard isTaken, wanted > 0 else { continue }
          wanted -= 1
          points.append(fixed.geometry.position(ofIndex: SIMD3(Double(x), Double(y), Double(z))))
          values.append(fixed.voxels[place])
        }
      }
    }
    self.points = points
    self.values = values
  }

  /// The samples in another order.
  func ordered(by order: [Int]) -> SampleSet {
    SampleSet(points: order.map { points[$0] }, values: order.map { values[$0] })
  }
}
