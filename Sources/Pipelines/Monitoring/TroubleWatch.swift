import Evaluation
import Imaging

/// Looks at a run's numbers after each epoch for signs that it goes wrong.
///
/// Every kind of trouble is told once, and structures once each.
package struct TroubleWatch: Sendable {
  /// The structures, in the order of the classes after background.
  package let labels: [LabelDefinition]
  /// What is looked for in held-out cases, by the key in evaluations.
  private let structures: [(key: String, name: String)]
  /// Steps of the whole run.
  package let totalSteps: Int

  /// Epochs without a lower loss that are too many: a tenth of the run, but at least five.
  private static let fewestEpochs = 5
  /// A plateau near the end is what a falling learning rate is for.
  private static let lossShare = 0.5
  /// When every structure should have been found.
  private static let foundShare = 1.0 / 3
  /// Epochs in a row over which a growing gradient is told, and how far it must have grown.
  private static let (growingEpochs, growth) = (3, 4.0)
  /// The share of waiting from which on it is told.
  private static let waitingShare = 0.3

  /// Creates a watch.
  /// - Parameters:
  ///   - labels: The structures, in the order of the classes after background.
  ///   - regions: What they make up where that is learnt, or nil.
  ///   - totalSteps: Steps of the whole run.
  package init(labels: [LabelDefinition], regions: LabelSet? = nil, totalSteps: Int) {
    self.labels = labels
    structures =
      regions?.structures.map { ($0.key, $0.name) } ?? labels.map { ("\($0.id)", $0.name) }
    self.totalSteps = totalSteps
  }

  /// What is new.
  /// - Parameters:
  ///   - epochs: The learning curve so far.
  ///   - journal: What the run noted, with the troubles told already.
  /// - Returns: Troubles to tell.
  package func findings(
    _ epochs: [SegmentationTrainer.Epoch],
    _ journal: TrainingJournal
  ) -> [TrainingTrouble] {
    let told = journal.troubles
    var found: [TrainingTrouble] = []
    if let item = stoppedLoss(epochs),
      !told.contains(where: { if case .lossStopped = $0 { true } else { false } })
    {
      found.append(item)
    }
    if epochs.count == 1, !journal.sampledVoxels.isEmpty {
      let names = labels.indices.filter { journal.sampledVoxels[$0 + 1] == 0 }
        .map { labels[$0].name }
      if !names.isEmpty { found.append(.neverSampled(names)) }
    }
    if let item = neverFound(journal) { found.append(item) }
    if let item = growingGradient(epochs),
      !told.contains(where: { if case .growingGradient = $0 { true } else { false } })
    {
      found.append(item)
    }
    if let item = waiting(epochs),
      !told.contains(where: { if case .waiting = $0 { true } else { false } })
    {
      found.append(item)
    }
    return found
  }

  private func stoppedLoss(_ epochs: [SegmentationTrainer.Epoch]) -> TrainingTrouble? {
    guard let last = epochs.last, Double(last.step) <= Self.lossShare * Double(totalSteps),
      let best = epochs.min(by: { $0.loss < $1.loss }),
      let place = epochs.firstIndex(of: best)
    else { return nil }
    let since = epochs.count - 1 - place
    let limit = max(
      Self.fewestEpochs,
      totalSteps / TrainingConfiguration.stepsPerEpoch / 10
    )
    return since >= limit ? .lossStopped(step: best.step, epochs: since) : nil
  }

  private func neverFound(_ journal: TrainingJournal) -> TrainingTrouble? {
    guard let last = journal.validations.last,
      Double(last.step) >= Self.foundShare * Double(totalSteps)
    else { return nil }
    let told = journal.troubles.flatMap { trouble -> [String] in
      if case .neverFound(let names, _) = trouble { names } else { [] }
    }
    let names = structures.filter { last.dice[$0.key] == 0 && !told.contains($0.name) }.map(\.name)
    return names.isEmpty ? nil : .neverFound(names, step: last.step)
  }

  private func growingGradient(_ epochs: [SegmentationTrainer.Epoch]) -> TrainingTrouble? {
    let norms = epochs.compactMap(\.gradientNorm)
    guard norms.count > Self.growingEpochs, let last = norms.last, let lowest = norms.min(),
      lowest > 0, last > Self.growth * lowest
    else { return nil }
    let tail = norms.suffix(Self.growingEpochs + 1)
    let grows = zip(tail, tail.dropFirst()).allSatisfy { $0 < $1 }
    return grows ? .growingGradient(factor: last / lowest, step: epochs.last?.step ?? 0) : nil
  }

  private func waiting(_ epochs: [SegmentationTrainer.Epoch]) -> TrainingTrouble? {
    guard let last = epochs.last else { return nil }
    let before = epochs.count > 1 ? epochs[epochs.count - 2] : nil
    let seconds = last.seconds - (before?.seconds ?? 0)
    let waited =
      last.seconds * last.dataShare - (before.map { $0.seconds * $0.dataShare } ?? 0)
    guard seconds > 0, waited / seconds > Self.waitingShare else { return nil }
    return .waiting(share: waited / seconds)
  }
}
