import Foundation
import Support

/// What is known about the cases of a cohort beside their images: patients, and properties such as
/// site, sex, scanner and age.
public struct CohortTable: Equatable, Sendable {
  /// The names of the properties, in the order of their columns.
  public let properties: [String]
  /// The properties of each case by the case's name; an empty cell is left out.
  public let values: [String: [String: String]]
  /// The patient of each case by the case's name; empty without a column of patients.
  public let patients: [String: String]

  /// The column of the cases' names.
  public static let caseColumn = "case"
  /// The column of the patients.
  public static let patientColumn = "patient"

  /// Reads a table of comma-separated values with a header.
  ///
  /// Its columns are `case`, optionally `patient`, and one for each property. Semicolons and tabs
  /// separate as well; names of columns may be in any case of letters.
  /// - Parameters:
  ///   - csv: The file's content.
  ///   - name: The file's name, for errors.
  /// - Throws: `EvaluationError.invalidTable` for any other form, for a case that stands twice, and
  ///   for a patient's cell that is empty.
  public init(csv: Data, name: String) throws(EvaluationError) {
    let table: DelimitedTable
    do {
      table = try DelimitedTable(csv)
    } catch {
      throw .invalidTable(name: name, reason: error.reason)
    }
    guard let caseColumn = table.column(Self.caseColumn) else {
      throw .invalidTable(name: name, reason: "it has no column \"\(Self.caseColumn)\"")
    }
    let patientColumn = table.column(Self.patientColumn)
    var values: [String: [String: String]] = [:]
    var patients: [String: String] = [:]
    for (index, row) in table.rows.enumerated() {
      let id = row[caseColumn]
      guard !id.isEmpty else {
        throw .invalidTable(name: name, reason: "row \(index + 2) names no case")
      }
      guard values[id] == nil else {
        throw .invalidTable(name: name, reason: "the case \(id) stands twice")
      }
      var properties: [String: String] = [:]
      for (column, cell) in row.enumerated() where column != caseColumn && !cell.isEmpty {
        if column == patientColumn {
          patients[id] = cell
        } else {
          properties[table.columns[column]] = cell
        }
      }
      if patientColumn != nil, patients[id] == nil {
        throw .invalidTable(name: name, reason: "the case \(id) names no patient")
      }
      values[id] = properties
    }
    properties = table.columns.indices.filter { $0 != caseColumn && $0 != patientColumn }
      .map { table.columns[$0] }
    self.values = values
    self.patients = patients
  }

  private init(
    properties: [String],
    values: [String: [String: String]],
    patients: [String: String]
  ) {
    self.properties = properties
    self.values = values
    self.patients = patients
  }

  /// The table with other names of cases.
  /// - Parameter names: New names by those of the table; where the new name is there already, the
  ///   old one stays.
  /// - Returns: The table.
  public func renamed(_ names: [String: String]) -> CohortTable {
    var values = values
    var patients = patients
    for (old, new) in names.sorted(by: { $0.key < $1.key }) {
      guard values[new] == nil, let found = values.removeValue(forKey: old) else { continue }
      values[new] = found
      patients[new] = patients.removeValue(forKey: old)
    }
    return CohortTable(properties: properties, values: values, patients: patients)
  }

  /// The cases of the table that an evaluation lacks, and the other way round, one sentence each.
  /// - Parameters:
  ///   - cases: The names of the evaluated cases.
  ///   - name: The file's name.
  /// - Returns: At most two sentences.
  public func problems(cases: [String], name: String) -> [String] {
    let known = Set(cases)
    let unknown = values.keys.filter { !known.contains($0) }.sorted()
    let missing = cases.filter { values[$0] == nil }
    func line(_ ids: [String], _ what: String) -> [String] {
      guard !ids.isEmpty else { return [] }
      let more = ids.count > 10 ? " and \(ids.count - 10) more" : ""
      return ["\(ids.prefix(10).joined(separator: ", "))\(more): \(what)"]
    }
    return line(unknown, "in \(name) but not among the evaluated cases")
      + line(missing, "evaluated but not in \(name)")
  }

  /// The groups of a property; cases without a value come last.
  ///
  /// Up to `SubgroupAnalysis.maximumGroups` different values are groups by themselves. Numbers in a
  /// column named age are banded: under 18, 18 to 39, 40 to 64, 65 and over.
  /// - Parameters:
  ///   - property: The property's name.
  ///   - cases: The names of the evaluated cases.
  /// - Returns: The groups, or nil when the values are too many to be groups.
  package func groups(
    of property: String,
    cases: [String]
  ) -> [(name: String, cases: Set<String>)]? {
    let isAge = Self.isAge(property)
    var members: [String: Set<String>] = [:]
    var order: [String: Double] = [:]
    for id in cases {
      guard let text = values[id]?[property] else {
        members[SubgroupAnalysis.unstated, default: []].insert(id)
        order[SubgroupAnalysis.unstated] = .infinity
        continue
      }
      if isAge, let age = Self.years(text) {
        let band = Self.ageBands.last { $0.from <= age } ?? Self.ageBands[0]
        members[band.name, default: []].insert(id)
        order[band.name] = band.from
      } else {
        members[text, default: []].insert(id)
        order[text] = order[text] ?? Double(text) ?? 0
      }
    }
    guard members.count <= SubgroupAnalysis.maximumGroups else { return nil }
    return members.sorted { a, b in
      let (left, right) = (order[a.key] ?? 0, order[b.key] ?? 0)
      return left == right ? a.key < b.key : left < right
    }.map { ($0.key, $0.value) }
  }

  private static func isAge(_ property: String) -> Bool {
    let words = property.lowercased().split { !$0.isLetter }
    return words.first == "age" || words.last == "age"
  }

  /// An age in years, also in DICOM's form such as 045Y.
  private static func years(_ text: String) -> Double? {
    let number = Double(text.uppercased().hasSuffix("Y") ? String(text.dropLast()) : text)
    return number.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
  }

  /// Bands of age in years by their lower bounds.
  private static let ageBands: [(from: Double, name: String)] = [
    (0, "under 18"), (18, "18 to 39"), (40, "40 to 64"), (65, "65 and over"),
  ]
}
