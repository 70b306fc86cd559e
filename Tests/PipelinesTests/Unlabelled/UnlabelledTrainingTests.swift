import Foundation
import Imaging
import ImagingIO
import Layers
import Networks
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct UnlabelledTrainingTests {
  private func trainer(
    _ dataset: SegmentationDataset,
    _ folder: TemporaryFolder,
    initial: InitialWeights? = nil
  ) -> SegmentationTrainer {
    SegmentationTrainer(
      dataset: dataset,
      initial: initial,
      checkpointFolder: folder.file("checkpoints"),
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  private func configuration(
    _ dataset: SegmentationDataset,
    steps: Int
  ) throws -> TrainingConfiguration {
    var values = try TrainingPlanner().configuration(for: dataset, baseFeatures: 8)
    values.steps = steps
    values.batchSize = 8
    values.warmupSteps = 5
    values.averagingDecay = 0.9
    values.learningRate = 5e-3
    return values
  }

  /// Moves the scan of a case to `imagesUn`, its label map away.
  private func hide(_ index: Int, of study: SyntheticStudy) throws {
    let files = FileManager.default
    try files.createDirectory(
      atPath: study.folder.file("imagesUn"),
      withIntermediateDirectories: true
    )
    try files.moveItem(
      atPath: study.image(index),
      toPath: study.folder.file("imagesUn/ball_\(index)_0000.nii.gz")
    )
    try files.removeItem(atPath: study.label(index))
  }

  @Test func scansWithoutLabelsAreFoundInTheirFolders() throws {
    let study = try SyntheticStudy(cases: 4)
    try hide(3, of: study)
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.cases.map(\.id) == ["ball_0", "ball_1", "ball_2"])
    #expect(try dataset.unlabelledScans().map(\.id) == ["ball_3"])
    let scans = try SegmentationDataset(path: study.path, withoutLabels: true)
    #expect(scans.cases.map(\.id) == ["ball_0", "ball_1", "ball_2", "ball_3"])
    #expect(scans.labels.isEmpty)
  }

  @Test func preTrainingNeedsNoLabelsAndItsWeightsServeASegmentation() throws {
    let study = try SyntheticStudy(cases: 4)
    for index in 0..<4 { try hide(index, of: study) }
    let scans = try SegmentationDataset(path: study.path, withoutLabels: true)
    var values = try configuration(scans, steps: 200).withoutLabels()
    values.fold = nil
    let folder = try TemporaryFolder()
    let outcome = try trainer(scans, folder).run(values, budget: .steps, resumes: false)
    #expect(outcome.evaluation == nil && outcome.selfTest.precisions.isEmpty)
    let (first, last) = (try #require(outcome.epochs.first), try #require(outcome.epochs.last))
    // Balls in noise of a sixth of their brightness: predicting the mean would leave a loss of 1.
    #expect(last.loss < first.loss && last.loss < 0.9)

    let model = TrainedModel(outcome: outcome, dataset: scans, name: "filler", command: "")
    let path = folder.file("filler")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try model.write(to: path)
    let package = try ModelPackage(path: path)
    #expect(package.description.labels.isEmpty)
    #expect(throws: PipelinesError.unsuitedModel(name: "filler")) {
      _ = try SegmentationRun(
        model: package,
        options: SegmentationRun.Options(),
        progress: SilentProgress(),
        interruption: Interruption()
      )
    }
    // All but the head fits the network of a segmentation of the same shape.
    let labelled = try SyntheticStudy(cases: 4)
    let other = try configuration(SegmentationDataset(path: labelled.path), steps: 1)
    var random = RandomStream(seed: 1)
    let coverage = try InitialWeights(package)
      .coverage(of: other.network.makeNetwork(random: &random))
    #expect(coverage.taken > 0 && Double(coverage.taken) > 0.98 * Double(coverage.all))
    #expect(coverage.taken < coverage.all)
  }

  @Test func anIgnoreLabelMustBeTheHighestAndIsNoStructure() throws {
    let study = try SyntheticStudy(cases: 1, labels: #""ball": 1, "core": 2, "ignore": 3"#)
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.labels.map(\.name) == ["ball", "core"] && dataset.ignoreLabel == 3)
    let wrong = try SyntheticStudy(cases: 1, labels: #""ball": 1, "core": 4, "ignore": 3"#)
    #expect(throws: PipelinesError.self) { try SegmentationDataset(path: wrong.path) }
  }

  @Test(arguments: [false, true])
  func trainingLearnsFromTheLabelledHalvesOfScans(_ isVolume: Bool) throws {
    // Nobody labelled the slices below the middle.
    let study = try SyntheticStudy(cases: 4, labels: #""ball": 1, "core": 2, "ignore": 3"#)
    for index in 0..<4 {
      let map = try NIfTIReader.readLabelMap(study.label(index), table: [])
      var labels = map.labels
      for place in labels.indices where place < labels.count / 2 { labels[place] = 3 }
      try NIfTIWriter.write(
        LabelMap(geometry: map.geometry, labels: labels, table: []),
        to: study.label(index)
      )
    }
    let dataset = try SegmentationDataset(path: study.path)
    var values: TrainingConfiguration
    if isVolume {
      values = .volumes(of: dataset, baseFeatures: 4)
      values.steps = 20
    } else {
      values = try configuration(dataset, steps: 300)
    }
    values.fold = 0
    let outcome = try trainer(dataset, try TemporaryFolder()).run(
      values,
      budget: .steps,
      resumes: false
    )
    #expect(outcome.epochs.allSatisfy { $0.loss.isFinite })
    let evaluation = try #require(outcome.evaluation)
    // The ignored half counts for no structure, and is none.
    #expect(evaluation.structures.map { $0.key }.sorted() == ["1", "2"])
    if !isVolume {
      let dice = try #require(evaluation.summary["2"]?["dice"]?.mean)
      #expect(dice > 0.7)
    }
  }

  @Test func onlySureVoxelsAreLabelledByAModel() {
    // Two structures, numbers 5 and 6, three voxels.
    let values: [Float] = [0.95, 0.2, 0.05, 0.03, 0.5, 0.05, 0.02, 0.3, 0.9]
    let labels = values.withUnsafeBufferPointer {
      PseudoLabels.labels($0, numbers: [0, 5, 6], confidence: 0.9, ignored: 7)
    }
    #expect(labels == [0, 7, 6])
  }

  @Test func scansLabelledByAModelAreTrainedOnInEveryFold() throws {
    let study = try SyntheticStudy(cases: 8)
    for index in [6, 7] { try hide(index, of: study) }
    let dataset = try SegmentationDataset(path: study.path)
    let folder = try TemporaryFolder()
    let outcome = try trainer(dataset, folder).run(
      configuration(dataset, steps: 200),
      budget: .steps,
      resumes: false
    )
    let path = folder.file("balls")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try TrainedModel(outcome: outcome, dataset: dataset, name: "balls", command: "")
      .write(to: path)
    let package = try ModelPackage(path: path)

    let larger = try PseudoLabels(
      model: package,
      confidence: 0.9,
      progress: SilentProgress(),
      interruption: Interruption()
    ).adding(dataset.unlabelledScans(), in: folder.file("pseudo"), to: dataset)
    #expect(larger.cases == dataset.cases && larger.ignoreLabel == 3)
    #expect(larger.pseudoCases.map(\.id) == ["ball_6", "ball_7"])
    let map = try NIfTIReader.readLabelMap(larger.pseudoCases[0].label, table: [])
    let (_, truth) = try SyntheticStudy.make(6, size: [20, 18, 16])
    // What is labelled at all is labelled right nearly everywhere.
    let sure = zip(map.labels, truth.labels).filter { $0.0 != 3 }
    #expect(sure.count > truth.labels.count / 2)
    #expect(Double(sure.count { $0.0 == $0.1 }) > 0.97 * Double(sure.count))

    var values = try configuration(dataset, steps: 100)
    values.fold = 1
    let again = try trainer(larger, try TemporaryFolder(), initial: InitialWeights(package)).run(
      values,
      budget: .steps,
      resumes: false
    )
    #expect(again.epochs.count == 1 && again.epochs[0].loss < outcome.epochs[0].loss)

    // The same model ranks them too: both, each once.
    let ranked = try CaseRanking(
      model: package,
      progress: SilentProgress(),
      interruption: Interruption()
    ).suggestions(among: dataset.unlabelledScans(), count: 5)
    #expect(Set(ranked.map(\.id)) == ["ball_6", "ball_7"])
    #expect(ranked.allSatisfy { $0.uncertainty > 0 && $0.uncertainty < 1 })
    #expect(ranked[0].uncertainty >= ranked[1].uncertainty)
  }
}
