import Evaluation
import Foundation
import Testing

struct CohortTableTests {
  static func table(_ text: String) throws -> CohortTable {
    try CohortTable(csv: Data(text.utf8), name: "t.csv")
  }

  @Test func patientsAndPropertiesAreRead() throws {
    let table = try Self.table(
      "\u{FEFF}Case,site,Patient\r\na,\"north, old\",p1\r\n\r\nb, south ,p1\r\n"
    )
    #expect(table.properties == ["site"])
    #expect(table.values == ["a": ["site": "north, old"], "b": ["site": "south"]])
    #expect(table.patients == ["a": "p1", "b": "p1"])
  }

  @Test(arguments: [
    ("", "it is empty"), ("site,sex\nn,F\n", "no column \"case\""),
    ("case,site\na\n", "row 2 has 1 cells instead of 2"),
    ("case,site\na,n\na,s\n", "the case a stands twice"), ("case,case\n", "stands twice"),
    ("case,patient\na,\n", "names no patient"), ("case,\na,b\n", "a column has no name"),
    ("case,site\n,n\n", "row 2 names no case"), ("case,site\na,\"n\n", "does not end"),
  ])
  func damagedTablesAreRefused(text: String, reason: String) {
    let error = #expect(throws: EvaluationError.self) { try Self.table(text) }
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    #expect(error?.failure == .damagedInput)
  }

  @Test func textThatIsNotUTF8IsRefused() {
    #expect(throws: EvaluationError.self) {
      try CohortTable(csv: Data([0x63, 0xFF, 0xFE]), name: "t.csv")
    }
  }

  @Test func unknownAndMissingCasesAreSaid() throws {
    let table = try Self.table("case,site\na,n\nz,s\n")
    #expect(
      table.problems(cases: ["a", "b"], name: "t.csv")
        == ["z: in t.csv but not among the evaluated cases", "b: evaluated but not in t.csv"]
    )
    #expect(table.problems(cases: ["a", "z"], name: "t.csv") == [])
  }

  @Test func filesNamesBecomeCasesNames() throws {
    let table = try Self.table("case,patient\na_seg,p\nb,q\n")
    let renamed = table.renamed(["a_seg": "a", "c_seg": "b"])
    #expect(renamed.patients == ["a": "p", "b": "q"])
    #expect(Set(renamed.values.keys) == ["a", "b"])
  }

  @Test func aPatientsCasesAreOneObservation() throws {
    let report = try ModelComparisonTests.report(
      "dice",
      [("a", 0.5), ("b", nil), ("c", 0.9), ("d", 0.7)],
      patients: ["a": "p", "b": "p", "c": "p", "d": "q"]
    )
    let dice = try #require(report.summary["1"]?["dice"])
    #expect(dice.n == 2 && dice.undefined == 0)
    #expect(dice.mean == 0.7)
    #expect(report.unit == .patient && report.patients == [["a", "b", "c"], ["d"]])
    let text = String(decoding: try report.json(), as: UTF8.self)
    #expect(!text.contains("\"p\""))
    #expect(try EvaluationReport(json: report.json()) == report)
  }
}
