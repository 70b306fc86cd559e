import Enhancement
import Foundation
import Imaging
import ImagingIO
import Networks
import Pipelines
import Support
import TestSupport
import Testing

/// From noisy discs to a model that cleans them.
@Suite struct EnhancementTrainerTests {
  private func configuration(
    _ images: CleanImages,
    steps: Int,
    _ change: (inout EnhancementRequest) -> Void = { _ in }
  ) throws -> EnhancementConfiguration {
    var request = EnhancementRequest(task: .denoise)
    request.noise = ImageNoise(kind: .gaussian, lowest: 0.1, highest: 0.1)
    request.network = "dncnn"
    request.features = 8
    request.depth = 4
    request.patch = 24
    request.batchSize = 4
    change(&request)
    var values = try EnhancementPlanner.configuration(for: images, request)
    values.steps = steps
    values.averagingDecay = 0.9
    values.learningRate = 5e-3
    return values
  }

  private func trainer(
    _ images: CleanImages,
    _ folder: TemporaryFolder,
    interruption: Interruption = Interruption()
  ) -> EnhancementTrainer {
    EnhancementTrainer(
      images: images,
      checkpointFolder: folder.file("checkpoints"),
      progress: SilentProgress(),
      interruption: interruption
    )
  }

  @Test func aTrainedModelRemovesNoiseAndIsAPackage() throws {
    let images = try SampleModel.discs()
    let folder = try TemporaryFolder()
    let outcome = try trainer(images, folder).run(
      configuration(images, steps: 150),
      budget: .steps,
      resumes: false
    )
    let evaluation = try #require(outcome.evaluation)
    #expect(evaluation.cases.count == 1 && outcome.trainingCount == 5)
    let psnr = try #require(evaluation.summary["psnr"])
    // Noise of 10 % of the range has a PSNR of 20 dB.
    let before = try #require(psnr["before"]?.mean)
    let gain = try #require(psnr["gain"]?.mean)
    #expect(abs(before - 20) < 0.5)
    #expect(gain > 2)

    let model = TrainedEnhancer(
      outcome: outcome,
      origin: ModelOrigin(name: "discs", dataset: images.name, command: "lamina train")
    )
    let path = folder.file("discs")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try model.write(to: path)
    let package = try ModelPackage(path: path)
    try package.verify()
    #expect(model.card.contains("invent"))
    for name in ["training.json", "heldout.json", "README.md"] {
      #expect(FileManager.default.fileExists(atPath: path + "/" + name))
    }
    let enhancer = try Enhancer(package)
    let clean = images.images[0].volume
    var noisy = clean
    var values = clean.voxels.map { $0 / 255 }
    ImageNoise(kind: .gaussian, lowest: 0.1, highest: 0.1)
      .apply(.init(level: 0.1, seed: 99), to: &values)
    noisy.voxels = values.map { $0 * 255 }
    func quality(_ image: Volume<Float>) throws -> Double {
      try #require(
        ImageQuality(of: image, reference: clean, dataRange: 255).psnr
      )
    }
    #expect(try quality(enhancer.improved(noisy)) > quality(noisy) + 2)
  }

  @Test func noisyPairsAloneTeachToRemoveNoise() throws {
    let images = try SampleModel.discs()
    let outcome = try trainer(images, TemporaryFolder()).run(
      configuration(images, steps: 150) {
        $0.selfSupervision = .noise2noise
        $0.network = "vdsr"
      },
      budget: .steps,
      resumes: false
    )
    // The clean images are known to the evaluation alone. Trained with them it gains 3.4 dB, too.
    let gain = try #require(outcome.evaluation?.summary["psnr"]?["gain"]?.mean)
    #expect(gain > 2.5)
  }

  @Test func timePointsAreRepeats() throws {
    let scan = try SampleModel.scan([20, 20, 3])
    let folder = try TemporaryFolder()
    let points = (0..<3).map { point in AnyVolume.float32(scan.map { $0 + Float(point) }) }
    try NIfTIWriter.write(
      timePoints: points,
      secondsApart: 1,
      to: folder.file("a.nii.gz")
    )
    try NIfTIWriter.write(points[0], to: folder.file("b.nii.gz"))
    let images = try CleanImages(
      folder: folder.path,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    #expect(images.images.map(\.repeats.count) == [2, 0])
    let (first, last) = (images.images[0].volume, images.images[0].repeats[1])
    #expect(abs(last.voxels[7] - first.voxels[7] - 2) < 1e-4)
    // Only one of the two can be trained on, and which one depends on the training.
    for (supervision, kept) in [
      (EnhancementConfiguration.SelfSupervision.noise2noise, "a"), (.noise2void, "b"),
    ] {
      var values = try configuration(images, steps: 1) {
        $0.noise = nil
        $0.selfSupervision = supervision
        $0.patch = 16
      }
      values.heldOutShare = 0
      let material = try EnhancementMaterial(images, configuration: values)
      #expect(material.training.map(\.id) == [kept] && material.notes.count == 1)
    }
  }

  @Test func aKilledRunResumesToTheSameEnd() throws {
    let images = try SampleModel.discs(4)
    let values = try configuration(images, steps: 120)
    let whole = try trainer(images, TemporaryFolder()).run(values, budget: .steps, resumes: false)
    let folder = try TemporaryFolder()
    // Stops at the first look at it after the checkpoint of step 100.
    let stop = Interruption()
    let watch = StopAfterNote(stop)
    #expect(throws: SupportError.interrupted) {
      try EnhancementTrainer(
        images: images,
        checkpointFolder: folder.file("checkpoints"),
        progress: watch,
        interruption: stop
      ).run(values, budget: .steps, resumes: false)
    }
    let resumed = try trainer(images, folder).run(values, budget: .steps, resumes: true)
    #expect(try resumed.network.weights.encoded() == whole.network.weights.encoded())
    var other = values
    other.noise?.highest = 0.2
    #expect(throws: PipelinesError.self) {
      try trainer(images, folder).run(other, budget: .steps, resumes: true)
    }
  }

  @Test func theNumberOfThreadsChangesNothing() throws {
    let images = try SampleModel.discs(3)
    let values = try configuration(images, steps: 6)
    let runs = try [1, 3].map { threads in
      try Parallelism.$threadCount.withValue(threads) {
        try trainer(images, TemporaryFolder()).run(values, budget: .steps, resumes: false)
      }
    }
    #expect(try runs[0].network.weights.encoded() == runs[1].network.weights.encoded())
    #expect(runs[0].evaluation == runs[1].evaluation)
  }

  @Test func noisyImagesAloneTeachToo() throws {
    let images = try SampleModel.discs(8)
    let outcome = try trainer(images, TemporaryFolder()).run(
      configuration(images, steps: 300) {
        $0.selfSupervision = .noise2void
        $0.batchSize = 8
      },
      budget: .steps,
      resumes: false
    )
    let gain = try #require(outcome.evaluation?.summary["psnr"]?["gain"]?.mean)
    // Few voxels of a step count, so that so short a run gains little.
    #expect(gain > 0.3)
  }

  @Test func thickSlicesBecomeThin() throws {
    let images = CleanImages(
      try (0..<2).map {
        CleanImages.Image(id: "\($0)", volume: try SampleModel.scan([32, 32, 16]))
      },
      arePictures: false,
      name: "scans"
    )
    let values = try configuration(images, steps: 4) {
      $0.task = .superResolution
      $0.noise = nil
      $0.network = "unet"
      $0.scale = [1, 1, 4]
      $0.depth = 2
      $0.patch = 16
    }
    let outcome = try trainer(images, TemporaryFolder()).run(values, budget: .steps, resumes: false)
    #expect(outcome.evaluation?.cases.count == 1)
    #expect(outcome.configuration.plan.enlargement == .spline)
  }
}
