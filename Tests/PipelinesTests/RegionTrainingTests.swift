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

/// Trainings of two channels and of regions that lie within each other.
@Suite struct RegionTrainingTests {
  private func values(_ dataset: SegmentationDataset, steps: Int) throws -> TrainingConfiguration {
    let fingerprint = try #require(try DatasetCheck.check(dataset).fingerprint)
    var request = PlanRequest()
    request.baseFeatures = 8
    request.steps = steps
    var values = try DatasetPlanner(dataset, fingerprint: fingerprint, request: request).plan(
      interruption: Interruption(),
      speed: StepSpeed(
        secondsPerMultiplication: 1e-10,
        secondsPerMapValue: 1e-9,
        secondsPerVoxel: 1e-8
      )
    ).configuration
    values.warmupSteps = 5
    values.averagingDecay = 0.9
    values.learningRate = 5e-3
    return values
  }

  private func trainer(
    _ dataset: SegmentationDataset,
    _ folder: TemporaryFolder,
    interruption: Interruption = Interruption(),
    progress: any ProgressReporter = SilentProgress()
  ) -> SegmentationTrainer {
    SegmentationTrainer(
      dataset: dataset,
      checkpointFolder: folder.file("checkpoints"),
      progress: progress,
      interruption: interruption
    )
  }

  @Test func nestedRegionsOfTwoChannelsAreLearntAndSegmented() throws {
    let study = try ChannelStudy()
    let dataset = try SegmentationDataset(path: study.path)
    let values = try values(dataset, steps: 150)
    #expect(values.regions == [[1, 2, 3], [2, 3], [3]])
    #expect(values.network.inputChannels == 2 && values.network.outputChannels == 3)
    let outcome = try trainer(dataset, try TemporaryFolder())
      .run(values, budget: .steps, resumes: false)

    // Evaluated region by region, each the union of its labels.
    let evaluation = try #require(outcome.evaluation)
    #expect(evaluation.structures.map(\.key) == ["1+2+3", "2+3", "3"])
    #expect(evaluation.structures.map(\.name) == ["whole", "core", "centre"])
    for key in ["1+2+3", "2+3", "3"] {
      let dice = try #require(evaluation.summary[key]?["dice"]?.mean)
      // Of the centre's hundred voxels a rim of one is more than half.
      #expect(dice > (key == "3" ? 0.65 : 0.8), "\(key): \(dice)")
    }
    // Every region was sampled and found.
    #expect(outcome.journal.sampledVoxels.count == 4)
    #expect(outcome.journal.sampledVoxels.allSatisfy { $0 > 0 })

    let folder = try TemporaryFolder()
    let model = TrainedModel(outcome: outcome, dataset: dataset, name: "nested", command: "test")
    try model.write(to: folder.path)
    for words in ["`CASE_0001.nii.gz` (CT)", "| core | 2, 3 | 2 |", "\"whole\": [1, 2, 3]"] {
      #expect(model.card.contains(words), "\(words)")
    }
    let package = try ModelPackage(path: folder.path)
    #expect(package.description.channels == ["T1", "CT"])
    #expect(
      package.description.labels.map(\.name) == [
        "whole without core, centre", "core without centre", "centre",
      ]
    )
    #expect(try package.checkSelfTest(package.makeNetwork()) != nil)

    // The package reads a case by its first channel's name and finds what the training measured.
    let run = try SegmentationRun(
      model: package,
      options: SegmentationRun.Options(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let heldOut = try #require(evaluation.cases.first?.id)
    let image = study.folder.file("imagesTr/\(heldOut)_0000.nii.gz")
    let item = try #require(try SegmentationInputs([image]).cases.first)
    #expect(item.channelPaths.count == 2)
    let found = try run.segment(item).labelMap
    let reference = try NIfTIReader.readLabelMap(
      study.folder.file("labelsTr/\(heldOut).nii.gz"),
      table: package.description.labels
    )
    for region in dataset.regions {
      func isInside(_ label: UInt16) -> Bool { region.labels.contains(Int(label)) }
      let common = zip(found.labels, reference.labels).count { isInside($0) && isInside($1) }
      let sizes = found.labels.count(where: isInside) + reference.labels.count(where: isInside)
      let dice = 2 * Double(common) / Double(sizes)
      #expect(dice > 0.65, "\(region.name): \(dice)")
    }
  }

  @Test func aResumedRunEndsWhereAnUninterruptedOneDoes() throws {
    let study = try ChannelStudy(cases: 3)
    let dataset = try SegmentationDataset(path: study.path)
    var values = try values(dataset, steps: 104)
    values.loss = .focalAndDice
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
    // Other regions are another run.
    var others = values
    others.regions = [[1, 2, 3], [2], [3]]
    let error = #expect(throws: PipelinesError.self) {
      try trainer(dataset, folder).run(others, budget: .steps, resumes: true)
    }
    #expect(error?.description.contains("differ") == true)
    let resumed = try trainer(dataset, folder).run(values, budget: .steps, resumes: true)
    for (a, b) in zip(whole.network.namedParameters, resumed.network.namedParameters) {
      #expect(a.parameter.value.values == b.parameter.value.values, "\(a.name)")
    }
  }

