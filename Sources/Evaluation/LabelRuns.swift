import Imaging

/// The runs of equal labels along x of a label map, background left out.
struct LabelRuns {
  struct Run {
    let label: Int
    /// First x.
    let start: Int
    /// One past the last x.
    let end: Int
    let y: Int
    let z: Int
  }

  /// All runs, by z, then y, then x.
  let runs: [Run]
  /// The first run of row `y + size.y * z`; one more entry at the end.
  private let rowStarts: [Int]
  private let size: SIMD3<Int>

  init(_ map: LabelMap) {
    size = map.geometry.size
    var runs: [Run] = []
    var rowStarts = [0]
    rowStarts.reserveCapacity(size.y * size.z + 1)
    map.labels.withUnsafeBufferPointer { labels in
      for z in 0..<map.geometry.size.z {
        for y in 0..<map.geometry.size.y {
          let row = map.geometry.offset(0, y, z)
          var x = 0
          while x < map.geometry.size.x {
            let label = labels[row + x]
            let start = x
            x += 1
            while x < map.geometry.size.x, labels[row + x] == label { x += 1 }
            if label != 0 {
              runs.append(Run(label: Int(label), start: start, end: x, y: y, z: z))
            }
          }
          rowStarts.append(runs.count)
        }
      }
    }
    self.runs = runs
    self.rowStarts = rowStarts
  }

  /// The number of 26-connected components of each label.
  ///
  /// Runs are the nodes of a union-find forest; a run joins those of the four earlier neighbouring
  /// rows that overlap it with one voxel to spare on either side.
  func componentCounts() -> [Int: Int] {
    var parents = Array(runs.indices)
    func root(_ node: Int) -> Int {
      var node = node
      while parents[node] != node {
        parents[node] = parents[parents[node]]
        node = parents[node]
      }
      return node
    }
    for z in 0..<size.z {
      for y in 0..<size.y {
        let row = rowRange(y, z)
        for (dy, dz) in [(-1, 0), (-1, -1), (0, -1), (1, -1)] {
          guard (0..<size.y).contains(y + dy), z + dz >= 0 else { continue }
          let earlier = rowRange(y + dy, z + dz)
          var first = earlier.lowerBound
          for run in row {
            while first < earlier.upperBound, runs[first].end < runs[run].start { first += 1 }
            var other = first
            while other < earlier.upperBound, runs[other].start <= runs[run].end {
              if runs[other].label == runs[run].label {
                let (a, b) = (root(run), root(other))
                parents[max(a, b)] = min(a, b)
              }
              other += 1
            }
          }
        }
      }
    }
    var counts: [Int: Int] = [:]
    for (index, parent) in parents.enumerated() where index == parent {
      counts[runs[index].label, default: 0] += 1
    }
    return counts
  }

  private func rowRange(_ y: Int, _ z: Int) -> Range<Int> {
    let row = y + size.y * z
    return rowStarts[row]..<rowStarts[row + 1]
  }
}
