import ImagingIO
import Synchronization

/// What predictors find odd about a scan while they segment it, for the record of the run.
package final class PredictionProblems: Sendable {
  private let found = Mutex<[InputProblem]>([])

  package init() {}

  /// Adds a problem.
  func add(_ problem: InputProblem) { found.withLock { $0.append(problem) } }

  /// The problems in the order in which they were found, each once.
  package var all: [InputProblem] {
    found.withLock { found in
      var seen: Set<InputProblem> = []
      return found.filter { seen.insert($0).inserted }
    }
  }
}
