/// Makes a closed surface of fewer triangles.
///
/// Edges are collapsed by rising quadric error (Garland and Heckbert 1997, "Surface simplification
/// using quadric error metrics", sections 3 to 5; planes weigh as their triangles' areas). A collapse
/// is left out when it would turn a triangle over or join what does not belong together (the link
/// condition: the two ends of an edge have exactly two neighbours in common), so that a closed
/// surface stays closed.
struct SurfaceSimplification {
  /// A candidate; outdated when an end has moved since.
  private struct Candidate {
    let cost: Double
    let one: Int32
    let other: Int32
    let version: Int
    let target: SIMD3<Double>

    /// By cost, and for the same result everywhere then by number.
    func precedes(_ rival: Candidate) -> Bool {
      (cost, one, other) < (rival.cost, rival.one, rival.other)
    }
  }

  private var positions: [SIMD3<Double>]
  private var triangles: [SIMD3<Int32>]
  private var isAlive: [Bool]
  private var fans: [[Int32]]
  private var quadrics: [PlaneQuadric]
  private var versions: [Int]
  private var heap = BinaryHeap<Candidate> { $0.precedes($1) }
  private var count: Int

  init(_ mesh: SurfaceMesh) {
    positions = mesh.vertices
    triangles = mesh.triangles
    count = triangles.count
    isAlive = Array(repeating: true, count: triangles.count)
    fans = Array(repeating: [], count: positions.count)
    quadrics = Array(repeating: PlaneQuadric(), count: positions.count)
    versions = Array(repeating: 0, count: positions.count)
    for (index, corners) in triangles.enumerated() {
      let quadric = PlaneQuadric(mesh.positions(corners))
      for place in 0..<3 {
        fans[Int(corners[place])].append(Int32(index))
        quadrics[Int(corners[place])] += quadric
      }
    }
    for corners in triangles {
      for place in 0..<3 {
        let (one, other) = (corners[place], corners[(place + 1) % 3])
        // Each edge of a closed surface is passed in both directions; one suffices.
        if one < other { push(one, other) }
      }
    }
  }

  mutating func collapse(to target: Int) -> SurfaceMesh {
    while count > target, let candidate = heap.removeFirst() {
      let (one, other) = (Int(candidate.one), Int(candidate.other))
      guard !fans[one].isEmpty, !fans[other].isEmpty,
        versions[one] + versions[other] == candidate.version,
        mayCollapse(one, other, candidate.target)
      else { continue }
      join(one, other, candidate.target)
    }
    return result
  }

  private mutating func push(_ one: Int32, _ other: Int32) {
    let quadric = quadrics[Int(one)] + quadrics[Int(other)]
    let (a, b) = (positions[Int(one)], positions[Int(other)])
    var choices = [(a + b) / 2, a, b]
    if let best = quadric.minimum, norm(best - choices[0]) <= 2 * norm(a - b) {
      choices.insert(best, at: 0)
    }
    var (target, cost) = (choices[0], quadric.error(at: choices[0]))
    for choice in choices.dropFirst() {
      let error = quadric.error(at: choice)
      if error < cost - 1e-12 { (target, cost) = (choice, error) }
    }
    heap.insert(
      Candidate(
        cost: max(0, cost) + 1e-9 * norm(a - b),
        one: one,
        other: other,
        version: versions[Int(one)] + versions[Int(other)],
        target: target
      )
    )
  }

  private func norm(_ vector: SIMD3<Double>) -> Double { dot(vector, vector).squareRoot() }

  private func neighbours(_ vertex: Int) -> Set<Int32> {
    var found = Set<Int32>()
    for index in fans[vertex] {
      let corners = triangles[Int(index)]
      for place in 0..<3 where Int(corners[place]) != vertex { found.insert(corners[place]) }
    }
    return found
  }

  private func mayCollapse(_ one: Int, _ other: Int, _ target: SIMD3<Double>) -> Bool {
    guard neighbours(one).intersection(neighbours(other)).count == 2 else { return false }
    for (vertex, partner) in [(one, other), (other, one)] {
      for index in fans[vertex] {
        let corners = triangles[Int(index)]
        guard (0..<3).allSatisfy({ Int(corners[$0]) != partner }) else { continue }
        let before = (0..<3).map { positions[Int(corners[$0])] }
        let after = (0..<3).map {
          Int(corners[$0]) == vertex ? target : positions[Int(corners[$0])]
        }
        let old = cross(before[1] - before[0], before[2] - before[0])
        let new = cross(after[1] - after[0], after[2] - after[0])
        // No more than about 80 degrees of turn, and no sliver without an area.
        guard dot(old, new) > 0.2 * norm(old) * norm(new) else { return false }
      }
    }
    return true
  }

  private mutating func join(_ one: Int, _ other: Int, _ target: SIMD3<Double>) {
    positions[one] = target
    quadrics[one] += quadrics[other]
    versions[one] += 1
    for index in fans[other] {
      var corners = triangles[Int(index)]
      if (0..<3).contains(where: { Int(corners[$0]) == one }) {
        isAlive[Int(index)] = false
        count -= 1
        for place in 0..<3 where Int(corners[place]) != other {
          fans[Int(corners[place])].removeAll { $0 == index }
        }
      } else {
        for place in 0..<3 where Int(corners[place]) == other { corners[place] = Int32(one) }
        triangles[Int(index)] = corners
        fans[one].append(index)
      }
    }
    fans[other] = []
    for neighbour in neighbours(one).sorted() {
      push(min(Int32(one), neighbour), max(Int32(one), neighbour))
    }
  }

  private var result: SurfaceMesh {
    var numbers = [Int32](repeating: -1, count: positions.count)
    var vertices: [SIMD3<Double>] = []
    var kept: [SIMD3<Int32>] = []
    for (index, corners) in triangles.enumerated() where isAlive[index] {
      var renumbered = corners
      for place in 0..<3 {
        let vertex = Int(corners[place])
        if numbers[vertex] < 0 {
          numbers[vertex] = Int32(vertices.count)
          vertices.append(positions[vertex])
        }
        renumbered[place] = numbers[vertex]
      }
      kept.append(renumbered)
    }
    return SurfaceMesh(vertices: vertices, triangles: kept)
  }
}

extension SurfaceMesh {
  /// The surface with fewer triangles, as near to this one as can be.
  ///
  /// Triangles that cannot go without opening or folding the surface stay, so that there may be more.
  /// - Parameter count: The number of triangles to come down to.
  /// - Returns: A closed surface when this one is closed.
  public func simplified(toTriangles count: Int) -> SurfaceMesh {
    guard triangles.count > count else { return self }
    var simplification = SurfaceSimplification(self)
    return simplification.collapse(to: count)
  }
}
