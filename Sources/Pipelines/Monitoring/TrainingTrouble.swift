/// A sign that a training goes wrong, while there is time to stop it.
package enum TrainingTrouble: Codable, Sendable, Equatable {
  /// The mean loss of no epoch since was below that of the one that ended with this step.
  case lossStopped(step: Int, epochs: Int)
  /// No sample of the first epoch showed these structures.
  case neverSampled([String])
  /// A third of the run is over, and these structures are found in no held-out case.
  case neverFound([String], step: Int)
  /// The gradient grew for several epochs in a row, to so many times its smallest norm.
  case growingGradient(factor: Double, step: Int)
  /// So large a share of an epoch went into waiting for data.
  case waiting(share: Double)

  /// One sentence with the remedy.
  package var description: String {
    switch self {
    case .lossStopped(let step, let epochs):
      "The loss has not fallen for \(epochs) epochs, since step \(step); a lower --learning-rate "
        + "may help."
    case .neverSampled(let names):
      "No sample of the first epoch shows \(Self.list(names)); look whether the training cases "
        + "have it."
    case .neverFound(let names, let step):
      "After \(step) steps the held-out cases still have Dice 0 for \(Self.list(names)); train "
        + "longer or look at its labels."
    case .growingGradient(let factor, let step):
      "The gradient's norm has grown to \(Int(factor.rounded())) times its lowest by step \(step); "
        + "a lower --learning-rate may help."
    case .waiting(let share):
      "\(Int((100 * share).rounded())) % of the time is spent waiting for data; a smaller --batch "
        + "or more --threads may help."
    }
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(6).joined(separator: ", ")
    return names.count > 6 ? "\(shown) and \(names.count - 6) more" : shown
  }
}
