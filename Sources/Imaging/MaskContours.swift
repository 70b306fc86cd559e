import Support

/// Closed polygons around the labels of one slice.
///
/// Points are in continuous pixel indices: (0, 0) is the centre of the first pixel, x runs along
/// rows. A polygon's last point is joined to its first, which is not repeated.
///
/// Boundaries cut the lines between neighbouring pixel centres, as marching squares does (Lorensen
/// and Cline 1987, in two dimensions), so that slanted borders are slanted lines and not stairs. The
/// cut lies 0.49 pixels from the centre inside and 0.51 from the one outside, not at the middle:
///
/// - every centre inside a structure is inside its polygons and every other outside, by at least a
///   third of a pixel, so that any filling by pixel centres gives the mask back;
/// - every point rounds to a pixel of the structure. Programs that round points to pixels and fill
///   with the border included (as OpenCV's `fillPoly`) get the mask back, too.
///
/// Pixels of one structure that touch at a corner belong together, so that a slanted line of single
/// pixels is one polygon. A polygon with holes visits them through channels of no width (keyholes):
/// it is one closed polygon, runs around holes against the sense of its outside, and is filled to
/// the same area by the even-odd rule and by the nonzero rule, which would lose holes that are
/// polygons of their own. Channels run 0.2 pixels beside the centres of pixels of the structure.
package enum MaskContours {
  /// Hundredths of a pixel from a centre to the boundary.
  static let reach = 49
  /// Hundredths of a pixel from the line of centres to a channel.
  static let channel = 20

  /// The polygons of all labels of a slice.
  /// - Parameters:
  ///   - plane: One label for each pixel, x fastest; 0 is background.
  ///   - width: Pixels of a row.
  /// - Returns: For each label that occurs its polygons, from the top row down; outer boundaries run
  ///   from x towards y.
  /// - Precondition: The plane holds whole rows.
  package static func polygons(
    of plane: some RandomAccessCollection<UInt16>,
    width: Int
  ) -> [UInt16: [[SIMD2<Double>]]] {
    precondition(width > 0 && plane.count % width == 0, "a plane of incomplete rows")
    let result = plane.withContiguousStorageIfAvailable { trace($0, width: width) }
    return result ?? Array(plane).withUnsafeBufferPointer { trace($0, width: width) }
  }

  private static func trace(
    _ plane: UnsafeBufferPointer<UInt16>,
    width: Int
  ) -> [UInt16: [[SIMD2<Double>]]] {
    var tracer = BoundaryTracer(plane: plane, width: width)
    tracer.trace()
    return tracer.polygons()
  }
}

/// A side of a pixel, in the order in which an outer boundary passes them.
private enum Side: Int32 {
  case top, right, bottom, left

  /// Where the boundary goes along this side.
  var motion: SIMD2<Int32> {
    switch self {
    case .top: [1, 0]
    case .right: [0, 1]
    case .bottom: [-1, 0]
    case .left: [0, -1]
    }
  }
  /// Away from the pixel.
  var outward: SIMD2<Int32> { before.motion }
  var next: Side { Side(rawValue: (rawValue + 1) & 3) ?? .top }
  var before: Side { Side(rawValue: (rawValue + 3) & 3) ?? .top }
}

/// A side of a pixel on a boundary.
private struct Node: Equatable {
  var pixel: SIMD2<Int32>
  var side: Side

  /// The boundary's point at this side, hundredths of a pixel.
  var point: SIMD2<Int32> { pixel &* 100 &+ side.outward &* Int32(MaskContours.reach) }
}

/// A closed boundary: pixels of one label lie at its right hand, seen with y downwards.
private struct Loop {
  var label: UInt16
  var nodes: [Node]

  /// Whether it runs around a hole.
  var isHole: Bool {
    var doubledArea: Int64 = 0
    var last = nodes[nodes.count - 1].point
    for node in nodes {
      let point = node.point
      doubledArea += Int64(last.x) * Int64(point.y) - Int64(point.x) * Int64(last.y)
      last = point
    }
    return doubledArea < 0
  }
}

/// Follows the boundaries of all labels of a plane.
private struct BoundaryTracer {
  private let plane: UnsafeBufferPointer<UInt16>
  private let width: Int32
  private let height: Int32
  private var loops: [Loop] = []
  /// For each pixel the loop that passes its left side, from 1; 0 for none.
  private var owners: [Int32]

  init(plane: UnsafeBufferPointer<UInt16>, width: Int) {
    self.plane = plane
    self.width = Int32(width)
    height = Int32(plane.count / width)
    owners = [Int32](repeating: 0, count: plane.count)
  }

  private func offset(_ pixel: SIMD2<Int32>) -> Int { Int(pixel.x) + Int(width) * Int(pixel.y) }

  private func isInside(_ pixel: SIMD2<Int32>, _ label: UInt16) -> Bool {
    pixel.x >= 0 && pixel.y >= 0 && pixel.x < width && pixel.y < height
      && plane[offset(pixel)] == label
  }

