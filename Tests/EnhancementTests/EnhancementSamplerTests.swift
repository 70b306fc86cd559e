import Enhancement
import Imaging
import Networks
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct EnhancementSamplerTests {
  private func images(_ size: SIMD3<Int>, isPlanar: Bool = false) throws -> CleanImages {
    CleanImages(
      try (0..<3).map { index in
        CleanImages.Image(
          id: "\(index)",
          volume: try SampleModel.scan(size, isPlanar: isPlanar).map { $0 + Float(index) }
        )
      },
      arePictures: isPlanar,
      name: "samples"
    )
  }

  private func sampler(
    _ images: CleanImages,
    _ change: (inout EnhancementRequest) -> Void
  ) throws -> (EnhancementSampler, EnhancementConfiguration) {
    var request = EnhancementRequest(task: .denoise)
    request.noise = ImageNoise(kind: .gaussian, lowest: 0.05, highest: 0.1)
    request.features = 8
    request.depth = 3
    request.patch = 16
    request.batchSize = 5
    change(&request)
    let configuration = try EnhancementPlanner.configuration(for: images, request)
    let material = try EnhancementMaterial(images, configuration: configuration)
    return (EnhancementSampler(material.training, configuration: configuration), configuration)
  }

  @Test func aSampleFollowsFromSeedStepAndPlace() throws {
    let (sampler, _) = try sampler(images([40, 40, 4])) { _ in }
    #expect(sampler.sample(step: 3, index: 2) == sampler.sample(step: 3, index: 2))
    #expect(sampler.sample(step: 3, index: 2) != sampler.sample(step: 3, index: 1))
    #expect(sampler.sample(step: 3, index: 2) != sampler.sample(step: 4, index: 2))
    let one = Parallelism.$threadCount.withValue(1) { sampler.batch(step: 6) }
    let three = Parallelism.$threadCount.withValue(3) { sampler.batch(step: 6) }
    #expect(one.input.values == three.input.values && one.target.values == three.target.values)
    #expect(one.input.shape == [5, 1, 16, 16] && one.weights == nil)
  }

  @Test func theNoiseIsTheOnlyDifference() throws {
    let (sampler, _) = try sampler(images([40, 40, 4])) { _ in }
    let sample = sampler.sample(step: 0, index: 0)
    let differences = zip(sample.input, sample.target).map { Double($0 - $1) }
    let mean = differences.reduce(0, +) / 256
    let deviation = (differences.reduce(0) { $0 + $1 * $1 } / 256).squareRoot()
    #expect(abs(mean) < 0.03 && (0.04...0.12).contains(deviation))
  }

  @Test func noiseOfALowDoseIsMadeForWholeSlices() throws {
    let image = CleanImages.Image(
      id: "head",
      volume: try SampleModel.disc(slices: 3),
      modality: "CT"
    )
    let clean = CleanImages([image], arePictures: false, name: "heads")
    func change(_ request: inout EnhancementRequest) {
      // 41 HU.
      request.noise = ImageNoise(kind: .lowDoseCT, lowest: 0.01, highest: 0.01)
      request.contextSlices = 1
      request.network = "dncnn"
    }
    let (sampler, configuration) = try sampler(clean, change)
    let material = try EnhancementMaterial(clean, configuration: configuration)
    let fields = material.training[0].fields
    #expect(fields.count == 3 && Set(fields.map { $0.voxels[2000] }).count == 3)
    let sample = sampler.sample(step: 1, index: 2)
    #expect(sample == sampler.sample(step: 1, index: 2))
    let middle = sample.input[256..<512]
    let errors = zip(middle, sample.target).map { Double($0 - $1) }
    let squares = errors.reduce(0.0) { $0 + $1 * $1 }
    #expect((0.004...0.02).contains((squares / 256).squareRoot()))
    // Scans that are no CT have no such noise.
    #expect(throws: EnhancementError.self) {
      _ = try self.sampler(images([40, 40, 4])) { request in
        change(&request)
        request.contextSlices = 0
      }
    }
  }

  @Test func neighboursAreChannelsAndTheTargetIsTheMiddle() throws {
    let (sampler, configuration) = try sampler(images([40, 40, 9])) {
      $0.contextSlices = 1
      $0.noise = ImageNoise(kind: .gaussian, lowest: 1e-9, highest: 1e-9)
    }
    #expect(configuration.network.inputChannels == 3)
    let sample = sampler.sample(step: 1, index: 1)
    #expect(sample.input.count == 3 * 256 && sample.target.count == 256)
    #expect(zip(sample.input[256..<512], sample.target).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test func coarseAndFinePiecesShowTheSamePlace() throws {
    let (sampler, configuration) = try sampler(images([80, 80, 1], isPlanar: true)) {
      $0.task = .superResolution
      $0.noise = nil
      $0.scale = [4, 4, 1]
      $0.network = "rrdb"
    }
    #expect(configuration.plan.enlargement == .network)
    for index in 0..<5 {
      let sample = sampler.sample(step: 0, index: index)
      #expect(sample.input.count == 256 && sample.target.count == 4096)
      // The mean over a fine square is near the coarse value of the same smooth place.
      for (row, column) in [(3, 3), (8, 12), (14, 5)] {
        let mean =
          (0..<16).reduce(Float(0)) {
            $0 + sample.target[64 * (4 * row + $1 / 4) + 4 * column + $1 % 4]
          } / 16
        #expect(abs(mean - sample.input[16 * row + column]) < 0.03)
      }
    }
  }

  @Test func hiddenVoxelsAloneCount() throws {
    let (sampler, configuration) = try sampler(images([40, 40, 4])) {
      $0.selfSupervision = .noise2void
    }
    #expect(configuration.loss == .l2)
    let sample = sampler.sample(step: 0, index: 0)
    let weights = try #require(sample.weights)
    #expect((1...4).contains(weights.count { $0 == 1 }))
    for place in weights.indices where weights[place] == 0 {
      #expect(sample.input[place] == sample.target[place])
    }
    let hidden = weights.indices.filter { weights[$0] == 1 }
    #expect(hidden.contains { sample.input[$0] != sample.target[$0] })
  }

  @Test func noiseIsAddedTwiceForNoise2Noise() throws {
    let (sampler, configuration) = try sampler(images([40, 40, 4])) {
      $0.selfSupervision = .noise2noise
      $0.noise = ImageNoise(kind: .gaussian, lowest: 0.1, highest: 0.1)
    }
    #expect(configuration.loss == .l2)
    // Independent noise of 0.1 in both: their difference has the square root of twice the variance.
    let sample = sampler.sample(step: 0, index: 0)
    let differences = zip(sample.input, sample.target).map { Double($0 - $1) }
    let deviation = (differences.reduce(0) { $0 + $1 * $1 } / 256).squareRoot()
    #expect(abs(deviation - 0.1 * 2.0.squareRoot()) < 0.025)
    #expect(sample.weights == nil && sample.input.count == 256)
  }

  @Test func repeatsAreToldFromEachOther() throws {
    let scan = try SampleModel.scan([40, 40, 5])
    // Each version has a brightness of its own, by which it is known.
    let shifts: [Float] = [0, 10, 20]
    let images = CleanImages(
      shifts.enumerated().map { index, shift in
        CleanImages.Image(id: "set/a_000\(index)", volume: scan.map { $0 + shift })
      },
      arePictures: false,
      name: "samples"
    )
    let joined = try images.joiningRepeats()
    #expect(joined.images.map(\.id) == ["set/a"] && joined.images[0].repeats.count == 2)
    let (sampler, _) = try sampler(joined) {
      $0.selfSupervision = .noise2noise
      $0.noise = nil
      $0.contextSlices = 1
    }
    var seen: Set<Int> = []
    let width = try #require(
      IntensityRange.percentiles(low: 0, high: 99.5).scale(for: scan.voxels)
    ).width
    for index in 0..<40 {
      let sample = sampler.sample(step: 0, index: index)
      let shift = Int(((sample.target[0] - sample.input[256]) * width / 10).rounded())
      let isOther = zip(sample.input[256..<512], sample.target).allSatisfy {
        abs(($1 - $0) * width - 10 * Float(shift)) < 1e-2
      }
      #expect(isOther && shift != 0)
      seen.insert(shift)
    }
    #expect(seen == [-2, -1, 1, 2])
  }

  @Test func repeatsMustLieOnOneGridAndBeTwo() throws {
    let scan = try SampleModel.scan([40, 40, 4])
    func images(_ other: Volume<Float>, _ id: String) -> CleanImages {
      CleanImages(
        [
          CleanImages.Image(id: "a_0000", volume: scan),
          CleanImages.Image(id: id, volume: other),
        ],
        arePictures: false,
        name: "samples"
      )
    }
    let shifted = try SampleModel.scan([40, 40, 5])
    #expect(throws: EnhancementError.self) { try images(shifted, "a_0001").joiningRepeats() }
    let apart = try images(scan, "b_0000").joiningRepeats()
    #expect(apart.images.map(\.id) == ["a", "b"])
    #expect(throws: EnhancementError.self) {
      try sampler(apart) {
        $0.selfSupervision = .noise2noise
        $0.noise = nil
      }
    }
    // A network that is told the noise cannot learn from repeats, whose noise is not known.
    #expect(throws: EnhancementError.self) {
      try sampler(images(scan, "a_0001").joiningRepeats()) {
        $0.selfSupervision = .noise2noise
        $0.noise = nil
        $0.network = "ffdnet"
      }
    }
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    let pictures = try images([40, 40, 1], isPlanar: true)
    for change: (inout EnhancementRequest) -> Void in [
      { $0.dimensions = 3 }, { $0.contextSlices = 1 }, { $0.noise = nil },
      { $0.network = "nonsense" }, { $0.task = .superResolution },
    ] {
      #expect(throws: EnhancementError.self) { try sampler(pictures, change) }
    }
    #expect(throws: EnhancementError.self) { try sampler(images([12, 40, 2])) { _ in } }
  }

  @Test func ctIsToldByItsValues() throws {
    let scans = CleanImages(
      [
        CleanImages.Image(
          id: "ct",
          volume: try SampleModel.scan([40, 40, 4]).map { 10 * $0 - 2000 }
        )
      ],
      arePictures: false,
      name: "samples"
    )
    let (_, configuration) = try sampler(scans) { _ in }
    #expect(configuration.plan.modality == "CT")
    #expect(configuration.plan.intensity == .fixed(low: -1024, high: 3071))
  }
}
