import Support

/// Which samples a detector's two stages learn from.
public struct RegionSampling: Codable, Sendable, Equatable {
  /// Anchors of an image.
  public var anchors = 256
  /// The largest share of them that hold an object.
  public var anchorShare = 0.5
  /// Anchors that overlap an object at least so much hold it, and so does the best anchor of each object.
  public var anchorOverlap = 0.7
  /// Anchors that overlap every object less than this hold none.
  public var emptyOverlap = 0.3
  /// Regions of an image; 512 in the papers.
  public var regions = 128
  /// The largest share of them that hold an object.
  public var regionShare = 0.25
  /// Regions that overlap an object at least so much hold it.
  public var regionOverlap = 0.5

  /// Creates the papers' numbers, but for the regions.
  ///
  /// Ren et al. 2015, section 3.1.3; Lin et al. 2017, section 5.2.
  public init() {}

  /// Checks values that came from outside.
  /// - Throws: `RecognitionError.unfitTraining`.
  func check() throws(RecognitionError) {
    let shares = [anchorShare, anchorOverlap, emptyOverlap, regionShare, regionOverlap]
    guard shares.allSatisfy((0...1).contains), (1...100_000).contains(anchors),
      (1...100_000).contains(regions), emptyOverlap <= anchorOverlap
    else {
      throw .unfitTraining(reason: "the samples of regions are impossible: \(self)")
    }
  }
}

/// Which object each of many boxes holds.
package struct RegionMatching: Sendable {
  /// What a box holds.
  package enum Match: Sendable, Equatable {
    /// An object, by its place in the list.
    case object(Int)
    /// Nothing.
    case empty
    /// Neither is to be learned.
    case ignored
  }

  /// Boxes that share more than this part of their area with an ignored object are not called empty.
  private static let ignoredShare: Float = 0.5

  /// What each box holds.
  package private(set) var matches: [Match]

  /// Matches boxes with the objects of an image.
  /// - Parameters:
  ///   - boxes: The boxes, by their edges.
  ///   - objects: The objects.
  ///   - overlap: The least overlap with an object that is held.
  ///   - empty: Boxes that overlap every object less hold nothing.
  ///   - keepsBest: Whether the boxes that overlap an object most hold it, however little that is.
  package init(
    _ boxes: [SIMD4<Float>],
    objects: [TaskAlignedAssigner.Object],
    overlap: Double,
    empty: Double,
    keepsBest: Bool
  ) {
    let ignored = objects.filter(\.isIgnored).map(\.box.edges)
    let counted = objects.enumerated().filter { !$0.element.isIgnored }
      .map { (place: $0.offset, edges: $0.element.box.edges) }
    var best = [Float](repeating: 0, count: counted.count)
    var overlaps: [(Float, Int)] = []
    overlaps.reserveCapacity(boxes.count)
    for box in boxes {
      var (most, which): (Float, Int) = (0, -1)
      for (index, object) in counted.enumerated() {
        let found = box.overlap(object.edges)
        if found > most { (most, which) = (found, index) }
        if found > best[index] { best[index] = found }
      }
      overlaps.append((most, which))
    }
    matches = zip(boxes, overlaps).map { box, found in
      if found.1 >= 0, found.0 >= Float(overlap) { return .object(counted[found.1].place) }
      let area = box.area
      if ignored.contains(where: { box.common($0) > Self.ignoredShare * area }) { return .ignored }
      return found.0 < Float(empty) ? .empty : .ignored
    }
    guard keepsBest else { return }
    for (place, box) in boxes.enumerated() where overlaps[place].1 >= 0 {
      // As torchvision: such a box holds the object that it overlaps most, which may be another.
      let isBest = counted.enumerated().contains { index, object in
        best[index] > 0 && box.overlap(object.edges) == best[index]
      }
      if isBest { matches[place] = .object(counted[overlaps[place].1].place) }
    }
  }

  /// Chooses boxes at random.
  /// - Parameters:
  ///   - count: Boxes in all, as far as there are.
  ///   - share: The largest share of those that hold an object.
  ///   - random: The stream to draw from.
  /// - Returns: Places of boxes with an object and of empty ones, rising.
  package func sample(
    _ count: Int,
    share: Double,
    random: inout RandomStream
  ) -> (full: [Int], empty: [Int]) {
    func chosen(_ places: [Int], _ wanted: Int) -> [Int] {
      guard places.count > wanted else { return places }
      var pool = places
      for index in 0..<wanted {
        let other = index + Int(random.uniform() * Double(pool.count - index))
        pool.swapAt(index, min(other, pool.count - 1))
      }
      return pool.prefix(wanted).sorted()
    }
    let full = matches.indices.filter { if case .object = matches[$0] { true } else { false } }
    let empty = matches.indices.filter { matches[$0] == .empty }
    let first = chosen(full, Int(Double(count) * share))
    return (first, chosen(empty, count - first.count))
  }
}
