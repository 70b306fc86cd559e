import Pipelines
import Testing

@Suite struct CaseRankingTests {
  private func entry(_ id: String, _ uncertainty: Double, _ features: [Double]) -> CaseRanking.Entry
  {
    CaseRanking.Entry(id: id, path: id, uncertainty: uncertainty, features: features)
  }

  @Test func theMostUncertainCaseComesFirstAndItsTwinLast() {
    // "b" is as uncertain as "a" nearly, but the same in every feature; "c" is certain and far away.
    let ranked = CaseRanking.ranked(
      [entry("a", 0.9, [0, 5]), entry("b", 0.89, [0, 5]), entry("c", 0.1, [4, 5])],
      count: 3
    )
    #expect(ranked.map(\.id) == ["a", "c", "b"])
    #expect(ranked.map(\.rank) == [1, 2, 3])
    #expect(ranked[0].distance == nil && ranked[2].distance == 0)
    // The feature's values 0, 0, 4 have the deviation √(32/9); the constant one does not count.
    let distance = 4 / (32.0 / 9).squareRoot()
    #expect(abs((ranked[1].distance ?? 0) - distance) < 1e-12)
  }

  @Test func noMoreAreSuggestedThanWanted() {
    let all = [entry("a", 0.1, []), entry("b", 0.3, []), entry("c", 0.2, [])]
    #expect(CaseRanking.ranked(all, count: 1).map(\.id) == ["b"])
    #expect(CaseRanking.ranked(all, count: 9).count == 3)
    #expect(CaseRanking.ranked([], count: 2).isEmpty)
  }

  @Test func entropyCountsOnlyWhereBackgroundIsUncertain() {
    // Two classes, three voxels: certain background, an even chance, certain foreground.
    let values: [Float] = [1, 0.5, 0, 0, 0.5, 1]
    let mean = values.withUnsafeBufferPointer { CaseRanking.meanEntropy($0, classes: 2) }
    #expect(abs(mean - 0.5) < 1e-12)
    let air: [Float] = [1, 1, 0, 0]
    #expect(air.withUnsafeBufferPointer { CaseRanking.meanEntropy($0, classes: 2) } == 0)
  }
}
