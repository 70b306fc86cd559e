import Layers
import Support
import Tensors
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
