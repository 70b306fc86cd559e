import Foundation
import Imaging
import ImagingIO
import Layers
import Networks
import Pipelines
import Support
import TestSupport
import Testing
import Transforms

@Suite struct VolumeTrainingTests {
  private func trainer(
    _ dataset: SegmentationDataset,
    _ folder: TemporaryFolder,
    initial: InitialWeights? = nil,
    interruption: Interruption = Interruption(),
    progress: any ProgressReporter = SilentProgress()
  ) -> SegmentationTrainer {
    SegmentationTrainer(
      dataset: dataset,
      initial: initial,
      checkpointFolder: folder.file("checkpoints"),
      progress: progress,
      interruption: interruption
    )
  }

  private func values(_ dataset: SegmentationDataset, steps: Int) -> TrainingConfiguration {
    var values = TrainingConfiguration.volumes(of: dataset, baseFeatures: 8)
    values.steps = steps
    values.warmupSteps = 5
    values.averagingDecay = 0.9
    values.learningRate = 5e-3
    return values
  }

  @Test func aThreeDimensionalNetworkLearnsTheBalls() throws {
    let study = try SyntheticStudy(cases: 5)
    let dataset = try SegmentationDataset(path: study.path)
    let values = values(dataset, steps: 120)
    guard case .nnUNet(let plan) = values.plan, case .plainConvUNet(let network) = values.network
    else {
      Issue.record("not a plan of three dimensions")
      return
    }
    // 20 x 18 x 16 voxels: halved twice, as the shortest axis is then 4.
    #expect(plan.patchSize == [16, 20, 20] && network.features == [8, 16, 32])
    #expect(network.hasDeepSupervision && network.outputChannels == 3)

    let outcome = try trainer(dataset, try TemporaryFolder())
      .run(values, budget: .steps, resumes: false)
    let evaluation = try #require(outcome.evaluation)
    #expect(evaluation.cases.count == 1)
    #expect(try #require(evaluation.summary["1"]?["dice"]?.mean) > 0.8)
    #expect(try #require(evaluation.summary["2"]?["dice"]?.mean) > 0.8)

    // The package that is written gives the same labels as the training's own evaluation.
    let folder = try TemporaryFolder()
    let model = TrainedModel(outcome: outcome, dataset: dataset, name: "balls", command: "test")
    try model.write(to: folder.path)
    let package = try ModelPackage(path: folder.path)
    #expect(try package.checkSelfTest(package.makeNetwork()) != nil)
    #expect(model.card.contains("in 3-D"))
  }

  @Test func halfPrecisionLearnsTooAndKeepsFullWeights() throws {
    let study = try SyntheticStudy(cases: 5)
    let dataset = try SegmentationDataset(path: study.path)
    var values = values(dataset, steps: 120)
    let whole = try trainer(dataset, try TemporaryFolder())
      .run(values, budget: .steps, resumes: false)
    values.precision = .bf16
    let half = try trainer(dataset, try TemporaryFolder())
      .run(values, budget: .steps, resumes: false)
    let evaluation = try #require(half.evaluation)
    #expect(try #require(evaluation.summary["1"]?["dice"]?.mean) > 0.8)
    #expect(try #require(evaluation.summary["2"]?["dice"]?.mean) > 0.8)
    // It is another arithmetic, of nearly the same loss.
    let (a, b) = (try #require(whole.epochs.first).loss, try #require(half.epochs.first).loss)
    #expect(a != b && abs(a - b) < 0.05 * abs(a))
    // Its steps are smaller than bfloat16 could tell.
    let weights = half.network.namedParameters.flatMap { $0.parameter.value.values }
    #expect(weights.contains { $0.bitPattern & 0xFFFF != 0 })
    // A checkpoint of one precision is none of the other.
    let folder = try TemporaryFolder()
    values.steps = 3
    _ = try trainer(dataset, folder).run(values, budget: .steps, resumes: false)
    values.precision = nil
    #expect(throws: PipelinesError.self) {
      try trainer(dataset, folder).run(values, budget: .steps, resumes: true)
    }
  }

