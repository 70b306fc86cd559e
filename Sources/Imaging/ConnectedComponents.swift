/// Which voxels count as neighbours.
public enum Connectivity: Int, Sendable, CaseIterable, Codable {
  /// Voxels that share a face.
  case six = 6
  /// Voxels that share a face or an edge.
  case eighteen = 18
  /// Voxels that share a face, an edge or a corner.
  case twentySix = 26

  /// The neighbours that precede a voxel in memory, as steps.
  var precedingSteps: [SIMD3<Int>] {
    var steps: [SIMD3<Int>] = []
    for z in -1...0 {
      for y in -1...1 {
        for x in -1...1 where (z, y, x) < (0, 0, 0) {
          let distance = abs(x) + abs(y) + abs(z)
          let limit =
            switch self {
            case .six: 1
            case .eighteen: 2
            case .twentySix: 3
            }
          if distance <= limit { steps.append([x, y, z]) }
        }
      }
    }
    return steps
  }
}

/// The connected parts of a mask.
///
/// Found by union and find in two passes over the voxels (Rosenfeld and Pfaltz, 1966, "Sequential
/// operations in digital picture processing"; the trees are kept flat by path halving), in time
/// linear in the voxels. Components are numbered from 1 in the order of their first voxels in
/// memory, so that the numbering does not depend on how it was found.
public struct ConnectedComponents: Sendable, Equatable {
  /// The component of each voxel, x fastest; 0 outside the mask.
  public let numbers: [UInt32]
  /// The voxels of each component; `sizes[n - 1]` belongs to component n.
  public let sizes: [Int]

  /// The number of components.
  public var count: Int { sizes.count }

  /// The largest component, the first of equally large ones, or nil when the mask is empty.
  public var largest: UInt32? {
    var best: Int?
    for (index, size) in sizes.enumerated() where best.map({ size > sizes[$0] }) ?? true {
      best = index
    }
    return best.map { UInt32($0 + 1) }
  }

  /// Finds the components of the true voxels.
  /// - Parameters:
  ///   - mask: One value for each voxel, x fastest.
  ///   - size: The grid's voxels along each axis.
  ///   - connectivity: Which voxels are neighbours.
  /// - Precondition: As many values as voxels.
  public init(mask: [Bool], size: SIMD3<Int>, connectivity: Connectivity) {
    self.init(labels: mask.map { $0 ? 1 : 0 }, size: size, connectivity: connectivity)
  }

  /// Finds the components of the voxels other than 0, whatever their values.
  /// - Parameters:
  ///   - mask: One value for each voxel, x fastest.
  ///   - size: The grid's voxels along each axis.
  ///   - connectivity: Which voxels are neighbours.
  /// - Precondition: As many values as voxels.
  public init(mask: [UInt16], size: SIMD3<Int>, connectivity: Connectivity) {
    self.init(labels: mask.map { $0 == 0 ? 0 : 1 }, size: size, connectivity: connectivity)
  }

  /// Finds the components of equal labels: neighbours of different labels are not connected.
  /// - Parameters:
  ///   - labels: One label for each voxel, x fastest; 0 is background.
  ///   - size: The grid's voxels along each axis.
  ///   - connectivity: Which voxels are neighbours.
  /// - Precondition: As many labels as voxels, fewer than 2^32.
  public init(labels: [UInt16], size: SIMD3<Int>, connectivity: Connectivity) {
    precondition(
      labels.count == size.x * size.y * size.z,
      "\(labels.count) labels for a grid of \(size)"
    )
    precondition(labels.count < Int(UInt32.max), "\(labels.count) voxels are too many")
    var forest = Forest()
    var provisional = [UInt32](repeating: 0, count: labels.count)
    let steps = connectivity.precedingSteps
    let offsets = steps.map { $0.x + size.x * ($0.y + size.y * $0.z) }
    labels.withUnsafeBufferPointer { labels in
      provisional.withUnsafeMutableBufferPointer { provisional in
        var place = 0
        for z in 0..<size.z {
          for y in 0..<size.y {
            // The steps that stay within the grid for this row; x is looked at below.
            let inRow = steps.indices.filter {
              z + steps[$0].z >= 0 && y + steps[$0].y >= 0 && y + steps[$0].y < size.y
            }
            for x in 0..<size.x {
              let label = labels[place]
              if label != 0 {
                var number: UInt32 = 0
                for index in inRow {
                  let nextX = x + steps[index].x
                  guard nextX >= 0, nextX < size.x else { continue }
                  let neighbour = place + offsets[index]
                  guard labels[neighbour] == label else { continue }
                  let other = provisional[neighbour]
                  number = number == 0 ? other : forest.union(number, other)
                }
                provisional[place] = number == 0 ? forest.add() : number
              }
              place += 1
            }
          }
        }
      }
    }
    let (final, count) = forest.numbering()
    var sizes = [Int](repeating: 0, count: count)
    for place in provisional.indices where provisional[place] != 0 {
      let number = final[Int(provisional[place])]
      provisional[place] = number
      sizes[Int(number) - 1] += 1
    }
    numbers = provisional
    self.sizes = sizes
  }
}

