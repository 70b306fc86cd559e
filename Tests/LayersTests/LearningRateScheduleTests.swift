import Foundation
import Layers
import TestSupport
import Testing

@Suite("LearningRateSchedule")
struct LearningRateScheduleTests {
  private static let close = Tolerance(absolute: 1e-12, relative: 1e-12)

  private static func rates(_ schedule: LearningRateSchedule, _ steps: [Int]) -> [Double] {
    steps.map { schedule.rate(initial: 0.2, step: $0, total: 4) }
  }

  @Test("poly falls as a power of the remaining share")
  func poly() {
    let expected = [1, 0.75, 0.5, 0.25].map { 0.2 * pow($0, 0.9) } + [0, 0]
    expectClose(Self.rates(.poly(power: 0.9), [0, 1, 2, 3, 4, 9]), expected, Self.close)
    expectClose(
      Self.rates(.poly(power: 1), [0, 1, 2, 3, 4]),
      [0.2, 0.15, 0.1, 0.05, 0],
      Self.close
    )
  }

  @Test("cosine falls along half a wave")
  func cosine() {
    let half = 0.1 * (1 + 0.5.squareRoot())
    expectClose(
      Self.rates(.cosine, [0, 1, 2, 3, 4, 9]),
      [0.2, half, 0.1, 0.2 - half, 0, 0],
      Self.close
    )
  }

  @Test("constant stays")
  func constant() {
    #expect(Self.rates(.constant, [0, 3, 4, 9]) == [0.2, 0.2, 0.2, 0.2])
  }

  @Test("warm-up rises in proportion and ends at the full rate")
  func warmUp() {
    let rates = (0..<5).map {
      LearningRateSchedule.constant.rate(initial: 1, step: $0, total: 10, warmupSteps: 3)
    }
    expectClose(rates, [0.25, 0.5, 0.75, 1, 1], Self.close)
  }

  @Test(
    "schedules survive JSON",
    arguments: [LearningRateSchedule.constant, .poly(power: 0.9), .cosine]
  )
  func json(_ schedule: LearningRateSchedule) throws {
    let data = try JSONEncoder().encode(schedule)
    #expect(try JSONDecoder().decode(LearningRateSchedule.self, from: data) == schedule)
  }
}
