import Evaluation
import Foundation

/// What an evaluation takes from elsewhere: masks, and the values of an earlier evaluation.
extension EvaluationRun {
  /// The mask of each case by its reference; nil without masks.
  static func masks(
    _ mask: EvaluationCohort.Mask?,
    _ pairing: CasePairing
  ) -> (@Sendable (String) -> String?)? {
    switch mask {
    case nil: return nil
    case .common(let path): return { _ in path }
    case .ofCases(let masks):
      let paths = Dictionary(
        masks.pairs.map { ($0.reference, $0.prediction) },
        uniquingKeysWith: { first, _ in first }
      )
      return { paths[$0] }
    }
  }

  /// Finds out whether an earlier evaluation was made in the same way.
  /// - Throws: `EvaluationError.incomparable` naming the convention that differs.
  /// - Parameters:
  ///   - report: The earlier evaluation.
  ///   - path: Where it lies, for the error.
  ///   - hasMask: Whether images are compared within masks here.
  func check(
    _ report: EvaluationReport,
    from path: String,
    hasMask: Bool
  ) throws(EvaluationError) {
    func same<Value: Equatable>(
      _ name: String,
      _ found: Value,
      _ own: Value
    ) throws(EvaluationError) {
      guard found == own else {
        throw .incomparable(path: path, reason: "\(name) there is \(found), and here \(own)")
      }
    }
    func word<Value>(_ value: Value?) -> String { value.map { "\($0)" } ?? "none" }
    try same(
      "the policy of empty masks",
      report.emptyPolicy.rawValue,
      evaluator.emptyPolicy.rawValue
    )
    try same("the ignored label", word(report.ignoreLabel), word(evaluator.ignoredReferenceLabel))
    func counted(_ name: String?) -> String { name == nil ? "structures" : "objects" }
    try same("what labels mean", counted(report.objectName), counted(evaluator.objectName))
    if let theirs = report.structures.first(where: { $0.key == Evaluator.imageKey })?.name {
      try same("what is compared", theirs, Evaluator.imageName(masked: hasMask))
    }
    if evaluator.metrics.contains(where: \.usesTolerance),
      report.metrics.contains(where: \.usesTolerance)
    {
      try same("the tolerance (mm)", word(report.toleranceMM), word(evaluator.toleranceMM))
      for structure in report.structures {
        let own = evaluator.tolerance(of: structure.name)
        let theirs = report.tolerancesMM[structure.name] ?? report.toleranceMM ?? own
        try same("the tolerance of \(structure.name) (mm)", theirs, own)
      }
    }
    let wanted = Set(evaluator.metrics.map(\.key))
    guard report.metrics.contains(where: { wanted.contains($0.key) }) else {
      throw .incomparable(path: path, reason: "it has none of the metrics that are computed here")
    }
  }

  /// An earlier evaluation's cases, under the names that a pairing gives their references.
  static func outcomes(_ report: EvaluationReport, named pairing: CasePairing) -> Outcomes {
    func place(_ path: String) -> String {
      URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
    let names = Dictionary(
      pairing.pairs.map { (place($0.reference), $0.id) },
      uniquingKeysWith: { first, _ in first }
    )
    func renamed(_ item: CaseEvaluation) -> CaseEvaluation {
      item.reference.isEmpty ? item : item.with(id: names[place(item.reference)])
    }
    var outcomes = Outcomes()
    outcomes.done = report.evaluatedCases.map(renamed)
    // What failed there is known; it does not fail here.
    return outcomes
  }
}
