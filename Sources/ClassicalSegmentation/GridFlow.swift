internal import Support

/// The smallest cut between source and sink of a grid whose neighbours are joined by arcs.
///
/// Boykov and Kolmogorov 2004, "An experimental comparison of min-cut/max-flow algorithms for energy
/// minimization in vision": trees grow from source and sink until they touch, flow is sent along the
/// path, and branches that lost their link are adopted or set free (section 3); distances with time
/// stamps find near parents. Capacities are whole numbers, so that the cut is exact and the work ends.
/// Held are 45 bytes a voxel.
struct GridFlow {
  /// What a voxel's parent is where it is no neighbour.
  private enum Parent {
    static let terminal: UInt8 = 6
    static let orphan: UInt8 = 7
    static let none: UInt8 = 8
  }

  private let count: Int
  /// Directions of neighbours: +x, −x, +y, −y, +z, −z; the last bit turns one round.
  private let steps: [Int]
  private let directions: [Int]
  /// Residual capacity of the arc from a voxel in each direction; 0 out of the grid.
  private var capacities: [[Int32]]
  /// Residual capacity from the source, or the negative one to the sink.
  private var terminals: [Int32]
  private var isSink: [Bool]
  private var parents: [UInt8]
  private var stamps: [Int32]
  private var distances: [Int32]
  /// The next active voxel; itself for the last, −1 for those that are not active.
  private var following: [Int32]
  private var first: Int32 = -1
  private var last: Int32 = -1
  private var orphans: [Int32] = []
  private var time: Int32 = 0

  /// Creates a grid without capacities.
  /// - Parameter size: Voxels along x, y and z, together fewer than 2^31.
  init(size: SIMD3<Int>) {
    count = size.x * size.y * size.z
    steps = [1, -1, size.x, -size.x, size.x * size.y, -size.x * size.y]
    directions = (0..<6).filter { size[$0 / 2] > 1 }
    let used = directions
    let voxels = count
    capacities = (0..<6).map {
      [Int32](repeating: 0, count: used.contains($0) ? voxels : 0)
    }
    terminals = [Int32](repeating: 0, count: count)
    isSink = [Bool](repeating: false, count: count)
    parents = [UInt8](repeating: Parent.none, count: count)
    stamps = [Int32](repeating: 0, count: count)
    distances = [Int32](repeating: 0, count: count)
    following = [Int32](repeating: -1, count: count)
  }

  /// Adds what a cut costs that leaves a voxel with the sink, minus what one costs that leaves it with
  /// the source.
  mutating func addTerminal(_ place: Int, _ difference: Int32) { terminals[place] &+= difference }

  /// Adds to the capacity of the arc from a voxel to the next one along an axis.
  /// - Parameters:
  ///   - place: The voxel, not the axis' last.
  ///   - axis: 0 for x, 1 for y, 2 for z.
  ///   - forward: What a cut costs with the voxel at the source and the next at the sink.
  ///   - backward: The other way round.
  mutating func addArc(_ place: Int, axis: Int, forward: Int32, backward: Int32) {
    capacities[2 * axis][place] += forward
    capacities[2 * axis + 1][place + steps[2 * axis]] += backward
  }

  /// Whether a voxel lies on the sink's side of the cut; voxels that either side may have are the
  /// source's.
  func isAtSink(_ place: Int) -> Bool { parents[place] != Parent.none && isSink[place] }

  /// Finds the largest flow.
  /// - Parameter interruption: Looked at now and then.
  /// - Throws: `SupportError.interrupted`.
  mutating func solve(_ interruption: Interruption) throws {
    for place in 0..<count where terminals[place] != 0 {
      isSink[place] = terminals[place] < 0
      parents[place] = Parent.terminal
      distances[place] = 1
      activate(place)
    }
    var current = -1
    var rounds = 0
    while true {
      var place = current
      if place >= 0 {
        following[place] = -1
        if parents[place] == Parent.none { place = -1 }
      }
      if place < 0 {
        place = nextActive()
        if place < 0 { return }
      }
      rounds += 1
      if rounds & 0xFFFF == 0 { try interruption.check() }
      let meeting = grow(place)
      time += 1
      guard let meeting else {
        current = -1
        continue
      }
      // The voxel stays active: other paths may lead through it.
      following[place] = Int32(place)
      current = place
      augment(from: meeting.place, direction: meeting.direction)
      var next = 0
      while next < orphans.count {
        adopt(Int(orphans[next]))
        next += 1
      }
      orphans.removeAll(keepingCapacity: true)
    }
  }

  private mutating func activate(_ place: Int) {
    guard following[place] < 0 else { return }
    following[place] = Int32(place)
    if last >= 0 { following[Int(last)] = Int32(place) } else { first = Int32(place) }
    last = Int32(place)
  }

  private mutating func nextActive() -> Int {
    while first >= 0 {
      let place = Int(first)
      if following[place] == first {
        (first, last) = (-1, -1)
      } else {
        first = following[place]
      }
      following[place] = -1
      if parents[place] != Parent.none { return place }
    }
    return -1
  }