  @Test func aResumedRunEndsWhereAnUninterruptedOneDoes() throws {
    let study = try SyntheticStudy(cases: 3)
    let dataset = try SegmentationDataset(path: study.path)
    let values = values(dataset, steps: 104)
    let whole = try trainer(dataset, try TemporaryFolder())
      .run(values, budget: .steps, resumes: false)
    let folder = try TemporaryFolder()
    let interruption = Interruption()
    #expect(throws: SupportError.interrupted) {
      try trainer(
        dataset,
        folder,
        interruption: interruption,
        progress: InterruptingProgress(interruption, step: "training")
      ).run(values, budget: .steps, resumes: false)
    }
    let resumed = try trainer(dataset, folder).run(values, budget: .steps, resumes: true)
    for (a, b) in zip(whole.network.namedParameters, resumed.network.namedParameters) {
      #expect(a.parameter.value.values == b.parameter.value.values, "\(a.name)")
    }
  }

  @Test(arguments: [nil, TrainingPrecision.bf16])
  func theNumberOfThreadsDoesNotMatter(_ precision: TrainingPrecision?) throws {
    let study = try SyntheticStudy(cases: 3)
    let dataset = try SegmentationDataset(path: study.path)
    var values = values(dataset, steps: 6)
    values.precision = precision
    func weights(_ threads: Int) throws -> [[Float]] {
      try Parallelism.$threadCount.withValue(threads) {
        try trainer(dataset, try TemporaryFolder()).run(values, budget: .steps, resumes: false)
          .network.namedParameters.map { $0.parameter.value.values }
      }
    }
    #expect(try weights(1) == weights(2))
  }

  @Test func otherWeightsAreTakenWhereTheyFit() throws {
    let study = try SyntheticStudy(cases: 3)
    let dataset = try SegmentationDataset(path: study.path)
    let values = values(dataset, steps: 2)
    let outcome = try trainer(dataset, try TemporaryFolder())
      .run(values, budget: .steps, resumes: false)
    let folder = try TemporaryFolder()
    try TrainedModel(outcome: outcome, dataset: dataset, name: "first", command: "test")
      .write(to: folder.path)
    let initial = try InitialWeights(ModelPackage(path: folder.path))

    // One structure fewer: all but the heads' weights and biases fit.
    var random = RandomStream(seed: 8)
    guard case .plainConvUNet(var network) = values.network else { return }
    let same = try values.network.makeNetwork(random: &random)
    let full = initial.coverage(of: same)
    #expect(full.taken == full.all)
    network.outputChannels = 2
    let smaller = try NetworkConfiguration.plainConvUNet(network).makeNetwork(random: &random)
    let part = initial.coverage(of: smaller)
    // Two heads (of 3 stages, deep supervision has two) of 16 and 8 features and a bias each.
    #expect(part.all - part.taken == 2 * (16 + 1) + 2 * (8 + 1))

    // On a grid twice as fine, with one stage more on top, all others see what they saw.
    guard case .nnUNet(let plan) = values.plan else { return }
    let spacing = SIMD3(plan.spacing[2], plan.spacing[1], plan.spacing[0]) / 2
    var planner = VolumePlanner(spacing: spacing, patchSize: [40, 40, 32])
    planner.baseFeatures = 4
    let finer = planner.configuration(
      labels: dataset.labels,
      normalization: .zScore(usesMask: false),
      samples: values.samples
    )
    let larger = try finer.network.makeNetwork(random: &random)
    initial.load(into: larger, plan: finer.plan)
    let source = Dictionary(
      uniqueKeysWithValues: outcome.network.namedParameters.map { ($0.name, $0.parameter.value) }
    )
    var taken = 0
    for (name, parameter) in larger.namedParameters {
      // Stage 1's first window reads 4 channels, where it read the scan itself.
      guard name.hasPrefix("encoder.stages.2") || name.hasPrefix("decoder.stages.0") else {
        continue
      }
      let old = name.replacingOccurrences(of: "encoder.stages.2", with: "encoder.stages.1")
      #expect(source[old]?.values == parameter.value.values, "\(name)")
      taken += 1
    }
    #expect(taken >= 8)
    #expect(
      initial.coverage(of: larger).taken < initial.coverage(of: larger, plan: finer.plan).taken
    )
  }

  @Test func samplesShowWhatTheirClassesSay() throws {
    let study = try SyntheticStudy(cases: 2)
    let dataset = try SegmentationDataset(path: study.path)
    var values = values(dataset, steps: 1)
    values.samples = .patches(.none)
    values.fold = nil
    let material = try TrainingMaterial(
      dataset,
      configuration: values,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let batches = material.sampler.batches(from: 3, count: 2)
    #expect(batches.count == 2 && batches[0].images.shape == [2, 1, 16, 20, 20])
    // The same step drawn alone is the same.
    let again = material.sampler.batches(from: 4, count: 1)
    #expect(again[0].images.values == batches[1].images.values)
    #expect(again[0].labels == batches[1].labels)
    // Bright where the class is the core, dark where it is background.
    for batch in batches {
      let (images, labels) = (batch.images.values, batch.labels.labels)
      let core = labels.indices.filter { labels[$0] == 2 }.map { images[$0] }
      let ball = labels.indices.filter { labels[$0] == 1 }.map { images[$0] }
      #expect(!core.isEmpty)
      let coreMean: Float = core.reduce(0, +) / Float(max(1, core.count))
      let ballMean: Float = ball.reduce(0, +) / Float(max(1, ball.count))
      #expect(coreMean > ballMean + 0.5)
    }
  }
}

