import Imaging
import Pipelines
import Testing

@Suite struct TroubleWatchTests {
  private let labels = [
    LabelDefinition(id: 3, name: "ball", color: LabelDefinition.defaultColor(0)),
    LabelDefinition(id: 7, name: "core", color: LabelDefinition.defaultColor(1)),
  ]

  private func epochs(
    _ losses: [Double],
    norms: [Double?]? = nil,
    share: Double = 0
  ) -> [SegmentationTrainer.Epoch] {
    losses.enumerated().map { index, loss in
      SegmentationTrainer.Epoch(
        step: 100 * (index + 1),
        loss: loss,
        learningRate: 0.01,
        seconds: Double(10 * (index + 1)),
        dataShare: share,
        gradientNorm: norms.flatMap { $0[index] }
      )
    }
  }

  private func look(_ step: Int, _ dice: [String: Double]) -> TrainingValidation {
    TrainingValidation(step: step, cases: ["a"], dice: dice, seconds: 1)
  }

  private func findings(
    _ epochs: [SegmentationTrainer.Epoch],
    _ journal: TrainingJournal = TrainingJournal()
  ) -> [TrainingTrouble] {
    TroubleWatch(labels: labels, totalSteps: 3000).findings(epochs, journal)
  }

  @Test func aSoundRunTellsNothing() {
    var journal = TrainingJournal()
    journal.sampledVoxels = [900, 50, 50]
    journal.validations = [look(1500, ["3": 0.8, "7": 0.7])]
    #expect(findings(epochs([1, 0.8, 0.7], norms: [3, 2, 1]), journal).isEmpty)
    #expect(findings(epochs([1]), journal).isEmpty)
  }

  @Test func aLossThatStopsFallingIsToldOnceAndOnlyInTheFirstHalf() {
    let flat = [1, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6]
    #expect(findings(epochs(flat)) == [.lossStopped(step: 200, epochs: 5)])
    #expect(findings(epochs(Array(flat.dropLast()))).isEmpty)
    var journal = TrainingJournal()
    journal.troubles = [.lossStopped(step: 200, epochs: 5)]
    #expect(findings(epochs(flat + [0.7]), journal).isEmpty)
    // 16 epochs are more than half of 30.
    let late = (0..<11).map { 1 - 0.05 * Double($0) } + [0.9, 0.9, 0.9, 0.9, 0.9]
    #expect(findings(epochs(late)).isEmpty)
  }

  @Test func aStructureThatTheFirstEpochNeverShowsIsNamed() {
    var journal = TrainingJournal()
    journal.sampledVoxels = [900, 100, 0]
    #expect(findings(epochs([1]), journal) == [.neverSampled(["core"])])
    #expect(findings(epochs([1, 0.9]), journal).isEmpty)
  }

  @Test func aStructureWithoutAnyOverlapIsNamedAfterAThirdOfTheRun() {
    var journal = TrainingJournal()
    journal.validations = [look(900, ["3": 0.5, "7": 0])]
    #expect(findings(epochs([1, 0.9]), journal).isEmpty)
    journal.validations.append(look(1000, ["3": 0.5, "7": 0]))
    #expect(findings(epochs([1, 0.9]), journal) == [.neverFound(["core"], step: 1000)])
    journal.troubles = [.neverFound(["core"], step: 1000)]
    journal.validations.append(look(1200, ["3": 0, "7": 0]))
    #expect(findings(epochs([1, 0.9]), journal) == [.neverFound(["ball"], step: 1200)])
  }

  @Test func aGradientThatKeepsGrowingIsTold() {
    let falling = [1, 0.9, 0.8, 0.7]
    #expect(
      findings(epochs(falling, norms: [1, 2, 3, 5]))
        == [.growingGradient(factor: 5, step: 400)]
    )
    #expect(findings(epochs(falling, norms: [1, 2, 3, 3.9])).isEmpty)
    #expect(findings(epochs(falling, norms: [1, 6, 5, 7])).isEmpty)
  }

  @Test func aLargeShareOfWaitingIsTold() {
    #expect(findings(epochs([1], share: 0.29)).isEmpty)
    #expect(findings(epochs([1], share: 0.4)) == [.waiting(share: 0.4)])
  }

  @Test func everyTroubleIsOneSentenceWithARemedy() {
    let all: [TrainingTrouble] = [
      .lossStopped(step: 200, epochs: 5), .neverSampled(["core"]),
      .neverFound((0..<9).map { "s\($0)" }, step: 1000), .growingGradient(factor: 5, step: 400),
      .waiting(share: 0.4),
    ]
    for trouble in all {
      #expect(trouble.description.hasSuffix(".") && trouble.description.contains(";"))
    }
    #expect(all[2].description.contains("s5 and 3 more"))
  }
}