  @Test func samplesHoldBothChannelsAndClassesOfNumbers() throws {
    let study = try ChannelStudy(cases: 2)
    let dataset = try SegmentationDataset(path: study.path)
    var values = try values(dataset, steps: 1)
    values.samples = .patches(.none)
    values.fold = nil
    let batch = try #require(
      try TrainingMaterial(
        dataset,
        configuration: values,
        progress: SilentProgress(),
        interruption: Interruption()
      ).sampler.batches(from: 0, count: 1).first
    )
    #expect(batch.images.shape == [2, 2, 16, 20, 20])
    let area = 16 * 20 * 20
    let (images, labels) = (batch.images.values, batch.labels.labels)
    #expect(Set(labels) == [0, 1, 2, 3])
    /// The mean of a channel where a class is.
    func mean(_ channel: Int, _ label: Int32) -> Float {
      let found = labels.indices.filter { labels[$0] == label }.map { index in
        images[(index / area * 2 + channel) * area + index % area]
      }
      return found.reduce(0, +) / Float(max(1, found.count))
    }
    // The first channel tells balls from background, the second their parts.
    #expect(mean(0, 1) > mean(0, 0) + 1 && abs(mean(0, 3) - mean(0, 1)) < 0.3)
    #expect(mean(1, 3) > mean(1, 2) + 1 && abs(mean(1, 1) - mean(1, 0)) < 0.3)
  }

  @Test func ignoredVoxelsBelongToNoRegion() throws {
    let study = try ChannelStudy(
      cases: 2,
      description: ChannelStudy.description.replacingOccurrences(
        of: "\"centre\": [3]",
        with: "\"centre\": [3], \"ignore\": 4"
      )
    )
    for index in 0..<2 {
      var (_, map) = try ChannelStudy.make(index, size: [20, 18, 16])
      for i in map.labels.indices where i % 2 == 0 { map.labels[i] = 4 }
      try NIfTIWriter.write(map, to: study.label(index))
    }
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.ignoreLabel == 4 && dataset.labels.map(\.id) == [1, 2, 3])
    var values = try values(dataset, steps: 2)
    values.fold = nil
    values.samples = .patches(.none)
    let outcome = try trainer(dataset, try TemporaryFolder())
      .run(values, budget: .steps, resumes: false)
    // The class of what is ignored is counted for none of the structures.
    #expect(outcome.journal.sampledVoxels.count == 4)
    #expect(outcome.epochs.allSatisfy { $0.loss.isFinite })
  }

  @Test func labelsOfTwoChannelsAreLearntByEveryLoss() throws {
    let labels = ChannelStudy.description
      .replacingOccurrences(of: "\"whole\": [1, 2, 3]", with: "\"rim\": 1")
      .replacingOccurrences(of: "[2, 3]", with: "2").replacingOccurrences(of: "[3]", with: "3")
    let study = try ChannelStudy(cases: 2, description: labels)
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.regions.isEmpty)
    for loss in SegmentationLoss.allCases {
      var values = try values(dataset, steps: 3)
      values.loss = loss
      values.fold = nil
      let outcome = try trainer(dataset, try TemporaryFolder())
        .run(values, budget: .steps, resumes: false)
      #expect(outcome.configuration.loss == loss)
      #expect(outcome.epochs.last?.loss.isFinite == true)
    }
  }

  @Test func earlierConfigurationsHaveNoRegions() throws {
    let study = try SyntheticStudy(cases: 2)
    let values = TrainingConfiguration.volumes(
      of: try SegmentationDataset(path: study.path),
      baseFeatures: 8
    )
    let data = try JSONEncoder().encode(values)
    #expect(!String(decoding: data, as: UTF8.self).contains("regions"))
    #expect(try JSONDecoder().decode(TrainingConfiguration.self, from: data).regions == nil)
  }
}
