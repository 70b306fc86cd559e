import Autoencoders
import Support
import Testing

@Suite struct ClassicalFillingTests {
  private func largestError(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).map { abs($0 - $1) }.max() ?? 0
  }

  @Test func harmonicContinuesALine() {
    let filled = ClassicalFilling.harmonic.filled(
      [0, 9, 9, 3],
      hidden: [false, true, true, false],
      width: 4
    )
    #expect(largestError(filled, [0, 1, 2, 3]) < 1e-6)
  }

  @Test(arguments: ClassicalFilling.allCases)
  func aConstantStaysOne(way: ClassicalFilling) {
    // A hole in the corner, about which little is known.
    let hidden = (0..<36).map { $0 % 6 < 4 && $0 / 6 < 5 }
    let filled = way.filled(
      hidden.map { $0 ? .nan : 7 },
      hidden: hidden,
      width: 6
    )
    #expect(largestError(filled, [Float](repeating: 7, count: 36)) < 1e-4)
  }

  @Test func biharmonicContinuesSlopesAndHarmonicDoesNot() {
    // x² is biharmonic and not harmonic.
    let truth = (0..<121).map { Float(($0 % 11) * ($0 % 11)) }
    let hidden = (0..<121).map { (4...6).contains($0 % 11) && (4...6).contains($0 / 11) }
    func error(_ way: ClassicalFilling) -> Float {
      largestError(way.filled(truth, hidden: hidden, width: 11), truth)
    }
    #expect(error(.biharmonic) < 1e-3)
    #expect(error(.harmonic) > 0.5)
  }

  @Test func distancesCount() {
    // Rows are ten times as far apart as columns: the neighbours along the row decide.
    let plane: [Float] = [100, 100, 100, 0, 50, 0, 100, 100, 100]
    let hidden = (0..<9).map { $0 == 4 }
    let filled = ClassicalFilling.harmonic.filled(
      plane,
      hidden: hidden,
      width: 3,
      spacing: [1, 10]
    )
    // (2 · 0 + 2 · 0.01 · 100) / 2.02
    #expect(abs(filled[4] - 2 / 2.02) < 1e-5)
  }

  @Test(arguments: HolePattern.Shape.allCases)
  func holesHideTheShareToThePixelAndFollowTheSeed(shape: HolePattern.Shape) {
    func hidden(_ seed: UInt64, _ share: Double) -> [Bool] {
      var random = RandomStream(seed: seed)
      return HolePattern(shape, share: share).hidden(height: 20, width: 30, &random)
    }
    let first = hidden(1, 0.25)
    #expect(first.count { $0 } == 150)
    #expect(first == hidden(1, 0.25))
    #expect(first != hidden(2, 0.25))
    #expect(hidden(1, 0.9999).count { $0 } == 599)
    #expect(hidden(1, 0.0001).count { $0 } == 1)
    var random = RandomStream(seed: 1)
    #expect(HolePattern(shape, share: 0.5).hidden(height: 1, width: 2, &random).count { $0 } == 1)
  }
}
