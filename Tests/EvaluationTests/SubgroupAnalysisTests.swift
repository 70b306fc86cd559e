import Evaluation
import Foundation
import TestSupport
import Testing

struct SubgroupAnalysisTests {
  static func report() throws -> EvaluationReport {
    try ModelComparisonTests.report(
      "dice",
      [("a", 0.9), ("b", 0.92), ("c", 0.94), ("d", 0.7), ("e", 0.72), ("f", 0.8)]
    )
  }

  static func table(_ text: String) throws -> CohortTable {
    try CohortTable(csv: Data(text.utf8), name: "cases.csv")
  }

  @Test func groupsHaveTheirStatisticsAndGapsTheirIntervals() throws {
    var report = try Self.report()
    report.addSubgroups(
      try Self.table("case,site\na,north\nb,north\nc,north\nd,south\ne,south\n"),
      tableName: "cases.csv",
      minimumGroupSize: 3
    )
    let analysis = try #require(report.subgroups.first)
    #expect(analysis.property == "site")
    #expect(analysis.groups.map(\.name) == ["north", "south", "not stated"])
    #expect(analysis.groups.map(\.count) == [3, 2, 1])
    #expect(analysis.groups.map(\.isSmall) == [false, true, true])
    let means = analysis.groups.map { $0.summary["1"]?["dice"]?.mean ?? .nan }
    expectClose(means, [0.92, 0.71, 0.8], Tolerance(absolute: 1e-12, relative: 0))
    let gap = try #require(analysis.widestGap(of: "dice", structure: "1"))
    #expect(analysis.gaps.count == 1)
    #expect(gap.better == "north" && gap.worse == "south" && gap.isSmall && gap.isClear)
    #expect(abs(gap.difference - 0.21) < 1e-12)
    // Means of resamples lie between the groups' extremes.
    let bounds = try #require(gap.ci95)
    #expect(bounds.lowerBound >= 0.9 - 0.72 - 1e-12 && bounds.upperBound <= 0.94 - 0.7 + 1e-12)
    #expect(bounds.contains(gap.difference))
    #expect(report.problems.contains { $0.hasPrefix("site: fewer than 3 cases in south") })
    #expect(try EvaluationReport(json: report.json()) == report)
  }

  @Test func forDistancesTheLowerMeanIsTheBetterOne() throws {
    var report = try ModelComparisonTests.report("hd95", [("a", 1), ("b", 5)])
    report.addSubgroups(try Self.table("case,sex\na,F\nb,M\n"), tableName: "t")
    let gap = try #require(report.subgroups.first?.gaps.first)
    #expect(gap.better == "F" && gap.worse == "M" && gap.difference == -4)
    #expect(gap.ci95 == nil && !gap.isClear)
  }

  @Test func agesAreBandedAndBandsAreInOrder() throws {
    let table = try Self.table("case;Age\na;7\nb;17.9\nc;18\nd;039Y\ne;65\nf;\n")
    let groups = try #require(table.groups(of: "Age", cases: ["a", "b", "c", "d", "e", "f"]))
    #expect(groups.map(\.name) == ["under 18", "18 to 39", "65 and over", "not stated"])
    #expect(groups.map(\.cases) == [["a", "b"], ["c", "d"], ["e"], ["f"]])
  }

  @Test func columnsThatMakeNoGroupsAreSaid() throws {
    var report = try ModelComparisonTests.report(
      "dice",
      (0..<25).map { ("\($0)", 0.5) }
    )
    let rows = (0..<25).map { "\($0),\($0).5,same\n" }.joined()
    report.addSubgroups(try Self.table("case,weight,site\n" + rows), tableName: "t.csv")
    #expect(report.subgroups.isEmpty)
    #expect(report.problems.count == 2)
    #expect(report.problems[0].hasPrefix("weight of t.csv makes no groups: it has more than 20"))
    #expect(report.problems[1].hasPrefix("site of t.csv makes no groups: all cases"))
  }
}