  /// Finds all loops; each has a left side somewhere.
  mutating func trace() {
    for y in 0..<height {
      var before: UInt16 = 0
      let row = Int(y) * Int(width)
      for x in 0..<Int(width) {
        let label = plane[row + x]
        if label != 0, label != before, owners[row + x] == 0 {
          follow(Node(pixel: [Int32(x), y], side: .left), label)
        }
        before = label
      }
    }
  }

  private mutating func follow(_ start: Node, _ label: UInt16) {
    var nodes: [Node] = []
    var node = start
    repeat {
      nodes.append(node)
      if node.side == .left { owners[offset(node.pixel)] = Int32(loops.count + 1) }
      let ahead = node.pixel &+ node.side.motion
      let beside = ahead &+ node.side.outward
      if isInside(beside, label) {
        node = Node(pixel: beside, side: node.side.before)
      } else if isInside(ahead, label) {
        node.pixel = ahead
      } else {
        node.side = node.side.next
      }
    } while node != start
    loops.append(Loop(label: label, nodes: nodes))
  }

  // MARK: - Polygons

  /// A hole as seen from the loop to which its channel leads.
  private struct Branch {
    /// The hole's loop.
    var loop: Int
    /// Where in the hole's loop the channel begins.
    var start: Int
  }

  /// Joins holes to what surrounds them.
  func polygons() -> [UInt16: [[SIMD2<Double>]]] {
    // The channel of a hole leaves at its leftmost point and runs to the left through pixels of the
    // structure. It ends at the outside or at a hole that begins further left, so that there are no
    // circles; no two channels share a stretch, as each takes a whole run of a row.
    var branches: [Int: [Int: Branch]] = [:]
    var isHole = [Bool](repeating: false, count: loops.count)
    for (index, loop) in loops.enumerated() where loop.isHole {
      isHole[index] = true
      var start = 0
      var leftmost = Int32.max
      for (position, node) in loop.nodes.enumerated()
      where node.side == .right && node.pixel.x < leftmost {
        start = position
        leftmost = node.pixel.x
      }
      var end = loop.nodes[start].pixel
      while isInside(end &- [1, 0], loop.label) { end.x -= 1 }
      let owner = Int(owners[offset(end)]) - 1
      branches[owner, default: [:]][offset(end)] = Branch(loop: index, start: start)
    }
    var polygons: [UInt16: [[SIMD2<Double>]]] = [:]
    for index in loops.indices where !isHole[index] {
      let points = Self.withoutMiddles(outline(of: index, branches))
      polygons[loops[index].label, default: []].append(
        points.map { SIMD2(Double($0.x), Double($0.y)) / 100 }
      )
    }
    return polygons
  }

  /// The points of a loop and of all holes that hang on it, in hundredths of a pixel.
  private func outline(of root: Int, _ branches: [Int: [Int: Branch]]) -> [SIMD2<Int32>] {
    /// A loop on the way: how many nodes are done, and where its channel starts.
    struct Visit {
      var branch: Branch
      var done = 0
      var end: SIMD2<Int32>?
    }
    var points: [SIMD2<Int32>] = []
    var visits = [Visit(branch: Branch(loop: root, start: 0))]
    while var visit = visits.popLast() {
      let nodes = loops[visit.branch.loop].nodes
      let holes = branches[visit.branch.loop]
      var entered: Visit?
      while visit.done < nodes.count, entered == nil {
        let node = nodes[(visit.branch.start + visit.done) % nodes.count]
        visit.done += 1
        points.append(node.point)
        if node.side == .left, let branch = holes?[offset(node.pixel)] {
          let start = loops[branch.loop].nodes[branch.start].pixel
          points += Self.channel(from: node.pixel, to: start)
          entered = Visit(branch: branch, end: node.pixel)
        }
      }
      if let entered {
        visits += [visit, entered]
      } else if let end = visit.end {
        let start = nodes[visit.branch.start]
        points.append(start.point)
        points += Self.channel(from: end, to: start.pixel).reversed()
        points.append(Node(pixel: end, side: .left).point)
      }
    }
    return points
  }

  /// The inner points of a channel that joins the left side of one pixel to the right side of another
  /// in the same row.
  private static func channel(from: SIMD2<Int32>, to: SIMD2<Int32>) -> [SIMD2<Int32>] {
    let beside = Int32(MaskContours.channel)
    return [from &* 100 &+ [-beside, beside], to &* 100 &+ [beside, beside]]
  }

  /// Leaves out points on straight stretches.
  private static func withoutMiddles(_ points: [SIMD2<Int32>]) -> [SIMD2<Int32>] {
    points.indices.compactMap { index in
      let before = points[index] &- points[index == 0 ? points.count - 1 : index - 1]
      let after = points[index + 1 == points.count ? 0 : index + 1] &- points[index]
      let cross = Int64(before.x) * Int64(after.y) - Int64(before.y) * Int64(after.x)
      let along = Int64(before.x) * Int64(after.x) + Int64(before.y) * Int64(after.y)
      return cross == 0 && along > 0 ? nil : points[index]
    }
  }
}
