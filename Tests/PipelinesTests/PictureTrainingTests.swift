import Evaluation
import Foundation
import Imaging
import ImagingIO
import Networks
import Pipelines
import Support
import TestSupport
import Testing
import Transforms

/// From pictures of discs to a model that counts them.
struct PictureTrainingTests {
  private func configuration(_ dataset: SegmentationDataset, steps: Int) throws
    -> TrainingConfiguration
  {
    var values = try PicturePlanner(dataset).configuration(baseFeatures: 8)
    values.steps = steps
    values.batchSize = 4
    values.warmupSteps = 5
    values.averagingDecay = 0.9
    values.learningRate = 5e-3
    return values
  }

  private func outcome(
    _ dataset: SegmentationDataset,
    _ values: TrainingConfiguration
  ) throws -> SegmentationTrainer.Outcome {
    try SegmentationTrainer(
      dataset: dataset,
      checkpointFolder: try TemporaryFolder().file("checkpoints"),
      progress: SilentProgress(),
      interruption: Interruption()
    ).run(values, budget: .steps, resumes: false)
  }

  @Test func thePlanForPicturesFollowsTheStatedRules() throws {
    let study = try SyntheticPictures(count: 2)
    let values = try PicturePlanner(SegmentationDataset(path: study.path)).configuration()
    guard case .slices(let plan) = values.plan, case .unet(let network) = values.network,
      case .pictures(let augmentation) = values.samples
    else {
      Issue.record("not a plan for pictures")
      return
    }
    // 48 pixels are halved to 24 and 12; 6 would be fewer than 8.
    #expect(plan.patchSize == [48, 48] && network.features == [24, 48, 96])
    #expect(plan.contextSlices == 0 && plan.picture?.separation == ObjectSeparation())
    #expect(plan.mirrorAxes == [0, 1] && augmentation.turns)
    #expect(network.inputChannels == 1 && network.outputChannels == 3)
    let encoded = try JSONEncoder().encode(values)
    #expect(try JSONDecoder().decode(TrainingConfiguration.self, from: encoded) == values)
  }

  @Test func picturesOfStructuresHaveAClassForEach() throws {
    let study = try SyntheticPictures(
      count: 2,
      labels: #""left disc": 1, "b": 3, "c": 5, "d": 7"#,
      further: ""
    )
    let dataset = try SegmentationDataset(path: study.path)
    let values = try configuration(dataset, steps: 1)
    guard case .slices(let plan) = values.plan, case .pictures(let augmentation) = values.samples
    else {
      Issue.record("not a plan for pictures")
      return
    }
    #expect(values.network.outputChannels == 5 && plan.picture == PicturePlan())
    // A name tells left from right.
    #expect(plan.mirrorAxes.isEmpty && !augmentation.turns)
    #expect(try DatasetCheck.check(dataset).faults.isEmpty)
  }

  @Test func aTrainedModelCountsTheDiscsOfAPicture() throws {
    let study = try SyntheticPictures(count: 10)
    let dataset = try SegmentationDataset(path: study.path)
    let outcome = try outcome(dataset, configuration(dataset, steps: 200))
    let evaluation = try #require(outcome.evaluation)
    #expect(evaluation.cases.count == 2)
    let quality = try #require(evaluation.summary["1"]?["pq"]?.mean)
    // A model that joined every pair would recognise less than one half.
    #expect(quality > 0.6)
    #expect(outcome.selfTest.precisions.values.allSatisfy { $0.voxels > 0 })

    let folder = try TemporaryFolder()
    let model = TrainedModel(outcome: outcome, dataset: dataset, name: "discs", command: "train")
    #expect(Set(model.description.results.map(\.metric)) == ["pq", "sq", "rq", "lesionF1", "dice"])
    #expect(model.card.contains("lamina segment PICTURE.png"))
    try model.write(to: folder.path)
    // A coloured picture, which only models for pictures take.
    let run = try SegmentationRun(
      model: try ModelPackage(path: folder.path),
      options: SegmentationRun.Options(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let path = study.folder.file("imagesTr/discs_1_0000.png")
    let result = try run.segment(try SegmentationInputs([path]).cases[0])
    #expect(result.objectName == "disc")
    let count = Int(result.labelMap.labels.max() ?? 0)
    #expect((2...6).contains(count) && result.labelMap.table.count == count)
    #expect(result.labelMap.table.first?.name == "disc 1")

    let output = try TemporaryFolder()
    try SegmentationRun.write(result, to: output.path)
    let written = try GreyPicture.readLabelMap(
      output.file(SegmentationRun.pictureName),
      table: []
    )
    #expect(written.labels == result.labelMap.labels)
    let stored = try NIfTIReader.readLabelMap(output.file("segmentation.nii.gz"), table: [])
    #expect(stored.labels == result.labelMap.labels)
    let data = try Data(contentsOf: URL(fileURLWithPath: output.file("statistics.json")))
    let statistics = try JSONDecoder().decode(StatisticsFile.self, from: data)
    #expect(statistics.objects?.count == count && statistics.structures.count == count)
  }

  @Test func theNumberOfThreadsChangesNothing() throws {
    let study = try SyntheticPictures(count: 4)
    let dataset = try SegmentationDataset(path: study.path)
    var values = try configuration(dataset, steps: 6)
    values.fold = nil
    let (one, three) = (
      try Parallelism.$threadCount.withValue(1) { try outcome(dataset, values) },
      try Parallelism.$threadCount.withValue(3) { try outcome(dataset, values) }
    )
    #expect(one.epochs.map(\.loss) == three.epochs.map(\.loss))
    for (a, b) in zip(one.network.namedParameters, three.network.namedParameters) {
      #expect(a.parameter.value.values == b.parameter.value.values, "\(a.name)")
    }
  }
}
