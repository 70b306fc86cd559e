import Imaging

/// The runs of equal labels along x of a label map, background left out, plane by plane.
///
/// Two planes are held at a time, so that memory does not grow with the map: labels that change from
/// voxel to voxel have as many runs as voxels.
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

  /// The runs of a plane by y, then x, and where each row begins.
  private struct Plane {
    var runs: [Run] = []
    /// The first run of each row; one more entry at the end.
    var rowStarts = [0]

    init(_ map: LabelMap, _ z: Int) {
      let size = map.geometry.size
      rowStarts.reserveCapacity(size.y + 1)
      map.labels.withUnsafeBufferPointer { labels in
        for y in 0..<size.y {
          let row = map.geometry.offset(0, y, z)
          var x = 0
          while x < size.x {
            let label = labels[row + x]
            let start = x
            x += 1
            while x < size.x, labels[row + x] == label { x += 1 }
            if label != 0 {
              runs.append(Run(label: Int(label), start: start, end: x, y: y, z: z))
            }
          }
          rowStarts.append(runs.count)
        }
      }
    }

    func row(_ y: Int) -> Range<Int> { rowStarts[y]..<rowStarts[y + 1] }
  }

  /// The number of 26-connected components of each label.
  let componentCounts: [Int: Int]

  /// Finds the runs and counts the components that they form.
  ///
  /// Runs are the nodes of a union-find forest; a run joins those of the four earlier neighbouring
  /// rows that overlap it with one voxel to spare on either side. A component that no run of a plane
  /// belongs to is complete.
  /// - Parameters:
  ///   - map: The label map.
  ///   - body: Called with each run, by z, then y, then x.
  init(_ map: LabelMap, _ body: (Run) -> Void) {
    let size = map.geometry.size
    var counts: [Int: Int] = [:]
    // Nodes of the plane before, then those of the plane in work.
    var forest = Forest()
    var before: Plane?
    for z in 0..<size.z {
      let plane = Plane(map, z)
      plane.runs.forEach(body)
      let offset = before?.runs.count ?? 0
      forest.append(plane.runs.count)
      for y in 0..<size.y {
        if y > 0 {
          forest.join(plane.runs, plane.row(y), offset, plane.runs, plane.row(y - 1), offset)
        }
        guard let before else { continue }
        for other in max(0, y - 1)...min(size.y - 1, y + 1) {
          forest.join(plane.runs, plane.row(y), offset, before.runs, before.row(other), 0)
        }
      }
      for root in forest.keep(from: offset) {
        if let run = before?.runs[root] { counts[run.label, default: 0] += 1 }
      }
      before = plane
    }
    for root in forest.keep(from: before?.runs.count ?? 0) {
      if let run = before?.runs[root] { counts[run.label, default: 0] += 1 }
    }
    componentCounts = counts
  }

  /// A union-find forest whose first nodes can be dropped.
  private struct Forest {
    /// A smaller or equal node of the same tree.
    private var parents: [Int] = []

    mutating func append(_ count: Int) { parents += parents.count..<parents.count + count }

    private mutating func root(_ node: Int) -> Int {
      var node = node
      while parents[node] != node {
        parents[node] = parents[parents[node]]
        node = parents[node]
      }
      return node
    }

    /// Joins the runs of a row with those of another that they touch; `offset` is the first node.
    mutating func join(
      _ runs: [Run],
      _ row: Range<Int>,
      _ offset: Int,
      _ others: [Run],
      _ otherRow: Range<Int>,
      _ otherOffset: Int
    ) {
      var first = otherRow.lowerBound
      for run in row {
        while first < otherRow.upperBound, others[first].end < runs[run].start { first += 1 }
        var other = first
        while other < otherRow.upperBound, others[other].start <= runs[run].end {
          if others[other].label == runs[run].label {
            let (a, b) = (root(offset + run), root(otherOffset + other))
            parents[max(a, b)] = min(a, b)
          }
          other += 1
        }
      }
    }

    /// Drops the nodes before one.
    /// - Returns: The roots among them whose trees have no other nodes left.
    mutating func keep(from first: Int) -> [Int] {
      // The smallest kept node of each tree becomes its root.
      var successors = [Int](repeating: -1, count: parents.count)
      var kept: [Int] = []
      kept.reserveCapacity(parents.count - first)
      for node in first..<parents.count {
        let old = root(node)
        let new = successors[old] < 0 ? node - first : successors[old]
        successors[old] = new
        kept.append(new)
      }
      let ended = (0..<first).filter { parents[$0] == $0 && successors[$0] < 0 }
      parents = kept
      return ended
    }
  }
}
