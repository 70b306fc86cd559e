import Compression
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Recognition
import Support
import TestSupport
import Testing

@Suite struct CompressionTrainerTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Pictures of smooth blobs; they compress well.
  private func pictures(_ name: String, count: Int, seed: UInt64) throws -> CompressionImages {
    let path = folder.file(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    var random = RandomStream(seed: seed)
    for index in 0..<count {
      let (a, b, c) = (random.uniform(), random.uniform(), random.uniform())
      let samples = (0..<64 * 64).map { place -> UInt8 in
        let (x, y) = (Double(place % 64) / 64, Double(place / 64) / 64)
        let first: Double = sin(7 * a * x + 4 * y)
        let second: Double = cos(9 * (b - 0.5) * y + 5 * c * x)
        let value: Double = 0.5 + 0.3 * first + 0.2 * second
        return UInt8(min(max(255 * value, 0), 255))
      }
      try PNGEncoder.encode(
        PNGImage(width: 64, height: 64, channels: 1, samples: .eightBit(samples))
      ).write(to: URL(fileURLWithPath: "\(path)/\(index).png"))
    }
    return try CompressionImages(
      [path],
      everyAxis: false,
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  private func trainer(_ training: CompressionImages, _ test: CompressionImages)
    -> CompressionTrainer
  {
    var request = CompressionTrainer.Request()
    (request.pieceSize, request.features, request.codeChannels, request.blocks) = (32, 16, 8, 1)
    (request.distortionWeights, request.similarityShare) = ([0.002, 0.02], 0.2)
    return CompressionTrainer(
      training: training,
      test: test,
      request: request,
      checkpointFolder: folder.file("training"),
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  @Test func aNetworkLearnsToCompress() throws {
    let (training, test) = (
      try pictures("train", count: 12, seed: 1), try pictures("test", count: 4, seed: 2)
    )
    var learning = LearningConfiguration()
    (learning.steps, learning.batchSize, learning.learningRate) = (350, 8, 3e-3)
    learning.clipNorm = 1
    let trainer = trainer(training, test)
    let outcome = try trainer.train(learning, budget: .steps, resumes: false)
    let measured = outcome.measurement
    #expect(measured.losses == 0 && measured.planes == 4)
    let (low, high) = (measured.rows[0].network, measured.rows[4].network)
    // More bits, less error; a mean alone would have about 12 dB.
    #expect(low.bitsPerPixel < high.bitsPerPixel && low.psnr < high.psnr)
    #expect(high.psnr > 24 && high.bitsPerPixel < 2, "\(high)")
    #expect(measured.losslessBits < measured.pngBits)
    // The model is written, found to be whole, and refused by other tasks.
    let model = TrainedCompressionModel(
      outcome: outcome,
      origin: ModelOrigin(
        name: "blobs",
        dataset: "blobs",
        licence: "none",
        source: "made here",
        command: "test"
      )
    )
    let path = folder.file("blobs")
    try OutputGuard(mayReplace: false).writeFolder(path) { try model.write(to: $0) }
    let package = try ModelPackage(path: path)
    #expect(package.description.task == .compression)
    let loaded = try CompressionModel(package)
    let image = try PlanarImage(path: folder.file("test/0.png"))
    let data = try ImageCompressor(model: loaded, quality: 0.7, isExact: true)
      .compressed(image, path: "0")
    #expect(try CompressedFile(data, path: "0").restored(model: loaded) == image)
  }

  @Test func aResumedTrainingGivesTheSameWeights() throws {
    let images = try pictures("train", count: 3, seed: 1)
    var learning = LearningConfiguration()
    (learning.steps, learning.batchSize) = (100, 2)
    let whole = try trainer(images, images).train(learning, budget: .steps, resumes: false)
    trainer(images, images).discardCheckpoints()
    let again = try trainer(images, images).train(learning, budget: .steps, resumes: true)
    #expect(whole.measurement == again.measurement)
  }

  @Test func foldersWithoutImagesAreRefused() throws {
    let path = folder.file("empty")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/damaged.png"))
    for name in ["empty", "missing"] {
      #expect(throws: (any Error).self) {
        try CompressionImages(
          [folder.file(name)],
          everyAxis: true,
          progress: SilentProgress(),
          interruption: Interruption()
        )
      }
    }
  }
}
