import Foundation
import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite struct NoiseScheduleTests {
  private static let schedules = [
    NoiseSchedule(.linear(first: 1e-3, last: 0.2), steps: 20),
    NoiseSchedule(.cosine(offset: 0.008), steps: 20),
  ]
  private static let close = Tolerance(absolute: 2e-6, relative: 2e-6)

  private func normal(_ seed: UInt64, _ shape: [Int] = [3, 2, 2]) -> Tensor {
    var random = RandomStream(seed: seed)
    return Tensor((0..<shape.reduce(1, *)).map { _ in Float(random.normal()) }, shape: shape)
  }

  @Test func aLinearScheduleGrowsEvenly() {
    let schedule = NoiseSchedule(.linear(first: 0.1, last: 0.3), steps: 3)
    expectClose(schedule.betas, [0.1, 0.2, 0.3], Self.close)
    expectClose(schedule.keptVariances, [0.9, 0.9 * 0.8, 0.9 * 0.8 * 0.7], Self.close)
  }

  @Test func aCosineScheduleKeepsASquaredCosine() {
    let schedule = NoiseSchedule(.cosine(offset: 0.008), steps: 50)
    func cosine(_ step: Int) -> Double {
      pow(cos((Double(step) / 50 + 0.008) / 1.008 * .pi / 2), 2)
    }
    // The last step is limited.
    let expected = (1..<50).map { cosine($0) / cosine(0) }
    expectClose(Array(schedule.keptVariances.dropLast()), expected, Self.close)
    #expect(schedule.betas.last == 0.999)
  }

  @Test func ddpmsOwnScheduleEndsInNoise() throws {
    let kept = NoiseSchedule().keptVariances
    #expect(kept.count == 1000)
    // Section 4 of the paper: the signal is all but gone after the last step.
    #expect(try #require(kept.last) < 5e-5)
  }

  @Test(arguments: schedules)
  func theCleanImageComesBackFromItsNoise(_ schedule: NoiseSchedule) {
    let (x, noise) = (normal(1), normal(2))
    let steps = [0, 7, 15]
    let noisy = schedule.noised(x, with: noise, at: steps)
    let kept = schedule.keptVariances
    for (sample, step) in steps.enumerated() {
      let place = 4 * sample + 3
      let expected =
        kept[step].squareRoot() * Double(x.values[place])
        + (1 - kept[step]).squareRoot() * Double(noise.values[place])
      expectClose([Double(noisy.values[place])], [expected], Self.close)
    }
    expectClose(
      schedule.clean(noisy, noise: noise, at: steps),
      x,
      Tolerance(absolute: 1e-5, relative: 1e-5)
    )
    let limited = schedule.clean(noisy, noise: noise, at: steps, range: -0.5...0.5).values
    #expect(limited.allSatisfy { abs($0) <= 0.5 })
  }

  @Test(arguments: schedules)
  func aStepBackIsThatOfThePapersAlgorithm(_ schedule: NoiseSchedule) {
    let (noisy, noise, fresh) = (normal(3), normal(4), normal(5))
    let kept = schedule.keptVariances
    for step in [0, 1, 12] {
      // Algorithm 2: (x − β / √(1 − ᾱ) ε) / √α + σ z.
      let beta = schedule.betas[step]
      let before = step > 0 ? kept[step - 1] : 1
      let spread = step > 0 ? (beta * (1 - before) / (1 - kept[step])).squareRoot() : 0
      let expected = (0..<12).map { place in
        (Double(noisy.values[place])
          - beta / (1 - kept[step]).squareRoot() * Double(noise.values[place]))
          / (1 - beta).squareRoot() + spread * Double(fresh.values[place])
      }
      let found = schedule.stepBack(noisy, noise: noise, from: step, fresh: fresh)
      expectClose(
        found.values.map { Double($0) },
        expected,
        Tolerance(absolute: 1e-5, relative: 1e-5)
      )
    }
  }

  @Test(arguments: schedules)
  func aLeapWithAllChanceOverOneStepIsAStep(_ schedule: NoiseSchedule) {
    let (noisy, noise, fresh) = (normal(3), normal(4), normal(5))
    for (step, target) in [(9, 8), (1, 0)] {
      expectClose(
        schedule.leapBack(
          noisy,
          noise: noise,
          from: step,
          to: target,
          chance: 1,
          fresh: fresh
        ),
        schedule.stepBack(noisy, noise: noise, from: step, fresh: fresh),
        Tolerance(absolute: 1e-5, relative: 1e-5)
      )
    }
  }

  @Test(arguments: schedules)
  func leapsByTheTrueNoiseFollowIt(_ schedule: NoiseSchedule) {
    let (x, noise) = (normal(1), normal(2))
    let at = { (step: Int) in schedule.noised(x, with: noise, at: [step, step, step]) }
    let loose = Tolerance(absolute: 2e-5, relative: 2e-5)
    expectClose(schedule.leapBack(at(14), noise: noise, from: 14, to: 3), at(3), loose)
    expectClose(schedule.leapBack(at(14), noise: noise, from: 14, to: nil), x, loose)
    // Limits that hold everything change nothing.
    expectClose(
      schedule.leapBack(at(14), noise: noise, from: 14, to: 3, range: -9...9),
      at(3),
      loose
    )
  }

  @Test func spacedStepsGoFromTheLastToTheFirst() {
    let schedule = NoiseSchedule(steps: 10)
    #expect(schedule.spacedSteps(1) == [9])
    #expect(schedule.spacedSteps(4) == [9, 6, 3, 0])
    #expect(schedule.spacedSteps(10) == Array((0..<10).reversed()))
    #expect(Set(schedule.spacedSteps(7)).count == 7)
  }

  @Test func schedulesSurviveJSON() throws {
    for schedule in Self.schedules {
      let data = try JSONEncoder().encode(schedule)
      #expect(try JSONDecoder().decode(NoiseSchedule.self, from: data) == schedule)
    }
  }
}
