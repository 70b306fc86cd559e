import Pipelines
import Support
import Testing

@Suite struct ForegroundShareTests {
  @Test(arguments: [
    (2, [false, true]), (3, [false, false, true]), (4, [false, false, false, true]),
  ])
  func lastSamplesOfABatchAreForced(size: Int, expected: [Bool]) {
    var random = RandomStream(seed: 1)
    let share = ForegroundShare(0.33, batchSize: size)
    #expect((0..<size).map { share.isForced($0, &random) } == expected)
  }

  @Test func batchesOfOneAreForcedByChance() {
    var random = RandomStream(seed: 1)
    let share = ForegroundShare(0.33, batchSize: 1)
    let count = (0..<3000).count { _ in share.isForced(0, &random) }
    #expect((900...1080).contains(count))
  }
}
