import Foundation
import Imaging
import Pipelines
import Support
import TestSupport
import Testing

/// Packages that average networks of slices and of volumes.
@Suite struct ModelJoiningTests {
  private let study: SyntheticStudy
  private let folder: TemporaryFolder

  init() throws {
    study = try SyntheticStudy(cases: 5)
    folder = try TemporaryFolder()
  }

  private func package(
    _ name: String,
    _ values: TrainingConfiguration,
    seed: UInt64 = 1
  ) throws -> ModelPackage {
    let dataset = try SegmentationDataset(path: study.path)
    var values = values
    values.seed = seed
    values.steps = 3
    let outcome = try SegmentationTrainer(
      dataset: dataset,
      checkpointFolder: folder.file("checkpoints-\(name)"),
      progress: SilentProgress(),
      interruption: Interruption()
    ).run(values, budget: .steps, resumes: false)
    let path = folder.file(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try TrainedModel(outcome: outcome, dataset: dataset, name: name, command: "train \(name)")
      .write(to: path)
    return try ModelPackage(path: path)
  }

  private func parts() throws -> (slices: ModelPackage, volumes: ModelPackage) {
    let dataset = try SegmentationDataset(path: study.path)
    return (
      try package("slices", TrainingPlanner().configuration(for: dataset, baseFeatures: 4)),
      try package("volumes", TrainingConfiguration.volumes(of: dataset, baseFeatures: 4))
    )
  }

  private func labels(_ models: [ModelPackage], _ entry: SegmentationDataset.Case) throws
    -> [UInt16]
  {
    try SegmentationRun(
      models: models,
      options: SegmentationRun.Options(),
      progress: SilentProgress(),
      interruption: Interruption()
    ).segment(SegmentationInputs.Case(id: entry.id, path: entry.image)).labelMap.labels
  }

  @Test func aJoinedModelGivesTheLabelsOfItsPartsTogether() throws {
    let (slices, volumes) = try parts()
    let dataset = try SegmentationDataset(path: study.path)
    let target = folder.file("joined")
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    let description = try ModelJoining([slices, volumes]).write(
      to: target,
      name: "joined",
      command: "join",
      dataset: dataset,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let joined = try ModelPackage(path: target)
    try joined.verify()
    #expect(joined.description == description && description.companions?.count == 1)
    #expect(description.files.count == 3 && description.files["training-2.json"] != nil)
    #expect(description.results.contains { $0.metric == "dice" })
    #expect(description.provenance.steps == 6 && description.provenance.heldOut.count == 1)
    #expect(description.selfTest?.precisions.isEmpty ?? false)
    for entry in dataset.cases.prefix(2) {
      let together = try labels([slices, volumes], entry)
      #expect(try labels([joined], entry) == together)
      #expect(try labels([slices], entry) != together)
    }
    let report = try #require(
      FileManager.default.contents(atPath: target + "/heldout.json")
    )
    #expect(String(decoding: report, as: UTF8.self).contains("lamina.evaluation/1"))
    let card = try String(contentsOfFile: target + "/README.md", encoding: .utf8)
    #expect(card.contains("train slices") && card.contains("train volumes"))

    // A damaged part is found; a joined model is not joined again.
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: target + "/2-weights.safetensors"))
    #expect(throws: PipelinesError.self) { try joined.verify() }
    #expect(throws: PipelinesError.self) { try ModelJoining([joined, slices]) }
    #expect(throws: PipelinesError.self) { try ModelJoining([slices]) }
  }

  @Test func modelsThatHeldOutOtherCasesAreNotMeasuredTogether() throws {
    let dataset = try SegmentationDataset(path: study.path)
    let values = try TrainingPlanner().configuration(for: dataset, baseFeatures: 4)
    var other = values
    other.fold = 1
    let models = [try package("a", values), try package("b", other)]
    let target = folder.file("joined")
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    #expect(throws: PipelinesError.self) {
      try ModelJoining(models).write(
        to: target,
        name: "joined",
        command: "join",
        dataset: dataset,
        progress: SilentProgress(),
        interruption: Interruption()
      )
    }
  }
}
