import Recognition
import Support
import Testing

struct VerificationEvaluationTests {
  @Test func wellSeparatedIdentitiesAreAllFound() throws {
    let vectors: [[Float]] = [[1, 0], [0.96, 0.28], [0, 1], [0.28, 0.96]]
    let result = try #require(VerificationEvaluation(vectors, identities: [1, 1, 2, 2]))
    #expect(result.pairs == [2, 4] && result.identities == 2 && result.images == 4)
    #expect(result.area == 1 && result.equalErrorRate == 0 && result.trueAcceptanceAt1Percent == 1)
    #expect(result.rank1?.value == 1)
    // Same pairs have 0.96, different ones at most 0.5376.
    #expect(result.equalErrorThreshold > 0.54 && result.equalErrorThreshold <= 0.961)
  }

  @Test func vectorsWithoutIdentityAreAtChance() throws {
    var random = RandomStream(seed: 2)
    let vectors = (0..<120).map { _ -> [Float] in
      let row = (0..<8).map { _ in Float(random.normal()) }
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return row.map { $0 / norm }
    }
    let result = try #require(
      VerificationEvaluation(vectors, identities: (0..<120).map { $0 % 6 })
    )
    #expect(abs(result.area - 0.5) < 0.06)
    #expect(VerificationEvaluation([[1, 0]], identities: [1]) == nil)
    #expect(VerificationEvaluation([[1, 0], [0, 1]], identities: [1, 1]) == nil)
  }

  @Test func embeddingsThatAreAllTheSameHaveAFiniteThreshold() throws {
    let vectors = [[Float]](repeating: [0, 0], count: 4)
    let result = try #require(VerificationEvaluation(vectors, identities: [1, 1, 2, 2]))
    #expect(result.area == 0.5 && result.equalErrorThreshold.isFinite)
  }
}
