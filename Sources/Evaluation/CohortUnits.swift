/// The observations of a cohort: its cases, or its patients with the cases of each.
///
/// Several scans of one patient are no independent observations; their values are averaged first.
package struct CohortUnits: Sendable {
  /// One observation.
  package struct Unit: Sendable {
    /// The case's name; a patient's cases are joined by "+".
    package let id: String
    /// The places of its cases in the list of cases.
    package let cases: [Int]
  }

  /// The observations, in the order of their first cases.
  package let units: [Unit]
  /// What an observation is.
  package let kind: StatisticalUnit
  private let cases: [CaseEvaluation]
  /// For each case the place of each structure.
  private let places: [[String: Int]]

  /// Groups cases.
  /// - Parameters:
  ///   - cases: The evaluated cases.
  ///   - patients: The patient of each case by the case's name; a case that is not there is a
  ///     patient of its own. Empty when the case is the unit.
  package init(_ cases: [CaseEvaluation], patients: [String: String] = [:]) {
    self.cases = cases
    places = cases.map { item in
      Dictionary(
        item.labels.enumerated().map { ($1.key, $0) },
        uniquingKeysWith: { first, _ in first }
      )
    }
    kind = patients.isEmpty ? .case : .patient
    var order: [[Int]] = []
    var seen: [String: Int] = [:]
    for (index, item) in cases.enumerated() {
      guard let patient = patients[item.id] else {
        order.append([index])
        continue
      }
      if let place = seen[patient] {
        order[place].append(index)
      } else {
        seen[patient] = order.count
        order.append([index])
      }
    }
    units = order.map { indices in
      Unit(id: indices.map { cases[$0].id }.joined(separator: "+"), cases: indices)
    }
  }

  /// The structure's evaluation in a case, or nil.
  package func label(_ structure: String, case index: Int) -> LabelEvaluation? {
    places[index][structure].map { cases[index].labels[$0] }
  }

  /// The value of a unit: the mean over its cases that have one.
  /// - Returns: The value, or nil when no case has the structure with this metric.
  package func value(_ metric: String, _ structure: String, _ unit: Unit) -> MetricValue? {
    let found = unit.cases.compactMap { label(structure, case: $0)?.values[metric] }
    guard found.count > 1 else { return found.first }
    let numbers = found.compactMap(\.number)
    return numbers.isEmpty ? found.first : .value(numbers.reduce(0, +) / Double(numbers.count))
  }

  /// In how many cases of some units a structure is in a state.
  package func count(_ state: StructureState, _ structure: String, _ units: [Unit]) -> Int {
    units.reduce(0) { sum, unit in
      sum + unit.cases.count { label(structure, case: $0)?.state == state }
    }
  }
}
