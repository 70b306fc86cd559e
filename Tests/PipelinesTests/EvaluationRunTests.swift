import Evaluation
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

struct EvaluationRunTests {
  static let size = SIMD3(6, 4, 2)

  /// A map whose first voxels, by number of voxels, have labels 1 and 2.
  static func write(
    _ counts: [Int],
    to path: String,
    size: SIMD3<Int> = size,
    reorientedTo code: String? = nil
  ) throws {
    try FileManager.default.createDirectory(
      at: URL(fileURLWithPath: path).deletingLastPathComponent(),
      withIntermediateDirectories: true
    )
    let geometry = try ImageGeometry(
      size: size,
      spacing: [1, 2, 3],
      origin: [10, 20, 30],
      direction: .identity
    )
    var labels = [UInt16](repeating: 0, count: geometry.voxelCount)
    var at = 0
    for (index, count) in counts.enumerated() {
      for _ in 0..<count {
        labels[at] = UInt16(index + 1)
        at += 1
      }
    }
    var map = LabelMap(geometry: geometry, labels: labels, table: [])
    if let code { map = map.reoriented(to: try Orientation(code: code)) }
    try NIfTIWriter.write(map, to: path)
  }

  static func run(
    _ folder: TemporaryFolder,
    _ prediction: String = "p",
    cohort: EvaluationCohort = EvaluationCohort(),
    resampling: Bool = false,
    jobs: Int? = nil
  ) throws -> (report: EvaluationReport, failedCount: Int) {
    try EvaluationRun(
      evaluator: try Evaluator(metrics: Metric.parse("dice,hd95")),
      resamplesPrediction: resampling,
      jobs: jobs
    ).evaluate(
      try CasePairing(
        prediction: folder.file(prediction),
        reference: folder.file("r")
      ),
      cohort: cohort,
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  /// Eight cases that differ in how much of label 1 is found, and the same a little worse.
  static func cohort() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for index in 1...8 {
      try write([10, 5], to: folder.file("r/case_\(index).nii.gz"))
      try write([10 - index % 4, 5], to: folder.file("p/case_\(index).nii.gz"))
      try write([9 - index % 4, 5], to: folder.file("other/case_\(index).nii.gz"))
    }
    return folder
  }

  @Test(arguments: [1, 3, 16])
  func theNumberOfJobsDoesNotChangeTheReport(jobs: Int) throws {
    let folder = try Self.cohort()
    let one = try Self.run(folder, jobs: 1)
    let several = try Parallelism.$threadCount.withValue(4) { try Self.run(folder, jobs: jobs) }
    #expect(one.failedCount == 0 && several.report == one.report)
    #expect(one.report.cases.count == 8)
  }

  @Test func damagedCasesAndLonelyOnesLeaveTheOthersAlone() throws {
    let folder = try Self.cohort()
    let path = folder.file("p/case_3.nii.gz")
    let bytes = try #require(FileManager.default.contents(atPath: path))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
    try Self.write([1], to: folder.file("p/case_4.nii.gz"), size: [6, 4, 3])
    try Self.write([1], to: folder.file("p/extra_9_pred.nii.gz"))
    try FileManager.default.removeItem(atPath: folder.file("p/case_5.nii.gz"))
    let (report, failedCount) = try Self.run(folder)
    #expect(failedCount == 4)
    #expect(report.failedCases.map(\.id) == ["case_3", "case_4", "case_5", "extra_9_pred"])
    #expect(report.evaluatedCases.count == 5)
    #expect(report.summary["1"]?["dice"]?.n == 5)
    let pairing = try #require(report.pairing)
    #expect(pairing.exact == 7 && pairing.byRule.isEmpty)
    #expect(pairing.unpaired.map(\.id) == ["case_5", "extra_9_pred"])
    #expect(pairing.unpaired.map(\.side) == [.reference, .prediction])
    #expect(report.failedCases.allSatisfy { $0.problems.count == 1 })
  }

  @Test func namesThatDifferBySuffixesArePairedAndTheRuleIsShown() throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] {
      try Self.write([3], to: folder.file("p/\(name)_pred.nii.gz"))
      try Self.write([3], to: folder.file("r/\(name)_seg.nii"))
    }
    var cohort = EvaluationCohort()
    cohort.subgroups = .init(
      name: "t.csv",
      content: try CohortTable(csv: Data("case,site\na_seg,n\nb,s\nq,s\n".utf8), name: "t.csv")
    )
    let (report, failedCount) = try Self.run(folder, cohort: cohort)
    #expect(failedCount == 0 && report.cases.map(\.id) == ["a", "b"])
    #expect(report.pairing?.byRule.map(\.id) == ["a", "b"])
    #expect(
      report.problems.contains(
        "2 cases paired because the names are equal without _pred, _seg, such as a_pred with a_seg"
      )
    )
    #expect(report.problems.contains("q: in t.csv but not among the evaluated cases"))
    #expect(report.subgroups.first?.groups.map(\.cases) == [["a"], ["b"]])
  }

  @Test func otherPredictionsAreComparedCaseByCase() throws {
    let folder = try Self.cohort()
    try FileManager.default.removeItem(atPath: folder.file("other/case_8.nii.gz"))
    var cohort = EvaluationCohort()
    cohort.others = [
      .init(
        title: "other",
        path: folder.file("other"),
        source: .predictions(
          try CasePairing(prediction: folder.file("other"), reference: folder.file("r"))
        )
      )
    ]
    let (report, failedCount) = try Self.run(folder, cohort: cohort)
    // A case that the other predictions lack is a failure, but not of the first ones.
    #expect(failedCount == 1 && report.failedCases.isEmpty)
    let comparison = try #require(report.comparisons.first)
    #expect(comparison.cases == 7 && comparison.title == "other")
    #expect(comparison.problems.contains { $0.hasPrefix("case_8: ") })
    let dice = try #require(comparison.rows.first { $0.metric == "dice" && $0.structure == "1" })
    #expect(dice.n == 7 && dice.favours == .first && dice.firstBetter == 7)
    // All of one sign: 2 of 2^7; label 2 has no difference and no Wilcoxon test.
    #expect(dice.wilcoxon?.p == 2.0 / 128)
    #expect(comparison.tests == comparison.rows.count { $0.wilcoxon != nil })
  }

  /// An earlier evaluation stands for its predictions; one made otherwise is refused.
  @Test func anEarlierEvaluationIsComparedAsItsPredictionsAre() throws {
    let folder = try Self.cohort()
    func cohort(_ source: EvaluationCohort.Other.Source) -> EvaluationCohort {
      var cohort = EvaluationCohort()
      cohort.others = [.init(title: "other", path: "other.json", source: source)]
      return cohort
    }
    let pairing = try CasePairing(prediction: folder.file("other"), reference: folder.file("r"))
    let wanted = try Self.run(folder, cohort: cohort(.predictions(pairing))).report
    let earlier = try EvaluationReport(json: try Self.run(folder, "other").report.json())
    let found = try Self.run(folder, cohort: cohort(.evaluation(earlier))).report
    #expect(found == wanted)
    #expect(found.comparisons.first?.cases == 8)
    #expect(found.ranking?.others == ["other"])
    #expect((found.ranking?.meanRanks[0] ?? 2) < (found.ranking?.meanRanks[1] ?? 1))
    #expect(try EvaluationReport(json: found.json()) == found)

    let otherwise = try EvaluationRun(
      evaluator: try Evaluator(metrics: Metric.parse("dice"), emptyPolicy: .nnunet)
    ).evaluate(pairing, progress: SilentProgress(), interruption: Interruption()).report
    let error = #expect(throws: EvaluationError.self) {
      try Self.run(folder, cohort: cohort(.evaluation(otherwise)))
    }
    #expect(error?.failure == .damagedInput)
    #expect(error?.description.contains("nnunet, and here lamina") == true)
  }

  /// A case of the others that has no value is ranked last.
  @Test func failedCasesAreRankedLast() throws {
    let folder = try Self.cohort()
    for index in 1...8 {
      // Better than the evaluated ones, but half of them are missing.
      let path = folder.file("other/case_\(index).nii.gz")
      try FileManager.default.removeItem(atPath: path)
      if index % 2 == 0 { try Self.write([10, 5], to: path) }
    }
    try Self.write([1], to: folder.file("p/case_2.nii.gz"), size: [6, 4, 3])
    var cohort = EvaluationCohort()
    cohort.others = [
      .init(
        title: "other",
        path: "other",
        source: .predictions(
          try CasePairing(prediction: folder.file("other"), reference: folder.file("r"))
        )
      )
    ]
    let (report, _) = try Self.run(folder, cohort: cohort)
    let row = try #require(
      report.ranking?.rows.first { $0.metric == "dice" && $0.structure == "1" }
    )
    // Cases 1, 3, 5, 7: the others lack them. 2: the evaluated ones fail. 4 and 8 are equal (all found),
    // and 6 is better in the others.
    #expect(row.n == 8)
    // 4 x 1 + 2 + 2 x 1.5 + 2 against 4 x 2 + 1 + 2 x 1.5 + 1, over 8.
    let wanted: [Double] = [11.0 / 8, 13.0 / 8]
    #expect(row.meanRanks == wanted)
  }

  /// Images whose first half is wrong, and masks of the second, of both, and of one case alone.
  @Test func errorsOfImagesAreThoseWithinTheMask() throws {
    let folder = try TemporaryFolder()
    let geometry = try ImageGeometry(
      size: Self.size,
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    let half = geometry.voxelCount / 2
    for name in ["p/a", "r/a", "p/b", "r/b"] {
      try FileManager.default.createDirectory(
        atPath: folder.file(String(name.prefix(1))),
        withIntermediateDirectories: true
      )
      let values = (0..<geometry.voxelCount).map { index in
        Float(name.hasPrefix("p") && index < half ? 4 : 1)
      }
      try NIfTIWriter.write(
        .float32(Volume(geometry: geometry, voxels: values)),
        to: folder.file(name + ".nii.gz")
      )
    }
    func mask(_ path: String, from first: Int) throws {
      let labels = (0..<geometry.voxelCount).map { UInt16($0 < first ? 0 : 3) }
      try FileManager.default.createDirectory(
        at: URL(fileURLWithPath: folder.file(path)).deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try NIfTIWriter.write(
        LabelMap(geometry: geometry, labels: labels, table: []),
        to: folder.file(path)
      )
    }
    try mask("m/a.nii.gz", from: half)
    try mask("m/b.nii.gz", from: half - 8)
    try mask("one/a.nii.gz", from: half)
    func errors(_ mask: EvaluationCohort.Mask?) throws -> [String: [MetricValue?]] {
      var cohort = EvaluationCohort()
      cohort.mask = mask
      let (report, _) = try EvaluationRun(
        evaluator: try Evaluator(metrics: Metric.parse("mse,ssim2d", from: Metric.image)),
        content: .images(dataRange: 10)
      ).evaluate(
        try CasePairing(prediction: folder.file("p"), reference: folder.file("r")),
        cohort: cohort,
        progress: SilentProgress(),
        interruption: Interruption()
      )
      return Dictionary(
        uniqueKeysWithValues: report.cases.map { item in
          (item.id, item.labels.map { $0.values["mse"] })
        }
      )
    }
    #expect(try errors(nil) == ["a": [.value(4.5)], "b": [.value(4.5)]])
    #expect(
      try errors(.common(path: folder.file("m/a.nii.gz"))) == ["a": [.value(0)], "b": [.value(0)]]
    )
    let masks = try CasePairing(prediction: folder.file("m"), reference: folder.file("r"))
    let share = 9.0 * 8 / Double(half + 8)
    #expect(try errors(.ofCases(masks)) == ["a": [.value(0)], "b": [.value(share)]])
    // A case without a mask fails and the other is evaluated.
    let one = try CasePairing(prediction: folder.file("one"), reference: folder.file("r"))
    #expect(try errors(.ofCases(one)) == ["a": [.value(0)], "b": []])
  }

  @Test func casesAreComparedByTheirReferencesWhateverTheirNames() throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] {
      try Self.write([4], to: folder.file("p/\(name)_pred.nii"))
      try Self.write([3], to: folder.file("other/\(name)_seg.nii"))
      try Self.write([4], to: folder.file("r/\(name)_seg.nii"))
    }
    func other(_ prediction: String, _ reference: String) throws -> EvaluationCohort {
      var cohort = EvaluationCohort()
      let pairing = try CasePairing(
        prediction: folder.file(prediction),
        reference: folder.file(reference)
      )
      cohort.others = [.init(title: "other", path: "other", source: .predictions(pairing))]
      return cohort
    }
    let (report, failedCount) = try Self.run(folder, cohort: try other("other", "r"))
    #expect(failedCount == 0 && report.comparisons.first?.cases == 2)
    // Two single files belong together too.
    let (single, _) = try EvaluationRun(evaluator: try Evaluator()).evaluate(
      try CasePairing(
        prediction: folder.file("p/a_pred.nii"),
        reference: folder.file("r/a_seg.nii")
      ),
      cohort: try other("other/b_seg.nii", "r/a_seg.nii"),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    #expect(single.comparisons.first?.cases == 1)
    #expect(single.comparisons.first?.rows.first?.favours == .first)
  }

  @Test func patientsAreTheUnitAndTheirNamesStayOut() throws {
    let folder = try Self.cohort()
    let rows = (1...8).map { "case_\($0),Doe\($0 / 3)\n" }.joined()
    var cohort = EvaluationCohort()
    cohort.patients = .init(
      name: "t.csv",
      content: try CohortTable(csv: Data(("case,patient\n" + rows).utf8), name: "t.csv")
    )
    let (report, _) = try Self.run(folder, cohort: cohort)
    #expect(report.unit == .patient && report.patients.map(\.count) == [2, 3, 3])
    #expect(report.summary["1"]?["dice"]?.n == 3)
    #expect(!String(decoding: try report.json(), as: UTF8.self).contains("Doe"))
  }

  @Test func voxelsInAnotherOrderAreRefusedOrReorderedWithoutLoss() throws {
    let folder = try TemporaryFolder()
    try Self.write([7, 2], to: folder.file("p/a.nii"), reorientedTo: "SRA")
    try Self.write([7, 2], to: folder.file("r/a.nii"))
    let error = #expect(throws: EvaluationError.self) { try Self.run(folder) }
    #expect(error?.failure == .damagedInput)
    #expect(error?.description.contains("SRA against LPS") == true)
    let (report, _) = try Self.run(folder, resampling: true)
    #expect(report.cases[0].labels.map { $0.values["dice"] } == [.value(1), .value(1)])
    #expect(report.cases[0].problems.contains { $0.contains("reordered from SRA to LPS") })
  }

  @Test func resamplingIsSaid() throws {
    let folder = try TemporaryFolder()
    try Self.write([7], to: folder.file("p/a.nii"), size: [6, 4, 3])
    try Self.write([7], to: folder.file("r/a.nii"))
    let (report, _) = try Self.run(folder, resampling: true)
    #expect(
      report.cases[0].problems.contains { $0.contains("resampled onto the reference's grid") }
    )
  }

  @Test func tablesThatSwapNamesAreRefusedAndOthersAreSaid() throws {
    let folder = try TemporaryFolder()
    for side in ["p/a", "r/a"] {
      try Self.write([3, 2], to: folder.file(side + "/segmentation.nii.gz"))
    }
    func name(_ side: String, _ text: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(side + "/a/labels.json")))
    }
    try name("p", #"{"liver": 1, "spleen": 2}"#)
    try name("r", #"{"spleen": 1, "liver": 2}"#)
    let error = #expect(throws: EvaluationError.self) { try Self.run(folder) }
    #expect(error?.failure == .damagedInput)
    try name("r", #"{"Liver": 1, "milt": 2}"#)
    let (report, _) = try Self.run(folder)
    #expect(
      report.cases[0].problems
        == [#"label 2 is "spleen" in the prediction and "milt" in the reference"#]
    )
  }

  @Test func aRaisedInterruptionStopsTheRun() throws {
    let folder = try Self.cohort()
    let interruption = Interruption()
    interruption.raise()
    #expect(throws: SupportError.interrupted) {
      try EvaluationRun(evaluator: try Evaluator()).evaluate(
        try CasePairing(prediction: folder.file("p"), reference: folder.file("r")),
        progress: SilentProgress(),
        interruption: interruption
      )
    }
  }

  @Test func foldersWithoutCasesOrWithTwoFilesOfOneAreRefused() throws {
    let folder = try TemporaryFolder()
    try Self.write([1], to: folder.file("r/a.nii"))
    try FileManager.default.createDirectory(
      atPath: folder.file("p"),
      withIntermediateDirectories: true
    )
    #expect(throws: PairingError.noCases(folder: folder.file("p"))) { try Self.run(folder) }
    try Self.write([1], to: folder.file("p/a.nii"))
    try Self.write([1], to: folder.file("p/a.nii.gz"))
    #expect(throws: PairingError.ambiguousCase(folder: folder.file("p"), id: "a")) {
      try Self.run(folder)
    }
  }
}
