import Enhancement
import Foundation
import Imaging
import Pipelines
import Support
import TestSupport
import Testing

/// Diffusion models that follow a given image.
@Suite struct DiffusionModelTests {
  /// Pictures of one value, but for a corner.
  private func flats(_ count: Int, value: Float = 180) throws -> CleanImages {
    let geometry = try SampleModel.scan([32, 32, 1], isPlanar: true).geometry
    var voxels = [Float](repeating: value, count: geometry.voxelCount)
    voxels[0] = value - 1
    return CleanImages(
      (0..<count).map {
        CleanImages.Image(id: "\($0)", volume: Volume(geometry: geometry, voxels: voxels))
      },
      arePictures: true,
      name: "flats"
    )
  }

  private func configuration(_ images: CleanImages, steps: Int) throws -> EnhancementConfiguration {
    var request = EnhancementRequest(task: .denoise)
    request.noise = ImageNoise(kind: .gaussian, lowest: 0.1, highest: 0.1)
    (request.network, request.features, request.depth) = ("diffusion", 8, 2)
    (request.patch, request.batchSize) = (16, 4)
    var values = try EnhancementPlanner.configuration(for: images, request)
    values.steps = steps
    values.averagingDecay = 0.95
    values.learningRate = 4e-3
    return values
  }

  private func trainer(_ images: CleanImages, _ folder: TemporaryFolder) -> EnhancementTrainer {
    EnhancementTrainer(
      images: images,
      checkpointFolder: folder.file("checkpoints"),
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  @Test func imagesOfOneValueAreFound() throws {
    let images = try flats(3)
    var values = try configuration(images, steps: 120)
    #expect(values.plan.diffusion?.leaps == 10 && values.loss == .l2)
    values.plan.diffusion?.leaps = 5
    // A piece for the image, which keeps the test short.
    (values.plan.patchSize, values.plan.halo) = ([32, 32], 4)
    let folder = try TemporaryFolder()
    let outcome = try trainer(images, folder).run(values, budget: .steps, resumes: false)
    let path = folder.file("flat")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try TrainedEnhancer(
      outcome: outcome,
      origin: ModelOrigin(name: "flat", dataset: "flats", command: "lamina train")
    )
    .write(to: path)
    let package = try ModelPackage(path: path)

    let clean = images.images[0].volume
    var noisy = clean.voxels.map { $0 / 255 }
    ImageNoise(kind: .gaussian, lowest: 0.1, highest: 0.1)
      .apply(.init(level: 0.1, seed: 3), to: &noisy)
    let image = Volume(geometry: clean.geometry, voxels: noisy.map { $0 * 255 })
    let enhancer = try Enhancer(package)
    #expect(enhancer.isDiffusion)
    let made = try enhancer.improved(image)
    let mean = made.voxels.reduce(0, +) / Float(made.voxels.count)
    #expect(abs(mean - 180) < 8, "\(mean)")
    // Seeded: the same again, and for every number of threads.
    let again = try Parallelism.$threadCount.withValue(3) { try enhancer.improved(image) }
    #expect(again.voxels == made.voxels)

    let other = try Enhancer(package, sampling: DiffusionSampling(leaps: 4, count: 2, seed: 9))
    #expect(other.record.summary.contains("4 leaps, the mean of 2"))
    let quiet = SilentProgress()
    let few = try other.samples(
      of: image,
      count: 2,
      progress: quiet,
      interruption: Interruption()
    )
    #expect(try other.improved(image).voxels == few.mean.voxels)
    #expect(few.spread.voxels.allSatisfy { $0 >= 0 } && few.spread.voxels.contains { $0 > 0 })
    let one = try enhancer.samples(
      of: image,
      count: 1,
      progress: quiet,
      interruption: Interruption()
    )
    #expect(one.mean.voxels == made.voxels)
    #expect(one.spread.voxels.allSatisfy { $0 == 0 })
    #expect(throws: EnhancementError.self) {
      try Enhancer(package, sampling: DiffusionSampling(leaps: 1001))
    }
  }

  @Test func otherModelsHaveNoSamples() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("model")
    try SampleModel.write(to: path, SampleModel.dnCNN(), SampleModel.plan())
    let package = try ModelPackage(path: path)
    #expect(try !Enhancer(package).isDiffusion)
    for sampling in [DiffusionSampling(leaps: 4), DiffusionSampling(count: 2)] {
      #expect(throws: EnhancementError.self) { try Enhancer(package, sampling: sampling) }
    }
  }

  @Test func aKilledRunResumesToTheSameEnd() throws {
    let images = try SampleModel.discs(3)
    var values = try configuration(images, steps: 102)
    values.batchSize = 1
    let whole = try trainer(images, TemporaryFolder()).run(values, budget: .steps, resumes: false)
    let folder = try TemporaryFolder()
    let stop = Interruption()
    #expect(throws: SupportError.interrupted) {
      try EnhancementTrainer(
        images: images,
        checkpointFolder: folder.file("checkpoints"),
        progress: StopAfterNote(stop),
        interruption: stop
      ).run(values, budget: .steps, resumes: false)
    }
    let resumed = try trainer(images, folder).run(values, budget: .steps, resumes: true)
    #expect(try resumed.network.weights.encoded() == whole.network.weights.encoded())
  }
}
