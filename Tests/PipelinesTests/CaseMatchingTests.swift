import Pipelines
import Testing

struct CaseMatchingTests {
  static func pairs(_ matching: CaseMatching) -> [String] {
    matching.matches.map { "\($0.id): \($0.prediction) + \($0.reference)" }
  }

  @Test func equalNamesComeFirst() {
    let matching = CaseMatching(predictions: ["a", "b_pred", "b"], references: ["b", "a", "c"])
    #expect(Self.pairs(matching) == ["a: a + a", "b: b + b"])
    #expect(matching.matches.allSatisfy { $0.rule == nil })
    #expect(matching.unmatchedPredictions.map(\.name) == ["b_pred"])
    #expect(matching.unmatchedReferences.map(\.name) == ["c"])
  }

  @Test func wordsOfPredictionsAndReferencesAreLeftOut() {
    let matching = CaseMatching(
      predictions: ["liver_001_pred", "Mask-liver_002", "liver_003_0000"],
      references: ["liver_001_seg", "LIVER_002.gt", "liver_003"]
    )
    #expect(
      Self.pairs(matching) == [
        "LIVER_002: Mask-liver_002 + LIVER_002.gt", "liver_001: liver_001_pred + liver_001_seg",
        "liver_003: liver_003_0000 + liver_003",
      ]
    )
    #expect(
      matching.matches.map(\.rule) == [
        "the names are equal without Mask-, .gt", "the names are equal without _pred, _seg",
        "the names are equal without _0000",
      ]
    )
    #expect(matching.unmatchedPredictions.isEmpty && matching.unmatchedReferences.isEmpty)
  }

  @Test func otherChannelsAndWordsInTheMiddleStay() {
    let matching = CaseMatching(
      predictions: ["a_0001", "seg", "a_mask_left"],
      references: ["a", "pred", "a_left"]
    )
    #expect(matching.matches.isEmpty)
  }

  @Test func ambiguousNamesStayWithoutAPartnerAndSayWhy() {
    let matching = CaseMatching(
      predictions: ["a_pred", "a_seg", "b_pred"],
      references: ["a_gt", "b_gt"]
    )
    #expect(Self.pairs(matching) == ["b: b_pred + b_gt"])
    #expect(matching.unmatchedPredictions.map(\.name) == ["a_pred", "a_seg"])
    for (_, reason) in matching.unmatchedPredictions + matching.unmatchedReferences {
      #expect(reason == "several names mean the case a (a_gt, a_pred, a_seg)")
    }
  }

  @Test func numbersPairNamesOfOnePatternOnEachSide() {
    let matching = CaseMatching(
      predictions: ["case_7", "case_10", "case_12"],
      references: ["scan-007", "scan-010", "scan-011"]
    )
    #expect(
      Self.pairs(matching) == ["scan-007: case_7 + scan-007", "scan-010: case_10 + scan-010"]
    )
    #expect(matching.matches[0].rule == "the numbers of case_# and scan-# are equal")
    #expect(matching.unmatchedPredictions.map(\.name) == ["case_12"])
    #expect(matching.unmatchedReferences.map(\.name) == ["scan-011"])
  }

  @Test(arguments: [
    (["case_7", "other_8"], ["scan-007", "scan-008"]),
    (["case_7", "case_07"], ["scan-007", "scan-008"]),
    (["case_7"], ["scan-1-7"]), (["case"], ["scan"]),
  ])
  func numbersOfSeveralPatternsOrTwiceOnASideAreNoProof(_ names: ([String], [String])) {
    let matching = CaseMatching(predictions: names.0, references: names.1)
    #expect(matching.matches.isEmpty)
    #expect(matching.unmatchedPredictions.count == names.0.count)
  }

  @Test func numbersAreLeftAloneWhereTheyMayNotBeUsed() {
    let matching = CaseMatching(
      predictions: ["case_7"],
      references: ["scan-007"],
      usesNumbers: false
    )
    #expect(matching.matches.isEmpty)
  }

  @Test func nothingIsDropped() {
    let predictions = ["a", "b_pred", "c_pred", "c_seg", "d1", "x"]
    let references = ["a", "b", "c", "e1", "y", "z"]
    let matching = CaseMatching(predictions: predictions, references: references)
    let found = matching.matches
    #expect(
      (found.map(\.prediction) + matching.unmatchedPredictions.map(\.name)).sorted()
        == predictions
    )
    #expect(
      (found.map(\.reference) + matching.unmatchedReferences.map(\.name)).sorted() == references
    )
  }
}
