import Foundation
import Layers
import Tensors
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
    arguments: [
      LearningRateSchedule.constant, .poly(power: 0.9), .cosine,
      .cosineWithWarmup(steps: 3, floor: 0.1), .step(every: 2, factor: 0.5),
      .exponential(factor: 0.9),
      .oneCycle(peakShare: 0.3, startDivisor: 25, endDivisor: 1e4),
    ]
  )
  func json(_ schedule: LearningRateSchedule) throws {
    let data = try JSONEncoder().encode(schedule)
    #expect(try JSONDecoder().decode(LearningRateSchedule.self, from: data) == schedule)
  }

  @Test(
    "steps, decay and one cycle equal PyTorch's",
    arguments: [
      ("step", LearningRateSchedule.step(every: 6, factor: 0.3), 20),
      ("exponential", .exponential(factor: 0.9), 20),
      ("oneCycle", .oneCycle(peakShare: 0.3, startDivisor: 25, endDivisor: 1e4), 21),
    ]
  )
  func equalsPyTorch(_ name: String, _ schedule: LearningRateSchedule, _ total: Int) throws {
    let expected = try #require(try OptimizerTests.stored()["rate/" + name]).values
    let rates = expected.indices.map {
      Float(schedule.rate(initial: 0.2, step: $0, total: total))
    }
    // Stored in single precision.
    expectClose(rates, expected, Tolerance(absolute: 1e-8, relative: 1e-6))
  }

  @Test("cosine with warm-up rises to the rate and falls to the floor")
  func cosineWithWarmup() {
    let schedule = LearningRateSchedule.cosineWithWarmup(steps: 3, floor: 0.1)
    let rates = [0, 1, 2, 3, 5, 7, 9].map { schedule.rate(initial: 1, step: $0, total: 7) }
    expectClose(rates, [0.25, 0.5, 0.75, 1, 0.55, 0.1, 0.1], Self.close)
  }

  @Test("the plateau schedule lowers the rate where PyTorch's does, and survives JSON")
  func plateau() throws {
    let stored = try OptimizerTests.stored()
    let measures = try #require(stored["plateau/measures"]).values
    let expected = try #require(stored["plateau/rates"]).values
    var schedule = PlateauSchedule(
      rate: 0.2,
      factor: 0.5,
      patience: 2,
      threshold: 1e-3,
      cooldown: 1,
      minimumRate: 0.02
    )
    var rates: [Float] = []
    for measure in measures {
      schedule.update(Double(measure))
      rates.append(Float(schedule.rate))
      let data = try JSONEncoder().encode(schedule)
      let copy = try JSONDecoder().decode(PlateauSchedule.self, from: data)
      #expect(copy == schedule)
      schedule = copy
    }
    expectClose(rates, expected, Tolerance(absolute: 1e-8, relative: 1e-6))
    #expect(Set(rates).count > 2)
  }
}
