import Pipelines
import Recognition
import Support
import TestSupport
import Testing

struct DetectionSamplerTests {
  private func sampler(
    _ data: DetectionDataset,
    size: [Int] = [64, 96],
    _ augmentation: DetectionAugmentation = DetectionAugmentation()
  ) -> DetectionSampler {
    var plan = RecognitionPlan(task: .detection, imageSize: size, channels: 1)
    plan.fitting = .letterbox
    return DetectionSampler(data.images, plan: plan, augmentation: augmentation)
  }

  @Test func samplesFollowFromSeedStepAndPlace() throws {
    let made = try MadeSquares(6)
    let data = try DetectionDataset.open(made.root)
    let first = try sampler(data).batch(step: 5, of: 100, count: 4, seed: 1)
    let again = try Parallelism.$threadCount.withValue(1) {
      try sampler(data).batch(step: 5, of: 100, count: 4, seed: 1)
    }
    #expect(first.images.values == again.images.values && first.objects == again.objects)
    let other = try sampler(data).batch(step: 5, of: 100, count: 4, seed: 2)
    #expect(first.images.values != other.images.values)
    // Samples 2 and 3 of batches of four are samples 0 and 1 of the next but one batch of two.
    let half = try sampler(data).batch(step: 11, of: 200, count: 2, seed: 1)
    #expect(half.objects == Array(first.objects[2...]))
    #expect(half.images.values == Array(first.images.values[(2 * 64 * 96)...]))
  }

  @Test func everyPictureIsSeenOnceInARound() throws {
    let made = try MadeSquares(7)
    let data = try DetectionDataset.open(made.root)
    let batch = try sampler(data, .none).batch(step: 0, of: 10, count: 7, seed: 4)
    let expected = data.images.map { $0.objects.map(\.box) }
    let found = batch.objects.map { $0.map(\.box) }
    #expect(found.allSatisfy { expected.contains($0) })
    #expect(Set(found.map { $0.map(\.left) }) == Set(expected.map { $0.map(\.left) }))
  }

  /// In mosaics of any scale, boxes hold bright pixels, and what lies around them is dark.
  @Test(arguments: [[64, 96], [96, 64], [128, 128]])
  func boxesFollowTheirSquares(_ size: [Int]) throws {
    let made = try MadeSquares(8)
    let data = try DetectionDataset.open(made.root)
    var augmentation = DetectionAugmentation()
    (augmentation.flipDown, augmentation.brightness) = (0.5, 0)
    let sampler = sampler(data, size: size, augmentation)
    var checked = 0
    for step in [0, 1, 2, 3, 95, 96] {
      let batch = try sampler.batch(step: step, of: 100, count: 6, seed: 9)
      let values = batch.images.values
      for (index, objects) in batch.objects.enumerated() {
        for object in objects where object.box.width > 6 && object.box.height > 6 {
          let box = object.box
          var sum: Float = 0
          var count: Float = 0
          for y in Int(box.top) + 1..<Int(box.bottom) - 1 {
            for x in Int(box.left) + 1..<Int(box.right) - 1 {
              sum += values[(index * size[0] + y) * size[1] + x]
              count += 1
            }
          }
          // Squares of 150 and 230 of 255 grey levels, their borders blurred.
          let expected: Float = object.label == 1 ? 230 / 255 : 150 / 255
          #expect(abs(sum / count - expected) < 0.08, "\(box) of class \(object.label)")
          checked += 1
        }
      }
    }
    #expect(checked > 40)
  }
}
