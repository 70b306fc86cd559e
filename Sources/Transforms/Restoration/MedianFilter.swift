/// The median of a box about each voxel.
///
/// Tukey, 1977, "Exploratory data analysis". Images are mirrored at their outer voxels' faces, as in
/// scipy. Sixteen neighbouring medians are found side by side: of n values, (n + 3) / 2 are held, the
/// smallest and the largest of them cannot be the median and are dropped, the next value comes in.
package struct MedianFilter: VolumeFilter {
  package static let name = "median"
  package static let removesNoise = true
  package static let paper = "Tukey 1977, Exploratory data analysis"
  package static let parameters = [
    FilterParameter("radius", 1, 1...3, isWhole: true, "half the box's width less ½, voxels"),
    .dimensions,
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  private typealias Lanes = SIMD16<Float>

  package func filtered(_ image: FilterImage) -> [Float] {
    let size = image.size
    let r = values.whole("radius")
    let depth = image.axes(values) == 3 ? r : 0
    let lanes = Lanes.scalarCount
    let width = (size.x + lanes - 1) / lanes * lanes
    let columns = (0..<width + 2 * r).map { Mirror.atFaces($0 - r, size.x) }
    return .filled(count: image.values.count, pieces: size.y * size.z) { rows, target in
      let tall = 2 * r + 1
      let count = tall * (2 * depth + 1)
      // The rows that the box touches, with their columns mirrored.
      var lines = [Float](repeating: 0, count: count * columns.count)
      var held = [Lanes](repeating: .zero, count: count * tall / 2 + 2)
      for row in rows {
        for k in 0..<count {
          let y = Mirror.atFaces(row % size.y + k % tall - r, size.y)
          let z = Mirror.atFaces(row / size.y + k / tall - depth, size.z)
          let start = (z * size.y + y) * size.x
          for x in columns.indices {
            lines[k * columns.count + x] = image.values[start + columns[x]]
          }
        }
        lines.withUnsafeBytes { bytes in
          for x in stride(from: 0, to: width, by: lanes) {
            let median = Self.median(count: count * tall, &held) { index in
              let place = index / tall * columns.count + index % tall + x
              return bytes.loadUnaligned(fromByteOffset: place * 4, as: Lanes.self)
            }
            for lane in 0..<min(lanes, size.x - x) {
              target[row * size.x + x + lane] = median[lane]
            }
          }
        }
      }
    }
  }

  /// The median of an odd number of values, in each lane.
  @inline(__always)
  private static func median(
    count: Int,
    _ held: inout [Lanes],
    _ value: (Int) -> Lanes
  ) -> Lanes {
    var used = count / 2 + 2
    var next = used
    for k in 0..<used { held[k] = value(k) }
    return held.withUnsafeMutableBufferPointer { held in
      while true {
        // The smallest goes to the front, the largest to the back.
        for k in 1..<used {
          let (a, b) = (held[0], held[k])
          let isLess = b .< a
          held[0] = a.replacing(with: b, where: isLess)
          held[k] = b.replacing(with: a, where: isLess)
        }
        for k in 1..<used - 1 {
          let (a, b) = (held[used - 1], held[k])
          let isMore = b .> a
          held[used - 1] = a.replacing(with: b, where: isMore)
          held[k] = b.replacing(with: a, where: isMore)
        }
        guard next < count else { return held[1] }
        // The last place goes; the first takes the next value.
        held[0] = value(next)
        next += 1
        used -= 1
      }
    }
  }
}
