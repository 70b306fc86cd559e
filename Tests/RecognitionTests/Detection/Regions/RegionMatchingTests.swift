import Recognition
import Support
import Testing

struct RegionMatchingTests {
  private static func object(
    _ edges: SIMD4<Double>,
    label: Int = 0,
    isIgnored: Bool = false
  ) -> TaskAlignedAssigner.Object {
    .init(
      label: label,
      box: DetectionBox(left: edges.x, top: edges.y, right: edges.z, bottom: edges.w),
      isIgnored: isIgnored
    )
  }

  /// An object, one that is ignored, and boxes on the first, half on it, beside it, on the second, and afar.
  @Test func boxesHoldObjectsNothingOrAreIgnored() {
    let objects = [
      Self.object([0, 0, 10, 10]), Self.object([50, 50, 60, 60], isIgnored: true),
      Self.object([100, 0, 140, 40]),
    ]
    let boxes: [SIMD4<Float>] = [
      [0, 0, 10, 10], [0, 0, 10, 20], [8, 0, 18, 10], [52, 50, 58, 58], [200, 200, 210, 210],
      [110, 0, 120, 40], [0, 300, 10, 310],
    ]
    func matching(_ keepsBest: Bool) -> RegionMatching {
      RegionMatching(boxes, objects: objects, overlap: 0.7, empty: 0.3, keepsBest: keepsBest)
    }
    #expect(
      matching(false).matches
        == [.object(0), .ignored, .empty, .ignored, .empty, .empty, .empty]
    )
    // The best box of an object that none overlaps enough.
    #expect(matching(true).matches[5] == .object(2))
    #expect(matching(true).matches.count { $0 == .empty } == 3)
    let nothing = RegionMatching(boxes, objects: [], overlap: 0.5, empty: 0.5, keepsBest: true)
    #expect(nothing.matches.allSatisfy { $0 == .empty })
  }

  @Test func samplesFollowFromTheSeed() {
    let boxes = (0..<200).map { index -> SIMD4<Float> in
      index < 50 ? [0, 0, 10, 10] : SIMD4(30, 30, 40 + Float(index), 40)
    }
    let matching = RegionMatching(
      boxes,
      objects: [Self.object([0, 0, 10, 10])],
      overlap: 0.5,
      empty: 0.5,
      keepsBest: false
    )
    func sample(_ seed: UInt64, _ count: Int, _ share: Double) -> (full: [Int], empty: [Int]) {
      var random = RandomStream(seed: seed)
      return matching.sample(count, share: share, random: &random)
    }
    let first = sample(1, 40, 0.25)
    #expect(first.full.count == 10 && first.empty.count == 30)
    #expect(first.full.allSatisfy { $0 < 50 } && first.empty.allSatisfy { $0 >= 50 })
    #expect(Set(first.full + first.empty).count == 40)
    #expect(first == sample(1, 40, 0.25) && first != sample(2, 40, 0.25))
    // Too few of one kind are made up for by empty ones only.
    let many = sample(1, 190, 0.9)
    #expect(many.full.count == 50 && many.empty.count == 140)
    #expect(sample(1, 1000, 0.01).empty.count == 150)
  }
}
