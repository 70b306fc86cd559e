import Autoencoders
import Evaluation
import Foundation
import Pipelines
import Recognition
import Support
import TestSupport
import Testing

@Suite struct AnomalyTrainerTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func trained(
    _ network: AnomalyNetwork,
    steps: Int,
    name: String,
    change: (inout AnomalyTrainer.Request) -> Void = { _ in }
  ) throws -> AnomalyTrainer.Outcome {
    var request = AnomalyTrainer.Request()
    request.network = network
    (request.latentChannels, request.components) = (6, 4)
    change(&request)
    let trainer = AnomalyTrainer(
      images: Pictures.discs(60, unusual: 20, seed: 1, split: nil),
      path: "discs",
      request: request,
      checkpointFolder: folder.file(name + ".training"),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    var learning = LearningConfiguration()
    (learning.steps, learning.batchSize, learning.warmupSteps) = (steps, 16, 5)
    learning.learningRate = 0.004
    return try trainer.train(learning, budget: .steps, resumes: false)
  }

  private func package(_ outcome: AnomalyTrainer.Outcome, _ name: String) throws -> ModelPackage {
    let path = folder.file(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try TrainedAnomalyModel(
      outcome: outcome,
      origin: ModelOrigin(name: name, dataset: "discs", licence: "", source: "", command: "")
    ).write(to: path)
    return try ModelPackage(path: path)
  }

  private func evaluation(_ model: ModelPackage) throws -> AnomalyEvaluation {
    try AnomalyDetector(model).evaluate(
      Pictures.discs(40, unusual: 40, seed: 2, split: nil),
      path: "discs",
      normalClass: nil,
      progress: SilentProgress(),
      interruption: Interruption()
    ).evaluation
  }

  @Test(arguments: AnomalyNetwork.allCases)
  func holesInDiscsAreUnusual(network: AnomalyNetwork) throws {
    let outcome = try trained(network, steps: 120, name: network.rawValue)
    // A fifth of 60 is kept back, and nothing of the other class is looked at.
    #expect(outcome.trainingCount == 48 && outcome.heldOutIDs.count == 12)
    let model = try package(outcome, network.rawValue)
    let found = try evaluation(model)
    #expect((found.own.area ?? 0) > 0.9, "\(network): \(String(describing: found.own.area))")
    #expect(found.normalCount == 40 && found.unusualCount == 40)
    #expect(found.own.threshold == outcome.configuration.plan.anomaly?.threshold)
    if network == .pca { #expect(found.areaDifference == 0) }
    #expect(model.description.task == .autoencoder)
  }

  @Test func theSameSeedGivesTheSameBytesForAnyNumberOfThreads() throws {
    let bytes = try [1, 2].map { threads in
      try Parallelism.$threadCount.withValue(threads) {
        let outcome = try trained(.vq, steps: 4, name: "threads-\(threads)")
        let model = try package(outcome, "threads-\(threads)")
        return try ["weights.safetensors", "anomaly.safetensors"].map {
          try Data(contentsOf: URL(fileURLWithPath: model.path + "/" + $0))
        }
      }
    }
    #expect(bytes[0] == bytes[1])
  }

  @Test func aDamagedModelIsSaid() throws {
    let model = try package(try trained(.pca, steps: 1, name: "damaged"), "damaged")
    let file = URL(fileURLWithPath: model.path + "/anomaly.safetensors")
    var data = try Data(contentsOf: file)
    data[data.count - 1] ^= 1
    try data.write(to: file)
    let error = #expect(throws: PipelinesError.self) { try AnomalyDetector(model) }
    #expect(error?.failure == .damagedInput)
    try FileManager.default.removeItem(at: file)
    #expect(throws: PipelinesError.self) { try AnomalyDetector(model) }
  }

  @Test func heatLiesWhereTheHoleIs() throws {
    let detector = try AnomalyDetector(
      package(try trained(.denoising, steps: 150, name: "heat"), "heat")
    )
    var hits = 0
    try detector.score(
      Pictures.discs(0, unusual: 20, seed: 3, split: nil),
      progress: SilentProgress(),
      interruption: Interruption()
    ) { _, outcome in
      guard case .scored(let scored) = outcome else { return }
      let hottest = scored.heat.indices.max { scored.heat[$0] < scored.heat[$1] } ?? 0
      let (y, x) = (hottest / scored.width, hottest % scored.width)
      // The hole is about the pixel above and right of the middle.
      if abs(y - 7) <= 3, abs(x - 9) <= 3 { hits += 1 }
    }
    #expect(hits >= 14, "\(hits) of 20")
  }

  @Test func withoutTheNormalClassNothingIsTrained() throws {
    var request = AnomalyTrainer.Request()
    request.normalClass = "healthy"
    let trainer = AnomalyTrainer(
      images: Pictures.discs(10, unusual: 2, seed: 1, split: nil),
      path: "discs",
      request: request,
      checkpointFolder: folder.file("none.training"),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let error = #expect(throws: AutoencodersError.self) {
      try trainer.train(LearningConfiguration(), budget: .steps, resumes: false)
    }
    #expect(
      error == .noNormalClass(path: "discs", wanted: "healthy", known: ["normal", "holed"])
    )
    #expect(error?.description.contains("--normal") == true)
  }

  @Test func foldersWithoutImagesAndWithoutClasses() throws {
    #expect(throws: SupportError.self) {
      try LabelledImages(withOrWithoutClasses: folder.file("nowhere"))
    }
    try FileManager.default.createDirectory(
      atPath: folder.file("empty"),
      withIntermediateDirectories: true
    )
    let error = #expect(throws: RecognitionError.self) {
      try LabelledImages(withOrWithoutClasses: folder.file("empty"))
    }
    #expect(error?.failure == .missingInput)
  }
}
