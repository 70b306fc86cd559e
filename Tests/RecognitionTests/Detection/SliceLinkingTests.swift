import Imaging
import Recognition
import Testing

struct SliceLinkingTests {
  private func detection(_ x: Double, _ score: Double, label: Int = 0) -> Detection {
    Detection(
      label: label,
      score: score,
      box: DetectionBox(left: x, top: 10, right: x + 10, bottom: 20)
    )
  }

  private func geometry(_ slices: Int) throws -> ImageGeometry {
    try ImageGeometry(
      size: [64, 64, slices],
      spacing: [0.5, 0.5, 3],
      origin: [-10, -20, 100],
      direction: .identity
    )
  }

  @Test func neighboursBecomeOneBoxInSpace() throws {
    let found = SliceLinking()(
      [[], [detection(10, 0.5)], [detection(12, 0.9)], [detection(11, 0.6)], []],
      geometry: try geometry(5)
    )
    #expect(found.count == 1)
    let box = try #require(found.first)
    #expect(box.lower == [10, 10, 1] && box.upper == [22, 20, 4])
    #expect(box.score == 0.9 && box.slices == 3)
    #expect(box.sizeMM == [6, 5, 9])
    // The middle of voxels 10 to 21 is 15.5, of 10 to 19 14.5, of slices 1 to 3 2.
    #expect(box.centerMM == [-10 + 7.75, -20 + 7.25, 106])
  }

  @Test func aGapMayBeBridged() throws {
    let slices = [[detection(10, 0.5)], [], [detection(10, 0.4)], [], [], [detection(10, 0.3)]]
    let found = SliceLinking()(slices, geometry: try geometry(6))
    #expect(found.map(\.slices) == [2, 1])
    var strict = SliceLinking()
    strict.gap = 0
    #expect(strict(slices, geometry: try geometry(6)).count == 3)
    strict.leastSlices = 2
    #expect(strict(slices, geometry: try geometry(6)).isEmpty)
  }

  @Test func placesAndClassesAreKeptApart() throws {
    let found = SliceLinking()(
      [
        [detection(0, 0.9), detection(30, 0.8), detection(30, 0.7, label: 1)],
        [detection(31, 0.5), detection(1, 0.6), detection(29, 0.4, label: 1)],
      ],
      geometry: try geometry(2)
    )
    #expect(found.map(\.score) == [0.9, 0.8, 0.7])
    #expect(found.map(\.label) == [0, 0, 1])
    #expect(found.allSatisfy { $0.slices == 2 })
  }

  /// Two boxes meet one: the pair that overlaps more is joined, the other begins anew.
  @Test func aBoxGoesToTheNearestFinding() throws {
    let found = SliceLinking()(
      [[detection(0, 0.9), detection(4, 0.8)], [detection(3, 0.5)]],
      geometry: try geometry(2)
    )
    #expect(found.map(\.slices) == [1, 2])
  }
}
