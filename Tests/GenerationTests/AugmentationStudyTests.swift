import Foundation
import Generation
import Pipelines
import Recognition
import Support
import TestSupport
import Testing

@Suite struct AugmentationStudyTests {
  /// Squares on one of two sides, noisy.
  private static func images(_ count: Int) -> LabelledImages {
    let bytes = (0..<count).flatMap { index -> [UInt8] in
      var random = RandomStream(seed: 3).split(index)
      let column = index % 2 == 0 ? 2 : 9
      return (0..<256).map { at in
        let isBright = (4..<12).contains(at / 16) && (column..<column + 5).contains(at % 16)
        return UInt8(min(255, max(0, (isBright ? 200 : 40) + 20 * random.normal())))
      }
    }
    let stored = StoredImages(height: 16, width: 16, channels: 1, bytes: bytes)
    return LabelledImages(
      name: "sides",
      classNames: ["left", "right"],
      areFindings: false,
      items: (0..<count).map {
        .init(id: "\($0)", source: .stored(stored, $0), classes: [$0 % 2])
      },
      problems: []
    )
  }

  private static var request: AugmentationStudy.Request {
    var generator = GenerationConfiguration(model: .dcgan, height: 16, width: 16, channels: 1)
    (generator.latent, generator.features, generator.batchSize, generator.steps) = (4, 8, 4, 3)
    var request = AugmentationStudy.Request(generator: generator)
    (request.share, request.repeats, request.made, request.classifier) = (0.25, 2, 4, "lenet")
    (request.learning.steps, request.learning.batchSize) = (8, 8)
    return request
  }

  private static func study(
    _ folder: String,
    _ request: AugmentationStudy.Request = request,
    images: LabelledImages = images(60),
    interruption: Interruption = Interruption()
  ) throws -> AugmentationStudy {
    try AugmentationStudy(
      images: images,
      request: request,
      folder: folder,
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: interruption
    )
  }

  @Test func aShareOfEachClassStaysAndTestImagesAll() {
    let divided = Self.images(60).divided(testShare: 0.2, validationShare: 0.1, seed: 1)
    let part = AugmentationStudy.part(of: divided, share: 0.25, seed: 7)
    func count(_ images: LabelledImages, _ split: LabelledImages.Split, _ label: Int) -> Int {
      images.items.count { $0.split == split && $0.classes == [label] }
    }
    for label in 0..<2 {
      #expect(count(part, .test, label) == count(divided, .test, label))
      let (all, kept) = (count(divided, .training, label), count(part, .training, label))
      #expect(kept == Int((0.25 * Double(all)).rounded()) && kept > 0)
      #expect(count(part, .validation, label) == 1)
    }
    let other = AugmentationStudy.part(of: divided, share: 0.25, seed: 8)
    #expect(other.items.map(\.id) != part.items.map(\.id))
    // However small the share, a class does not vanish.
    let least = AugmentationStudy.part(of: divided, share: 1e-6, seed: 7)
    #expect(count(least, .training, 0) == 1 && count(least, .training, 1) == 1)
  }

  @Test func aStoppedStudyGoesOnToTheSameEnd() throws {
    let folder = try TemporaryFolder()
    let whole = try Self.study(folder.file("whole")).run(resumes: false)
    #expect(whole.result.rounds.count == 2 && whole.result.test == 12)
    #expect(whole.result.gainCI95[0] <= whole.result.gain)
    #expect(whole.result.gain <= whole.result.gainCI95[1])
    #expect(whole.samples.made.count == 8 && whole.size == [16, 16, 1])

    let stop = Interruption()
    stop.raise()
    let place = folder.file("stopped")
    #expect(throws: SupportError.interrupted) {
      try Self.study(place, interruption: stop).run(resumes: false)
    }
    let resumed = try Self.study(place)
    #expect(try resumed.run(resumes: true).result == whole.result)
    // What is kept answers a second time, and only for the same values.
    #expect(try resumed.run(resumes: true).result == whole.result)
    var other = Self.request
    other.made = 5
    #expect(throws: PipelinesError.self) { try Self.study(place, other).run(resumes: true) }
    resumed.discardCheckpoints()
    #expect(!FileManager.default.fileExists(atPath: place))
  }

  @Test func unsuitableStudiesAreRefused() throws {
    let folder = try TemporaryFolder()
    for change: (inout AugmentationStudy.Request) -> Void in [
      { $0.share = 0 }, { $0.share = 1.1 }, { $0.repeats = 0 }, { $0.made = 0 },
    ] {
      var request = Self.request
      change(&request)
      #expect(throws: GenerationError.self) { try Self.study(folder.path, request) }
    }
    var single = Self.images(10)
    single.items = single.items.filter { $0.classes == [0] }
    let one = LabelledImages(
      name: "one",
      classNames: ["left"],
      areFindings: false,
      items: single.items,
      problems: []
    )
    #expect(throws: GenerationError.self) { try Self.study(folder.path, images: one) }
  }
}
