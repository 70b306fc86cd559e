/// The watershed of a landscape, flooded from markers.
///
/// Voxels join the marker whose flood reaches them first: always the lowest voxel beside the flooded
/// ones, and of equally low ones the one that was seen first; the flood never falls, so that what lies
/// below its level counts as high as that (Beucher and Meyer 1993, "The morphological approach to
/// segmentation: the watershed transformation"; Meyer 1994, "Topographic distance and watershed lines").
/// No line is left between basins. Order, and so the result, is that of scikit-image's `watershed`:
/// neighbours are seen nearest first, then in the order of memory.
public enum Watershed {
  /// Floods a landscape.
  /// - Parameters:
  ///   - landscape: Heights, one for each voxel, x fastest; none is a NaN.
  ///   - markers: Where floods begin: the number of a basin, or 0. Markers of one number are one
  ///     basin also where they do not touch.
  ///   - mask: Voxels that may be flooded, or nil for all; markers outside count for nothing.
  ///   - size: The grid's voxels along each axis.
  ///   - connectivity: Which voxels are neighbours.
  /// - Returns: The basin of each voxel; 0 outside the mask and where no flood arrives.
  /// - Precondition: As many values as voxels, and fewer than 2^32.
  /// - Complexity: O(n log n) for n voxels of the mask.
  public static func basins(
    of landscape: [Float],
    markers: [UInt32],
    mask: [Bool]? = nil,
    size: SIMD3<Int>,
    connectivity: Connectivity
  ) -> [UInt32] {
    let count = size.x * size.y * size.z
    precondition(
      landscape.count == count && markers.count == count && mask?.count ?? count == count,
      "\(landscape.count) heights and \(markers.count) markers for a grid of \(size)"
    )
    precondition(count < 1 << 32, "a grid of \(size) is too large")
    var basins = markers
    if let mask { for place in 0..<count where !mask[place] { basins[place] = 0 } }
    var queue = FloodQueue()
    for place in 0..<count where basins[place] > 0 {
      queue.insert(level: FloodQueue.level(landscape[place]), age: 0, place: UInt32(place))
    }
    let steps = neighbours(connectivity)
    var age: UInt32 = 0
    while let (level, place) = queue.removeFirst() {
      let index = Int(place)
      let at = SIMD3(index % size.x, index / size.x % size.y, index / (size.x * size.y))
      for step in steps {
        let next = at &+ step
        guard (0..<3).allSatisfy({ next[$0] >= 0 && next[$0] < size[$0] }) else { continue }
        let target = next.x + size.x * (next.y + size.y * next.z)
        guard basins[target] == 0, mask?[target] ?? true else { continue }
        basins[target] = basins[index]
        age += 1
        queue.insert(
          level: max(level, FloodQueue.level(landscape[target])),
          age: age,
          place: UInt32(target)
        )
      }
    }
    return basins
  }

  /// The steps to a voxel's neighbours: by distance, then in the order of memory.
  private static func neighbours(_ connectivity: Connectivity) -> [SIMD3<Int>] {
    let reach =
      switch connectivity {
      case .six: 1
      case .eighteen: 2
      case .twentySix: 3
      }
    var steps: [SIMD3<Int>] = []
    for distance in 1...reach {
      for z in -1...1 {
        for y in -1...1 {
          for x in -1...1 where x * x + y * y + z * z == distance { steps.append([x, y, z]) }
        }
      }
    }
    return steps
  }
}
