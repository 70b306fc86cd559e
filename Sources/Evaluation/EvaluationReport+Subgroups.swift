extension EvaluationReport {
  /// Adds the groups of every property of a table of cases.
  ///
  /// A property of one value, or of so many that they are no groups, is left out, which stands among
  /// the problems.
  /// - Parameters:
  ///   - table: The table; its cases have the names of the report's.
  ///   - tableName: The table's file, for the problems.
  ///   - patients: The patient of each case by the case's name; empty when the case is the unit.
  ///   - minimumGroupSize: Groups of fewer units are marked as small.
  public mutating func addSubgroups(
    _ table: CohortTable,
    tableName: String,
    patients: [String: String] = [:],
    minimumGroupSize: Int = SubgroupAnalysis.defaultMinimumGroupSize
  ) {
    let ids = evaluatedCases.map(\.id)
    for property in table.properties {
      guard let groups = table.groups(of: property, cases: ids) else {
        problems.append(
          "\(property) of \(tableName) makes no groups: it has more than "
            + "\(SubgroupAnalysis.maximumGroups) values; give bands instead"
        )
        continue
      }
      guard groups.count > 1 else {
        problems.append("\(property) of \(tableName) makes no groups: all cases have one value")
        continue
      }
      let analysis = SubgroupAnalysis(
        self,
        property: property,
        groups: groups,
        patients: patients,
        minimumGroupSize: minimumGroupSize
      )
      let small = analysis.groups.filter(\.isSmall).map(\.name)
      if !small.isEmpty {
        problems.append(
          "\(property): fewer than \(minimumGroupSize) \(unit.rawValue)s in "
            + "\(small.joined(separator: ", ")); their intervals and gaps are uncertain"
        )
      }
      subgroups.append(analysis)
    }
  }
}
