import Foundation
import Recognition
import Support
import Testing

struct TemperatureScalingTests {
  @Test func theTemperatureThatMadeTheLabelsIsFound() {
    // Labels drawn from softmax(s / 2.5): dividing by 2.5 makes the probabilities come true.
    var random = RandomStream(seed: 5)
    var scores: [[Float]] = []
    var classes: [[Int]] = []
    for _ in 0..<4000 {
      let row = (0..<3).map { _ in Float(4 * random.normal()) }
      let powers = row.map { exp(Double($0) / 2.5) }
      var draw = random.uniform() * powers.reduce(0, +)
      var label = 0
      while label < 2, draw >= powers[label] {
        draw -= powers[label]
        label += 1
      }
      scores.append(row)
      classes.append([label])
    }
    let found = TemperatureScaling.temperature(scores: scores, classes: classes, areFindings: false)
    // The estimate's standard error is about 0.06 with 4000 draws.
    #expect(abs(found - 2.5) < 0.2, "\(found)")
    #expect(TemperatureScaling.temperature(scores: [], classes: [], areFindings: false) == 1)
  }

  @Test func findingsHaveOneTemperatureToo() {
    var random = RandomStream(seed: 6)
    var (scores, classes): ([[Float]], [[Int]]) = ([], [])
    for _ in 0..<4000 {
      let row = (0..<2).map { _ in Float(3 * random.normal()) }
      scores.append(row)
      classes.append(
        (0..<2).filter { random.uniform() < 1 / (1 + exp(-Double(row[$0]) / 0.5)) }
      )
    }
    let found = TemperatureScaling.temperature(scores: scores, classes: classes, areFindings: true)
    #expect(abs(found - 0.5) < 0.08, "\(found)")
  }

  @Test func conformalSetsHoldTheTrueClassAsOftenAsPromised() {
    // Worked by hand: of 9 calibration images ⌊10 · 0.2⌋ = 2 may be missed.
    let probabilities = [0.9, 0.1, 0.8, 0.7, 0.3, 0.6, 0.5, 0.95, 0.4]
    #expect(ConformalSets.leastProbability(probabilities, coverage: 0.8) == 0.3)
    #expect(ConformalSets.leastProbability([0.5], coverage: 0.9) == 0)
    var random = RandomStream(seed: 7)
    let draws = (0..<20_000).map { _ in random.uniform() }
    let threshold = ConformalSets.leastProbability(Array(draws.prefix(10_000)), coverage: 0.9)
    let covered = draws.suffix(10_000).count { $0 >= threshold }
    #expect(abs(Double(covered) / 10_000 - 0.9) < 0.015)
  }

  @Test func exactIntervalsAreClopperAndPearsons() throws {
    // Published values of the exact interval for 0, 5 and 10 of 10.
    let none = try #require(ShareWithInterval(0, of: 10))
    #expect(none.ci95[0] == 0 && abs(none.ci95[1] - 0.3085) < 1e-4)
    let half = try #require(ShareWithInterval(5, of: 10))
    #expect(abs(half.ci95[0] - 0.1871) < 1e-4 && abs(half.ci95[1] - 0.8129) < 1e-4)
    let all = try #require(ShareWithInterval(10, of: 10))
    #expect(abs(all.ci95[0] - 0.6915) < 1e-4 && all.ci95[1] == 1)
    #expect(ShareWithInterval(1, of: 0) == nil)
  }
}
