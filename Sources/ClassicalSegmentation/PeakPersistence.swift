import Imaging

/// The peaks of a landscape that stand out.
///
/// Voxels are added from the highest to the lowest; a peak ends where its region meets that of a higher
/// peak. The height between the two is its persistence, also called its dynamics (Grimaud 1992, "A new
/// measure of contrast: the dynamics"). Of equally high peaks the first in memory counts as higher.
enum PeakPersistence {
  /// Finds peaks.
  /// - Parameters:
  ///   - heights: The landscape, x fastest; none is a NaN.
  ///   - mask: Where to look.
  ///   - least: The least persistence.
  ///   - image: The grid; neighbours share a face.
  /// - Returns: One voxel for each peak, in the order of memory; at least one for each connected part
  ///   of the mask.
  static func peaks(
    of heights: [Float],
    in mask: [Bool],
    least: Float,
    image: ClassicalImage
  ) -> [Int] {
    var order: [UInt64] = []
    for place in heights.indices where mask[place] {
      order.append(UInt64(~FloodQueue.level(heights[place])) << 32 | UInt64(place))
    }
    order.sort()
    // A region is a tree of voxels whose root is its peak.
    var parents = [Int32](repeating: -1, count: heights.count)
    func root(of place: Int) -> Int {
      var at = place
      while Int(parents[at]) != at {
        parents[at] = parents[Int(parents[at])]
        at = Int(parents[at])
      }
      return at
    }
    func precedes(_ a: Int, _ b: Int) -> Bool { (-heights[a], a) < (-heights[b], b) }
    var fallen = [Bool](repeating: false, count: heights.count)
    var peaks: [Int] = []
    for key in order {
      let place = Int(key & 0xFFFF_FFFF)
      parents[place] = Int32(place)
      image.forEachNeighbour(of: place) { other in
        guard parents[other] >= 0 else { return }
        let (mine, its) = (root(of: place), root(of: other))
        guard mine != its else { return }
        let (higher, lower) = precedes(mine, its) ? (mine, its) : (its, mine)
        parents[lower] = Int32(higher)
        // A voxel that joins a region at once is no peak of its own.
        if lower == place || heights[lower] - heights[place] < least { fallen[lower] = true }
      }
    }
    for place in heights.indices where mask[place] && !fallen[place] { peaks.append(place) }
    return peaks
  }
}
