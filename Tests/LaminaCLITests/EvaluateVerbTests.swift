import Evaluation
import Foundation
import Imaging
import ImagingIO
import TestSupport
import Testing

/// What `lamina evaluate` does with cohorts, tables, comparisons and bad input.
@Suite struct EvaluateVerbTests {
  /// Predictions `p`, other predictions `q` and references `r` of six cases.
  static func cohort() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for side in ["p", "q", "r"] {
      try FileManager.default.createDirectory(
        atPath: folder.file(side),
        withIntermediateDirectories: true
      )
    }
    for index in 1...6 {
      try Samples.writeLabels([1, 2, 3], to: folder.file("r/case_\(index).nii.gz"))
      try Samples.writeLabels([1, 2, 3], to: folder.file("p/case_\(index).nii.gz"))
      try Samples.writeLabels(
        index == 6 ? [1, 2] : [1, 3],
        to: folder.file("q/case_\(index).nii.gz")
      )
    }
    return folder
  }

  static func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  static func evaluate(
    _ folder: TemporaryFolder,
    _ options: [String] = [],
    prediction: String = "p"
  ) throws -> Program.Result {
    try Program.start(
      ["evaluate", folder.file(prediction), folder.file("r"), "--json"] + options
    ).wait()
  }

  static func report(_ result: Program.Result) throws -> EvaluationReport {
    try EvaluationReport(json: Data(result.output.utf8))
  }

  @Test func allOutputsComeFromOneRun() throws {
    let folder = try Self.cohort()
    let names = ["e.json", "e.csv", "e.md", "e.html"].map(folder.file)
    let result = try Self.evaluate(
      folder,
      ["--output", names[0], "-o", names[1], "-o", names[2], "--report", names[3]]
    )
    #expect(result.status == 0, "\(result.error)")
    let texts = names.map {
      FileManager.default.contents(atPath: $0).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    #expect(texts[0] == result.output)
    let report = try Self.report(result)
    #expect(texts[1] == report.csv() && texts[2] == report.markdown())
    #expect(texts[3].hasPrefix("<!DOCTYPE html>") || texts[3].hasPrefix("<!doctype html>"))
    #expect(try Self.evaluate(folder, ["--output", names[0]]).status == 73)
    #expect(try Self.evaluate(folder, ["--output", names[0], "--force"]).status == 0)
  }

  /// An earlier evaluation stands for its predictions, if it was made in the same way.
  @Test func anEarlierEvaluationMayBeComparedWith() throws {
    let folder = try Self.cohort()
    let metrics = ["--metrics", "dice"]
    let made = try Self.evaluate(folder, metrics + ["-o", folder.file("q.json")], prediction: "q")
    #expect(made.status == 0, "\(made.error)")
    let earlier = try Self.evaluate(folder, metrics + ["--compare", folder.file("q.json")])
    #expect(earlier.status == 0, "\(earlier.error)")
    let found = try Self.report(earlier)
    let wanted = try Self.report(
      try Self.evaluate(folder, metrics + ["--compare", folder.file("q")])
    )
    #expect(found.comparisons.map(\.rows) == wanted.comparisons.map(\.rows))
    #expect(found.ranking?.meanRanks == wanted.ranking?.meanRanks && found.ranking != nil)
    let options = ["--compare", folder.file("q.json"), "--empty", "brats"]
    #expect(try Self.evaluate(folder, metrics + options).status == 65)
    let objects = try Self.evaluate(
      folder,
      metrics + ["--compare", folder.file("q.json"), "--instances"]
    )
    #expect(objects.status == 65 && objects.error.contains("what labels mean"))
    try Self.write("{}", to: folder.file("q.json"))
    #expect(
      try Self.evaluate(folder, metrics + ["--compare", folder.file("q.json")]).status == 65
    )
  }

  /// Label maps serve as images here; the mask is where the reference has a label.
  @Test func masksAreForImages() throws {
    let folder = try Self.cohort()
    let masks = ["--mask", folder.file("r")]
    #expect(try Self.evaluate(folder, masks).status == 64)
    let image = ["--image", "--metrics", "mae"]
    let whole = try Self.report(try Self.evaluate(folder, image, prediction: "q"))
    let within = try Self.report(try Self.evaluate(folder, image + masks, prediction: "q"))
    let one = try Self.report(
      try Self.evaluate(
        folder,
        image + ["--mask", folder.file("r/case_1.nii.gz")],
        prediction: "q"
      )
    )
    func error(_ report: EvaluationReport) -> Double {
      report.summary["image"]?["mae"]?.mean ?? .nan
    }
    // The predictions are wrong within the mask alone.
    #expect(error(within) > error(whole) && error(within) == error(one))
    #expect(
      try Self.evaluate(folder, image + ["--mask", folder.file("nosuch")]).status == 66
    )
  }

  @Test func labelsThatCountObjectsAreMatchedOneByOne() throws {
    let folder = try TemporaryFolder()
    let maps: [(name: String, labels: [UInt16])] = [
      ("p", [1, 1, 2, 2, 3, 0]), ("r", [7, 7, 5, 5, 0, 0]),
    ]
    for (name, labels) in maps {
      let picture = PNGImage(width: 6, height: 1, channels: 1, samples: .sixteenBit(labels))
      try PNGEncoder.encode(picture)
        .write(to: URL(fileURLWithPath: folder.file("\(name).png")))
    }
    func evaluate(_ options: [String]) throws -> Program.Result {
      try Program.start(
        ["evaluate", folder.file("p.png"), folder.file("r.png"), "--json"] + options
      ).wait()
    }
    let result = try evaluate(["--instances", "--metrics", "pq,sq,lesionFalsePositives"])
    #expect(result.status == 0, "\(result.error)")
    let values = try #require(try Self.report(result).cases.first?.labels.first?.values)
    // Both objects of the reference are found exactly, and one more: 2 of 2 + 1/2.
    #expect(values["pq"] == .value(0.8) && values["sq"] == .value(1))
    #expect(values["lesionFalsePositives"] == .value(1))
    #expect(try evaluate(["--instances", "--labels", "x.json"]).status == 64)
  }

  @Test func otherPredictionsAreTestedCaseByCase() throws {
    let folder = try Self.cohort()
    let result = try Self.evaluate(folder, ["--compare", folder.file("q"), "--metrics", "dice"])
    #expect(result.status == 0, "\(result.error)")
    let comparison = try #require(try Self.report(result).comparisons.first)
    #expect(comparison.title == "q" && comparison.cases == 6)
    let rows = Dictionary(uniqueKeysWithValues: comparison.rows.map { ($0.structure, $0) })
    // Label 2 is missed in five cases, label 3 in one.
    #expect(rows["2"]?.firstBetter == 5 && rows["2"]?.wilcoxon?.p == 2.0 / 32)
    #expect(rows["3"]?.firstBetter == 1 && rows["3"]?.wilcoxon?.p == 1)
    #expect(rows["1"]?.wilcoxon == nil && comparison.tests == 2)
    #expect(rows["2"]?.wilcoxon?.holmP == 4.0 / 32)
    #expect(comparison.otherSummary["2"]?["dice"]?.missed == 5)
    let text = try Program.run(
      "evaluate",
      folder.file("p"),
      folder.file("r"),
      "--compare",
      folder.file("q"),
      "--compare",
      folder.file("p")
    )
    #expect(text.status == 0 && text.output.contains("Less q, 6 cases"))
    #expect(text.output.contains("Less p, 6 cases"))
  }

  @Test func tablesGivePatientsAndGroups() throws {
    let folder = try Self.cohort()
    let rows = (1...6).map { "case_\($0),p\($0 / 2),\($0 < 4 ? "north" : "south"),\($0 * 15)\n" }
    try Self.write("case,patient,site,age\n" + rows.joined(), to: folder.file("t.csv"))
    let result = try Self.evaluate(folder, ["--subgroups", folder.file("t.csv")], prediction: "q")
    #expect(result.status == 0, "\(result.error)")
    let report = try Self.report(result)
    #expect(report.unit == .patient && report.patients.count == 4)
    #expect(report.subgroups.map(\.property) == ["site", "age"])
    #expect(report.subgroups[0].groups.map(\.name) == ["north", "south"])
    #expect(
      report.subgroups[1].groups.map(\.name)
        == ["under 18", "18 to 39", "40 to 64", "65 and over"]
    )
    try Self.write("case,site\ncase_1,n\nnosuch,s\n", to: folder.file("u.csv"))
    let other = try Self.report(Self.evaluate(folder, ["--subgroups", folder.file("u.csv")]))
    #expect(other.problems.contains("nosuch: in u.csv but not among the evaluated cases"))
    #expect(other.problems.contains { $0.hasSuffix("evaluated but not in u.csv") })
    try Self.write("name,site\ncase_1,n\n", to: folder.file("v.csv"))
    #expect(try Self.evaluate(folder, ["--subgroups", folder.file("v.csv")]).status == 65)
    #expect(try Self.evaluate(folder, ["--patients", folder.file("u.csv")]).status == 65)
    #expect(try Self.evaluate(folder, ["--patients", folder.file("nosuch.csv")]).status == 66)
  }

  @Test func theIgnoredLabelIsLeftOut() throws {
    let folder = try Self.cohort()
    let report = try Self.report(
      Self.evaluate(folder, ["--ignore-label", "2", "--metrics", "dice"], prediction: "q")
    )
    #expect(report.ignoreLabel == 2)
    #expect(report.structures.map(\.key) == ["1", "3"])
    #expect(try Self.evaluate(folder, ["--ignore-label", "0"]).status == 64)
  }

  @Test func tolerancesComeFromANumberOrAFile() throws {
    let folder = try Self.cohort()
    try Self.write(#"{"label 1": 2.5}"#, to: folder.file("t.json"))
    let report = try Self.report(
      Self.evaluate(folder, ["--tolerance", folder.file("t.json"), "--metrics", "nsd"])
    )
    #expect(report.tolerancesMM == ["label 1": 2.5] && report.toleranceMM == 1)
    let other = try Self.report(Self.evaluate(folder, ["--tolerance", "3", "--metrics", "nsd"]))
    #expect(other.toleranceMM == 3 && other.tolerancesMM.isEmpty)
    try Self.write(#"{"label 1": "wide"}"#, to: folder.file("u.json"))
    #expect(try Self.evaluate(folder, ["--tolerance", folder.file("u.json")]).status == 65)
    #expect(try Self.evaluate(folder, ["--tolerance", "nosuch.json"]).status == 66)
    #expect(try Self.evaluate(folder, ["--tolerance", "-1"]).status == 64)
  }

  @Test func aDamagedCaseAndAMissingOneGive2AndTheOthersTheirValues() throws {
    let folder = try Self.cohort()
    let path = folder.file("p/case_2.nii.gz")
    let bytes = try #require(FileManager.default.contents(atPath: path))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
    try FileManager.default.removeItem(atPath: folder.file("r/case_5.nii.gz"))
    let result = try Self.evaluate(folder, ["--jobs", "2"])
    #expect(result.status == 2)
    let report = try Self.report(result)
    #expect(report.failedCases.map(\.id) == ["case_2", "case_5"])
    #expect(report.evaluatedCases.count == 4)
    #expect(report.pairing?.unpaired.map(\.id) == ["case_5"])
  }

  @Test func labelsOutsideTheLabelFileAreSaid() throws {
    let folder = try Self.cohort()
    try Self.write(#"{"one": 1, "both": [1, 2]}"#, to: folder.file("labels.json"))
    let report = try Self.report(Self.evaluate(folder, ["--labels", folder.file("labels.json")]))
    #expect(report.structures.map(\.key) == ["1", "1+2"])
    #expect(
      report.cases[0].problems.contains(
        "labels 3 of the prediction belong to no structure and count as background"
      )
    )
  }

  @Test func emptyFoldersMissingPathsAndOtherGridsHaveTheirStatus() throws {
    let folder = try Self.cohort()
    try FileManager.default.createDirectory(
      atPath: folder.file("empty"),
      withIntermediateDirectories: true
    )
    #expect(try Self.evaluate(folder, prediction: "empty").status == 66)
    #expect(try Self.evaluate(folder, prediction: "nosuch").status == 66)
    #expect(try Self.evaluate(folder, ["--compare", folder.file("nosuch")]).status == 66)
    try Samples.writeLabels([1], to: folder.file("a.nii"), size: [6, 5, 5])
    let other = try Program.run("evaluate", folder.file("a.nii"), folder.file("r/case_1.nii.gz"))
    #expect(other.status == 65 && other.errorLines.count == 1)
    let missing = try Program.run("evaluate", folder.file("a.nii"), folder.file("nosuch.nii"))
    #expect(missing.status == 66)
    let lonely = try Program.run("evaluate", folder.file("a.nii"), folder.file("r"))
    #expect(lonely.status == 66)
  }

  @Test(arguments: [
    ["--jobs", "0"], ["--minimum-group-size", "0"], ["--interval", "nosuch"],
    ["--output", "x.json", "--output", "x.json"], ["--report", "x.pdf"],
    ["--output", "x.txt"],
  ])
  func wrongOptionsAreUsage(options: [String]) throws {
    let result = try Program.start(["evaluate", "a.nii", "b.nii"] + options).wait()
    #expect(result.status == 64 && result.errorLines.count == 1)
  }
}