@Suite struct SynthesisTrainingTests {
  /// Label maps alone, with what the generator needs to know.
  private func maps() throws -> SyntheticStudy {
    let study = try SyntheticStudy(cases: 5, size: [24, 24, 24])
    try FileManager.default.removeItem(atPath: study.folder.file("imagesTr"))
    try study.write(
      """
      {"name": "Balls", "labels": {"background": 0, "ball": 1, "core": 2}, "synthesis": {"entries": [
        {"label": 0, "intensity": 0, "output": 0, "mirrored": 0},
        {"label": 1, "intensity": 1, "output": 1, "mirrored": 1},
        {"label": 2, "intensity": 2, "output": 2, "mirrored": 2}]}}
      """,
      to: "dataset.json"
    )
    return study
  }

  @Test func cleanScansTakeTurnsAtTheMapsAndHaveNoNoise() throws {
    let study = try maps()
    let dataset = try SegmentationDataset(path: study.path)
    func scans() throws -> [(id: String, scan: Volume<Float>)] {
      try dataset.cleanScans(
        6,
        seed: 3,
        progress: SilentProgress(),
        interruption: Interruption()
      )
    }
    let made = try scans()
    #expect(made.map(\.id).suffix(2) == ["ball_4-1", "ball_0-2"])
    #expect(try scans().map(\.scan) == made.map(\.scan))
    #expect(made[0].scan != made[5].scan)
    for (_, scan) in made {
      // The outermost voxels are background: nothing but a smooth bias field may change them.
      let row = scan.voxels.prefix(24)
      let extent = (scan.voxels.max() ?? 0) - (scan.voxels.min() ?? 0)
      let roughness = zip(row, row.dropFirst()).map { abs($0 - $1) }.max() ?? 0
      #expect(extent > 0 && roughness < 0.1 * extent, "\(roughness) of \(extent)")
    }
    let plain = try SyntheticStudy(cases: 1)
    #expect(throws: PipelinesError.self) {
      try SegmentationDataset(path: plain.path).cleanScans(
        1,
        seed: 1,
        progress: SilentProgress(),
        interruption: Interruption()
      )
    }
  }

  @Test func contrastsOfOneHeadArePairs() throws {
    let study = try maps()
    var made: [ScanSynthesis.MadeScan] = []
    try ScanSynthesis(SegmentationDataset(path: study.path), contrasts: [.t1, .t2, .random]).make(
      2,
      seed: 3,
      progress: SilentProgress(),
      interruption: Interruption()
    ) { made.append($0) }
    #expect(made.map(\.contrast) == [.t1, .t2, .random, .t1, .t2, .random])
    #expect(made[0].id == made[1].id && made[0].id != made[3].id)
    #expect(made[0].labelMap == made[1].labelMap && made[1].labelMap == made[2].labelMap)
    #expect(made[0].labelMap != made[3].labelMap)
    #expect(Set(made[0].labelMap.labels).count > 1)
  }

  private func configuration(_ dataset: SegmentationDataset, steps: Int) throws
    -> TrainingConfiguration
  {
    var planner = VolumePlanner(spacing: [1, 1, 1], patchSize: [24, 24, 24])
    planner.baseFeatures = 8
    var settings = SynthesisSettings()
    settings.deformationMM = 1
    settings.translationMM = 2
    settings.isotropicLimitMM = 1.5
    settings.sliceLimitMM = 2
    settings.strippingProbability = 0
    settings.biasDeviation = 0.2
    settings.deviationLimit = 15
    settings.noiseLimit = 4
    var values = planner.configuration(
      labels: dataset.labels,
      normalization: .robust,
      samples: .synthesis(
        SynthesisRecipe(table: try #require(dataset.synthesis), settings: settings)
      )
    )
    values.steps = steps
    values.warmupSteps = 5
    values.averagingDecay = 0.9
    values.learningRate = 4e-3
    return values
  }

  @Test func aModelOfLabelMapsAloneSegmentsScansOfContrastsNeverSeen() throws {
    let study = try maps()
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.cases.map(\.id) == (0..<5).map { "ball_\($0)" })
    let outcome = try SegmentationTrainer(
      dataset: dataset,
      checkpointFolder: try TemporaryFolder().file("checkpoints"),
      progress: SilentProgress(),
      interruption: Interruption()
    ).run(configuration(dataset, steps: 250), budget: .steps, resumes: false)
    // Two scans of the one held-out map.
    #expect(outcome.evaluation?.cases.count == 2)

    guard case .nnUNet(let plan) = outcome.configuration.plan else { return }
    let predictor = NNUNetPredictor(
      plan: plan,
      networks: [try ScoringNetwork(outcome.network)],
      labels: dataset.labels
    )
    // A ball darker than its surroundings with a bright core, and one the other way round.
    for levels: [Float] in [[400, 100, 700], [20, 90, 50]] {
      let (_, labels) = try SyntheticStudy.make(7, size: [24, 24, 24])
      var random = RandomStream(seed: 1)
      let scan = Volume(
        geometry: labels.geometry,
        voxels: labels.labels.map { levels[Int($0)] + 4 * Float(random.normal()) }
      )
      let found = try predictor.predict(
        ScanChannels([.float32(scan)]),
        outputs: PredictionOutputs(),
        progress: SilentProgress(),
        interruption: Interruption()
      )
      var agreement = LabelAgreement([1, 2])
      agreement.add(found, labels)
      #expect(agreement.lowestDice > 0.7, "\(levels): \(agreement.lowestDice)")
    }
  }

  @Test func slicesAreCutFromTheMiddleOfSlabs() throws {
    let study = try maps()
    let dataset = try SegmentationDataset(path: study.path)
    var request = PlanRequest()
    request.shape = .slices
    request.patchSize = [32, 16, 1]
    request.baseFeatures = 4
    request.batchSize = 3
    var values = try #require(SynthesisPlanner(dataset, request: request)).configuration()
    guard case .slices(let plan) = values.plan, case .synthesis(var recipe) = values.samples else {
      Issue.record("not a plan of slices")
      return
    }
    #expect(plan.patchSize == [16, 32] && plan.inputChannels == 3)
    // Slabs anywhere may show nothing.
    recipe.settings.elsewhereProbability = 0
    recipe.settings.translationMM = 0
    values.samples = .synthesis(recipe)
    #expect(plan.normalization == .robust && values.network.outputChannels == 3)
    let material = try TrainingMaterial(
      dataset,
      configuration: values,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let batch = try #require(material.sampler.batches(from: 0, count: 1).first)
    #expect(batch.images.shape == [3, 3, 16, 32] && batch.labels.shape == [3, 16, 32])
    #expect(batch.labels.labels.contains { $0 > 0 })
  }

  @Test func aLabelWithoutAnEntryIsNamed() throws {
    let study = try maps()
    let geometry = try SyntheticStudy.geometry([24, 24, 24])
    let strange = LabelMap(
      geometry: geometry,
      labels: [UInt16](repeating: 7, count: 24 * 24 * 24),
      table: []
    )
    try NIfTIWriter.write(strange, to: study.label(9))
    let dataset = try SegmentationDataset(path: study.path)
    let error = #expect(throws: PipelinesError.self) {
      try SegmentationTrainer(
        dataset: dataset,
        checkpointFolder: try TemporaryFolder().file("checkpoints"),
        progress: SilentProgress(),
        interruption: Interruption()
      ).run(configuration(dataset, steps: 1), budget: .steps, resumes: false)
    }
    #expect(error?.description.contains("ball_9") == true)
    #expect(error?.description.contains("7") == true)
  }

  @Test func aWrongTableIsRefused() throws {
    let study = try maps()
    try study.write(
      """
      {"labels": {"background": 0, "ball": 1}, "synthesis": {"entries": [
        {"label": 0, "intensity": 0, "output": 0, "mirrored": 0},
        {"label": 1, "intensity": 1, "output": 2, "mirrored": 1}]}}
      """,
      to: "dataset.json"
    )
    let error = #expect(throws: PipelinesError.self) { try SegmentationDataset(path: study.path) }
    #expect(error?.description.contains("more classes than labels") == true)
  }
}
