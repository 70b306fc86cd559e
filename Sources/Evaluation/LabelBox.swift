import Imaging

/// The smallest box of voxels that holds a label.
struct LabelBox: Equatable, Sendable {
  /// The lowest index on each axis.
  var low: SIMD3<Int>
  /// The highest index on each axis.
  var high: SIMD3<Int>

  /// The boxes of all labels of a map in one pass, background left out.
  static func boxes(of map: LabelMap) -> [Int: LabelBox] {
    var boxes: [Int: LabelBox] = [:]
    let size = map.geometry.size
    map.labels.withUnsafeBufferPointer { labels in
      for z in 0..<size.z {
        for y in 0..<size.y {
          let row = map.geometry.offset(0, y, z)
          var x = 0
          while x < size.x {
            let label = labels[row + x]
            let start = x
            x += 1
            while x < size.x, labels[row + x] == label { x += 1 }
            guard label != 0 else { continue }
            let run = LabelBox(low: [start, y, z], high: [x - 1, y, z])
            boxes[Int(label), default: run].formUnion(run)
          }
        }
      }
    }
    return boxes
  }

  private mutating func formUnion(_ other: LabelBox) {
    low = pointwiseMin(low, other.low)
    high = pointwiseMax(high, other.high)
  }
}
