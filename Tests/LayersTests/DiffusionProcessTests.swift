import Foundation
import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite struct DiffusionProcessTests {
  private static let close = Tolerance(absolute: 2e-5, relative: 2e-5)

  private func normal(_ seed: UInt64, _ shape: [Int] = [3, 2, 2]) -> Tensor {
    var random = RandomStream(seed: seed)
    return Tensor((0..<shape.reduce(1, *)).map { _ in Float(random.normal()) }, shape: shape)
  }

  @Test(arguments: DiffusionProcess.Prediction.allCases)
  func whatIsFoundTellsImageAndNoise(_ prediction: DiffusionProcess.Prediction) throws {
    let process = DiffusionProcess(
      NoiseSchedule(.cosine(offset: 0.008), steps: 20),
      prediction: prediction
    )
    let (clean, noise) = (normal(1), normal(2))
    for step in [0, 9, 17] {
      let lesson = process.lesson(clean, noise: noise, at: [step, step, step])
      let parts = process.parts(lesson.noisy, found: lesson.wanted, at: step)
      expectClose(parts.clean, clean, Self.close)
      expectClose(parts.noise, noise, Self.close)
    }
    let data = try JSONEncoder().encode(process)
    #expect(try JSONDecoder().decode(DiffusionProcess.self, from: data) == process)
  }

  @Test func aVelocityIsATurnOfImageAndNoise() {
    // One step that keeps a quarter of the variance: √ᾱ = 1/2, √(1 − ᾱ) = √3/2.
    let process = DiffusionProcess(NoiseSchedule(.linear(first: 0.75, last: 0.75), steps: 1))
    let lesson = process.lesson(
      Tensor([2], shape: [1, 1]),
      noise: Tensor([4], shape: [1, 1]),
      at: [0]
    )
    let half = 0.75.squareRoot()
    expectClose([Double(lesson.noisy.scalar)], [1 + 4 * half], Self.close)
    expectClose([Double(lesson.wanted.scalar)], [2 - 2 * half], Self.close)
  }

  @Test(arguments: DiffusionProcess.Prediction.allCases, [1, 4, 20])
  func aPerfectNetworkFindsTheImage(_ prediction: DiffusionProcess.Prediction, _ count: Int) {
    let schedule = NoiseSchedule(.linear(first: 1e-3, last: 0.2), steps: 20)
    let process = DiffusionProcess(schedule, prediction: prediction)
    let clean = normal(1)
    var seen: [Int] = []
    let found = process.images(from: normal(2), count: count) { noisy, step in
      seen.append(step)
      // The noise that leads from the image to where the way back has come.
      let kept = schedule.keptVariances[step]
      let noise =
        (noisy - clean * Float(kept.squareRoot())) * Float(1 / (1 - kept).squareRoot())
      return process.lesson(clean, noise: noise, at: [step, step, step]).wanted
    }
    #expect(seen == schedule.spacedSteps(count))
    // The last leaps divide by a spread of 0.03, which magnifies rounding.
    expectClose(found, clean, Tolerance(absolute: 2e-4, relative: 2e-4))
  }

  @Test func wherePerfectFindingsLeadIsTheWayThatNoiseTook() {
    let schedule = NoiseSchedule(.cosine(offset: 0.008), steps: 30)
    let process = DiffusionProcess(schedule)
    let (clean, noise) = (normal(1), normal(2))
    let last = 28
    _ = process.images(
      from: schedule.noised(clean, with: noise, at: [29, 29, 29]),
      count: 30
    ) { noisy, step in
      if step == last {
        expectClose(noisy, schedule.noised(clean, with: noise, at: [28, 28, 28]), Self.close)
      }
      return process.lesson(clean, noise: noise, at: [step, step, step]).wanted
    }
  }

  @Test func drawsAreUniformStepsAndStandardNoise() {
    let process = DiffusionProcess(NoiseSchedule(steps: 4))
    var random = RandomStream(seed: 3)
    let (steps, noise) = process.draw([400, 1, 5, 5], random: &random)
    #expect(Set(steps) == [0, 1, 2, 3])
    for step in 0..<4 { #expect(abs(steps.count { $0 == step } - 100) < 40) }
    #expect(abs(noise.mean.scalar) < 0.05)
    #expect(abs(noise.variance().scalar - 1) < 0.05)
  }
}
