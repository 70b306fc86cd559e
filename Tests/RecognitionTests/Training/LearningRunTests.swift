import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors
import Testing

/// Learns the mean of its input, which a network of one convolution can.
private struct MeanTask: LearningTask {
  var values: [Int] = [8]
  let network = NetworkConfiguration.dnCNN(DnCNNConfiguration(depth: 2, features: 4))
  /// The step whose batch holds what is no number, or nil.
  var brokenStep: Int?

  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Tensor {
    var random = RandomStream(seed: configuration.seed).split(step)
    var pixels = (0..<configuration.batchSize * 64).map { _ in Float(random.uniform()) }
    if step == brokenStep { pixels[0] = .nan }
    return Tensor(pixels, shape: [configuration.batchSize, 1, 8, 8])
  }

  func images(of batch: Tensor) -> Tensor { batch }

  func loss(of network: any Network, on batch: Tensor, in context: Context) -> Tensor {
    squaredLoss(
      network(batch, in: context),
      target: Tensor(repeating: 0.5, shape: batch.shape)
    )
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] {
    let batch = try batch(step: -1, LearningConfiguration())
    return [LearningMetric("loss", Double(loss(of: network, on: batch, in: .inference).scalar))]
  }
}

struct LearningRunTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("learning-\(UUID().uuidString)").path

  private func run(_ interruption: Interruption = Interruption()) -> LearningRun {
    LearningRun(
      checkpointFolder: folder,
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: interruption
    )
  }

  private var configuration: LearningConfiguration {
    var values = LearningConfiguration()
    (values.steps, values.batchSize, values.warmupSteps) = (220, 4, 0)
    values.learningRate = 1e-2
    return values
  }

  @Test func theLossFallsAndTheLooksAreKept() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outcome = try run().train(MeanTask(), configuration, budget: .steps, resumes: false)
    #expect(outcome.epochs.map(\.step) == [100, 200, 220])
    let losses = outcome.epochs.map(\.loss)
    // Inputs have a variance of 1/12 about the target at the start.
    #expect(losses[2] < 0.02 && losses[2] < losses[0])
    #expect(outcome.looks.last?.step == 220 && outcome.looks.last?.metrics.first?.key == "loss")
  }

  @Test func aResumedRunEndsAsAnUninterruptedOne() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let whole = try run().train(MeanTask(), configuration, budget: .steps, resumes: false)
    run().discardCheckpoints()
    // Stopped by a broken batch after the checkpoint of step 200, then mended.
    var broken = MeanTask()
    broken.brokenStep = 205
    #expect(throws: PipelinesError.self) {
      try run().train(broken, configuration, budget: .steps, resumes: false)
    }
    let resumed = try run().train(MeanTask(), configuration, budget: .steps, resumes: true)
    let pairs = zip(whole.network.namedParameters, resumed.network.namedParameters)
    #expect(pairs.allSatisfy { $0.parameter.value.values == $1.parameter.value.values })

    var other = MeanTask()
    other.values = [9]
    #expect(throws: PipelinesError.self) {
      try run().train(other, configuration, budget: .steps, resumes: true)
    }
  }

  @Test func anInterruptedRunSavesItsState() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let interruption = Interruption()
    interruption.raise()
    #expect(throws: SupportError.interrupted) {
      try run(interruption).train(MeanTask(), configuration, budget: .steps, resumes: false)
    }
    #expect(FileManager.default.fileExists(atPath: folder + "/checkpoint.safetensors"))
  }
}