  /// The voxel beside another one; nil out of memory.
  ///
  /// Beyond a row's end it is one without an arc.
  @inline(__always)
  private func neighbour(_ place: Int, _ direction: Int) -> Int? {
    let other = place + steps[direction]
    return other >= 0 && other < count ? other : nil
  }

  /// The residual capacity by which a tree may reach from a voxel to its neighbour.
  @inline(__always)
  private func reach(_ place: Int, _ other: Int, _ direction: Int, sink: Bool) -> Int32 {
    sink ? capacities[direction ^ 1][other] : capacities[direction][place]
  }

  /// Lets a tree grow around a voxel; returns the arc from source tree to sink tree where it meets the
  /// other one.
  private mutating func grow(_ place: Int) -> (place: Int, direction: Int)? {
    let sink = isSink[place]
    for direction in directions {
      guard let other = neighbour(place, direction),
        reach(place, other, direction, sink: sink) > 0
      else { continue }
      if parents[other] == Parent.none {
        isSink[other] = sink
        parents[other] = UInt8(direction ^ 1)
        stamps[other] = stamps[place]
        distances[other] = distances[place] + 1
        activate(other)
      } else if isSink[other] != sink {
        return sink ? (other, direction ^ 1) : (place, direction)
      } else if stamps[other] <= stamps[place], distances[other] > distances[place] {
        parents[other] = UInt8(direction ^ 1)
        stamps[other] = stamps[place]
        distances[other] = distances[place] + 1
      }
    }
    return nil
  }

  private mutating func augment(from place: Int, direction: Int) {
    let end = place + steps[direction]
    var flow = capacities[direction][place]
    var at = place
    while parents[at] != Parent.terminal {
      let up = Int(parents[at])
      at += steps[up]
      flow = min(flow, capacities[up ^ 1][at])
    }
    flow = min(flow, terminals[at])
    at = end
    while parents[at] != Parent.terminal {
      let up = Int(parents[at])
      flow = min(flow, capacities[up][at])
      at += steps[up]
    }
    flow = min(flow, -terminals[at])

    capacities[direction][place] -= flow
    capacities[direction ^ 1][end] += flow
    at = place
    while parents[at] != Parent.terminal {
      let up = Int(parents[at])
      let parent = at + steps[up]
      capacities[up][at] += flow
      capacities[up ^ 1][parent] -= flow
      if capacities[up ^ 1][parent] == 0 { orphan(at) }
      at = parent
    }
    terminals[at] -= flow
    if terminals[at] == 0 { orphan(at) }
    at = end
    while parents[at] != Parent.terminal {
      let up = Int(parents[at])
      let parent = at + steps[up]
      capacities[up ^ 1][parent] += flow
      capacities[up][at] -= flow
      if capacities[up][at] == 0 { orphan(at) }
      at = parent
    }
    terminals[at] += flow
    if terminals[at] == 0 { orphan(at) }
  }

  private mutating func orphan(_ place: Int) {
    parents[place] = Parent.orphan
    orphans.append(Int32(place))
  }

  /// Finds an orphan a new parent whose line leads to the terminal, the nearest one, or sets it free.
  private mutating func adopt(_ place: Int) {
    let sink = isSink[place]
    var best: (direction: Int, distance: Int32)?
    for direction in directions {
      guard let other = neighbour(place, direction),
        reach(other, place, direction ^ 1, sink: sink) > 0,
        isSink[other] == sink, parents[other] != Parent.none
      else { continue }
      guard let distance = distanceToTerminal(other) else { continue }
      if best.map({ distance < $0.distance }) ?? true { best = (direction, distance) }
      // What was found on the way is good for this time.
      var (at, left) = (other, distance)
      while stamps[at] != time {
        stamps[at] = time
        distances[at] = left
        left -= 1
        at += steps[Int(parents[at])]
      }
    }
    if let best {
      parents[place] = UInt8(best.direction)
      stamps[place] = time
      distances[place] = best.distance + 1
      return
    }
    for direction in directions {
      guard let other = neighbour(place, direction), isSink[other] == sink,
        parents[other] != Parent.none
      else { continue }
      if reach(other, place, direction ^ 1, sink: sink) > 0 { activate(other) }
      if parents[other] == UInt8(direction ^ 1) { orphan(other) }
    }
    parents[place] = Parent.none
  }

  /// How many steps a voxel lies from its terminal; nil when its line ends at an orphan.
  private mutating func distanceToTerminal(_ place: Int) -> Int32? {
    var (at, distance) = (place, Int32(0))
    while true {
      if stamps[at] == time { return distance + distances[at] }
      let parent = parents[at]
      distance += 1
      if parent == Parent.terminal {
        stamps[at] = time
        distances[at] = 1
        return distance
      }
      if parent == Parent.orphan || parent == Parent.none { return nil }
      at += steps[Int(parent)]
    }
  }
}
