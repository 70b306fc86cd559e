import Foundation
import Networks
import Pipelines
import TestSupport
import Testing

@Suite struct NNUNetPlansTests {
  private func plan(
    _ file: String,
    _ configuration: String,
    dataset: String = "dataset.json"
  ) throws -> (plan: NNUNetPlan, network: NetworkConfiguration) {
    try NNUNetPlansFile(Fixtures.path("nnunet/" + file)).plan(
      configuration,
      dataset: NNUNetDataset(Fixtures.path("nnunet/" + dataset)),
      mirrorAxes: [0, 1]
    )
  }

  @Test func theNewDescriptionIsRead() throws {
    let (plan, network) = try plan("plans-new.json", "3d_fullres")
    #expect(plan.patchSize == [16, 32, 32])
    #expect(plan.spacing == [3, 1, 1])
    #expect(plan.transposeForward == [2, 0, 1])
    #expect(
      plan.channels == [
        .ct(mean: 12.5, deviation: 250, low: -900, high: 800), .zScore(usesMask: true),
      ]
    )
    #expect(plan.data == .spline(order: 3, orderAcross: 0, separates: nil))
    #expect(plan.probabilities == .spline(order: 1, orderAcross: 0, separates: nil))
    #expect(plan.heads == .labels([0, 1, 2]))
    #expect(plan.previousStage == nil)
    guard case .residualEncoderUNet(let values) = network else {
      Issue.record("\(network)")
      return
    }
    #expect(values.inputChannels == 2)
    #expect(values.outputChannels == 3)
    #expect(values.features == [8, 16, 24])
    #expect(values.kernelSizes == [[1, 3, 3], [3, 3, 3], [3, 3, 3]])
    #expect(values.strides == [[1, 1, 1], [1, 2, 2], [2, 2, 2]])
    #expect(values.unitsPerStage == [1, 2, 2])
    #expect(values.decoderUnitsPerStage == [1, 1])
  }

  @Test func aCascadeInheritsAndTakesTheFirstStagesLabels() throws {
    let (plan, network) = try plan("plans-new.json", "3d_cascade_fullres")
    #expect(plan.patchSize == [16, 16, 16])
    #expect(plan.spacing == [3, 1, 1])
    #expect(plan.previousStage == "3d_lowres")
    #expect(network.inputChannels == 4)
  }

  @Test func resamplingByPyTorchIsNamed() throws {
    let (plan, _) = try plan("plans-new.json", "3d_torch")
    #expect(plan.data == .linear(separates: false))
  }

  @Test func theOldDescriptionIsRead() throws {
    let (plan, network) = try plan("plans-old.json", "2d", dataset: "dataset-regions.json")
    #expect(plan.patchSize == [64, 48])
    #expect(plan.channels == [.none])
    #expect(plan.heads == .regions(painted: [1, 2, 3]))
    guard case .plainConvUNet(let values) = network else {
      Issue.record("\(network)")
      return
    }
    #expect(values.features == [32, 64, 100])
    #expect(values.outputChannels == 3)
    #expect(values.hasBias)
  }

  @Test func regionsKeepTheirOrder() throws {
    let dataset = try NNUNetDataset(Fixtures.path("nnunet/dataset-regions.json"))
    #expect(dataset.entries.map(\.name) == ["whole", "core", "enhancing"])
    #expect(dataset.entries.map(\.numbers) == [[1, 2, 3], [2, 3], [3]])
    #expect(dataset.channels == ["T1"])
  }

  @Test func theIgnoreLabelHasNoOutput() throws {
    let dataset = try NNUNetDataset(Fixtures.path("nnunet/dataset.json"))
    #expect(dataset.ignoreLabel == 3)
    #expect(dataset.heads.count == 3)
    #expect(dataset.entries.map(\.name) == ["liver", "tumour"])
  }

  @Test(arguments: ["3d_lowres", "loop"])
  func configurationsThatAreNotThereAreSaid(name: String) {
    #expect(throws: PipelinesError.self) { try plan("plans-new.json", name) }
  }

  @Test(arguments: [
    #"{"labels": {"background": 0}}"#, #"{"channel_names": {"1": "a"}, "labels": {}}"#,
    #"{"channel_names": {"0": "a"}, "labels": {"liver": 1}}"#,
    #"{"channel_names": {"0": "a"}, "labels": {"background": 0, "liver": 2}}"#,
    #"{"channel_names": {"0": "a"}, "labels": {"background": 0, "liver": -1}}"#,
    #"{"channel_names": {"0": "a"}, "labels": {"background": 0, "r": [1, 2]}}"#, "[]", "{",
  ])
  func faultyDataSetsAreRefused(text: String) throws {
    let folder = try TemporaryFolder()
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("dataset.json")))
    #expect(throws: PipelinesError.self) { try NNUNetDataset(folder.file("dataset.json")) }
  }
}
