import CKernels
import Imaging
import Support
import Synchronization

/// The smallest box of voxels that holds a label.
struct LabelBox: Equatable, Sendable {
  /// The lowest index on each axis.
  var low: SIMD3<Int>
  /// The highest index on each axis.
  var high: SIMD3<Int>

  /// The number of voxels.
  var count: Int {
    let size = high &- low &+ 1
    return size.x * size.y * size.z
  }

  /// The boxes of all labels of a map in one pass, background left out.
  static func boxes(of map: LabelMap) -> [Int: LabelBox] {
    let size = map.geometry.size
    let total = Mutex<[Int: LabelBox]>([:])
    map.labels.withUnsafeBufferPointer { labels in
      nonisolated(unsafe) let labels = labels.baseAddress
      let rows = size.y * size.z
      Parallelism.forEachRange(rows, minimumChunk: (1 << 17) / size.x + 1) { range in
        guard let labels else { return }
        let runs = AlignedBuffer<ck_run>(uninitializedCount: size.x)
        var part: [Int: LabelBox] = [:]
        for row in range {
          let line = labels + row * size.x
          var count: Int64 = 0
          ck_count_runs(line, Int32(CK_RUNS_LABELS), Int64(size.x), 1, &count)
          ck_find_runs(line, Int32(CK_RUNS_LABELS), Int64(size.x), 1, runs.pointer)
          for run in runs.elements.prefix(Int(count)) {
            let (y, z) = (row % size.y, row / size.y)
            let box = LabelBox(low: [Int(run.start), y, z], high: [Int(run.end) - 1, y, z])
            part[Int(run.label), default: box].formUnion(box)
          }
        }
        total.withLock { $0.merge(part) { $0.union($1) } }
      }
    }
    return total.withLock { $0 }
  }

  /// The smallest box that holds both.
  func union(_ other: LabelBox) -> LabelBox {
    var box = self
    box.formUnion(other)
    return box
  }

  private mutating func formUnion(_ other: LabelBox) {
    low = pointwiseMin(low, other.low)
    high = pointwiseMax(high, other.high)
  }
}
