import Foundation
import TestSupport
import Testing
import Transforms

@Suite struct DeepSupervisionLabelsTests {
  struct File: Decodable {
    struct Case: Decodable {
      let size: [Int]
      let strides: [Int]
      let reduced: [Int]
      let kept: [Int32]
    }
    let cases: [Case]
  }

  @Test func theKeptVoxelsAreThoseOfNNUNet() throws {
    let url = URL(fileURLWithPath: Fixtures.path("augmentation/supervision.json"))
    let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
    #expect(file.cases.count == 5)
    for stored in file.cases {
      let count = stored.size.reduce(1, *)
      // Each voxel's class is its place, so that the result names the voxels.
      let (kept, size) = DeepSupervisionLabels.reduced(
        classes: (0..<count).map { Int32($0) },
        size: SIMD3(stored.size[0], stored.size[1], stored.size[2]),
        by: SIMD3(stored.strides[0], stored.strides[1], stored.strides[2])
      )
      #expect([size.x, size.y, size.z] == stored.reduced)
      #expect(kept == stored.kept)
    }
  }

  @Test func aRowByHand() {
    // Four places of two voxels each: the centre of each lies between them, and the later is kept.
    let (kept, size) = DeepSupervisionLabels.reduced(
      classes: [UInt16](0..<8),
      size: [8, 1, 1],
      by: [2, 1, 1]
    )
    #expect(kept == [1, 3, 5, 7])
    #expect(size == [4, 1, 1])
  }

  @Test func anAxisShorterThanItsStrideKeepsOneVoxel() {
    let (kept, size) = DeepSupervisionLabels.reduced(
      classes: [UInt16]([4, 5, 6]),
      size: [3, 1, 1],
      by: [8, 2, 2]
    )
    #expect(kept == [5])
    #expect(size == [1, 1, 1])
  }
}