/// Disjoint sets of numbers from 1; each set's root is its smallest number.
private struct Forest {
  private var parents: [UInt32] = [0]

  mutating func add() -> UInt32 {
    let number = UInt32(parents.count)
    parents.append(number)
    return number
  }

  private mutating func root(_ number: UInt32) -> UInt32 {
    var number = number
    while parents[Int(number)] != number {
      parents[Int(number)] = parents[Int(parents[Int(number)])]
      number = parents[Int(number)]
    }
    return number
  }

  mutating func union(_ a: UInt32, _ b: UInt32) -> UInt32 {
    if a == b { return a }
    let rootA = root(a)
    let rootB = root(b)
    let smaller = min(rootA, rootB)
    parents[Int(rootA)] = smaller
    parents[Int(rootB)] = smaller
    return smaller
  }

  /// The final number of each provisional one, consecutive from 1, and how many there are.
  ///
  /// A root precedes its members, and provisional numbers rise in memory order, so that one pass
  /// suffices and the order is that of the first voxels.
  func numbering() -> ([UInt32], Int) {
    var final = [UInt32](repeating: 0, count: parents.count)
    var count: UInt32 = 0
    for number in 1..<max(parents.count, 1) {
      let parent = Int(parents[number])
      if parent == number {
        count += 1
        final[number] = count
      } else {
        final[number] = final[parent]
      }
    }
    return (final, Int(count))
  }
}

extension LabelMap {
  /// The label map with only the largest connected part of each of some labels.
  /// - Parameters:
  ///   - ids: The labels that are looked at, one by one; nil means every label.
  ///   - connectivity: Which voxels are neighbours.
  /// - Returns: The label map, all smaller parts background; of equally large ones the first in
  ///   memory stays.
  public func keepingLargestComponent(
    ofEach ids: Set<Int>? = nil,
    connectivity: Connectivity = .twentySix
  ) -> LabelMap {
    let looked = ids.map { ids in labels.map { ids.contains(Int($0)) ? $0 : 0 } } ?? labels
    let components = ConnectedComponents(
      labels: looked,
      size: geometry.size,
      connectivity: connectivity
    )
    var labelOf = [UInt16](repeating: 0, count: components.count)
    for (place, number) in components.numbers.enumerated() where number > 0 {
      labelOf[Int(number) - 1] = looked[place]
    }
    var best: [UInt16: Int] = [:]
    for (index, label) in labelOf.enumerated() {
      if let previous = best[label], components.sizes[previous] >= components.sizes[index] {
        continue
      }
      best[label] = index
    }
    return keeping(components) { best[labelOf[$0]] == $0 }
  }

  /// The label map with only the largest connected part of some labels taken together.
  /// - Parameters:
  ///   - ids: The labels that form one foreground; nil means every label.
  ///   - connectivity: Which voxels are neighbours.
  /// - Returns: The label map, all smaller parts background; labels not named stay as they are.
  public func keepingLargestComponent(
    ofAll ids: Set<Int>?,
    connectivity: Connectivity = .twentySix
  ) -> LabelMap {
    let mask = labels.map { $0 != 0 && (ids?.contains(Int($0)) ?? true) }
    let components = ConnectedComponents(
      mask: mask,
      size: geometry.size,
      connectivity: connectivity
    )
    let largest = components.largest
    return keeping(components) { UInt32($0 + 1) == largest }
  }

  private func keeping(
    _ components: ConnectedComponents,
    _ isKept: (Int) -> Bool
  ) -> LabelMap {
    let kept = [true] + (0..<components.count).map(isKept)
    var result = self
    result.labels = zip(labels, components.numbers).map { kept[Int($1)] ? $0 : 0 }
    return result
  }
}
