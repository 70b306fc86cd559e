import Foundation
import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite struct DeepSupervisionTests {
  @Test func weightsHalveAndTheCoarsestCountsForNothing() {
    #expect(DeepSupervision.weights(1) == [1])
    let three = DeepSupervision.weights(3)
    #expect(abs(three[0] - 2 / 3) < 1e-6 && abs(three[1] - 1 / 3) < 1e-6 && three[2] == 0)
  }

  @Test func labelsAreTakenAtTheCentresOfCoarserCells() {
    let labels = LabelTensor((0..<32).map { Int32($0) }, shape: [1, 4, 8])
    #expect(labels.reduced(to: [2, 4]).labels == [9, 11, 13, 15, 25, 27, 29, 31])
    #expect(labels.reduced(to: [4, 8]) == labels)
    // The second sample begins where the first one ends.
    let two = LabelTensor([0, 1, 2, 3, 10, 11, 12, 13], shape: [2, 4])
    #expect(two.reduced(to: [2]).labels == [1, 3, 11, 13])
    let volume = LabelTensor((0..<64).map { Int32($0) }, shape: [1, 4, 4, 4])
    #expect(volume.reduced(to: [2, 2, 1]).labels == [22, 30, 54, 62])
  }

  private struct StoredReductions: Decodable {
    struct Case: Decodable {
      let size: [Int]
      let reduced: [Int]
      let kept: [Int32]
    }
    let cases: [Case]
  }

  @Test func theKeptVoxelsAreThoseOfNNUNet() throws {
    let url = URL(fileURLWithPath: Fixtures.path("augmentation/supervision.json"))
    let file = try JSONDecoder().decode(StoredReductions.self, from: Data(contentsOf: url))
    #expect(file.cases.count == 5)
    for stored in file.cases {
      // Each voxel's class is its place, so that the result names the voxels. Sizes are x, y, z.
      let labels = LabelTensor(
        (0..<stored.size.reduce(1, *)).map { Int32($0) },
        shape: [1] + stored.size.reversed()
      )
      let found = labels.reduced(to: stored.reduced.reversed())
      #expect(found.labels == stored.kept)
      #expect(found.shape == [1] + stored.reduced.reversed())
    }
  }

  @Test func anAxisShorterThanItsStrideKeepsItsMiddle() {
    #expect(LabelTensor([4, 5, 6], shape: [1, 3]).reduced(to: [1]).labels == [5])
  }

  @Test func theLossIsTheWeightedSumOfEachResolutions() {
    var random = RandomStream(seed: 3)
    func scores(_ size: Int) -> Tensor {
      Tensor((0..<3 * size * size).map { _ in Float(random.normal()) }, shape: [1, 3, size, size])
    }
    let all = [scores(8), scores(4), scores(2)]
    let labels = LabelTensor((0..<64).map { Int32($0 % 3) }, shape: [1, 8, 8])
    let loss = SegmentationLoss.crossEntropyAndDice
    let found = DeepSupervision.loss(of: all, labels: labels) { loss($0, labels: $1) }.scalar
    let fine = loss(all[0], labels: labels).scalar
    let coarse = loss(all[1], labels: labels.reduced(to: [4, 4])).scalar
    #expect(abs(found - (2 * fine + coarse) / 3) < 1e-5)
  }
}
