import Networks
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

@Suite struct PatchScorerTests {
  private static let shape = [3, 24, 16]

  /// Deep and wide enough that batches of several sizes would be planned with different kernels.
  private static func network() throws -> PlannedNetwork {
    var random = RandomStream(seed: 11)
    let configuration = NetworkConfiguration.unet(
      UNetConfiguration(inputChannels: 3, outputChannels: 3, features: [16, 32, 64])
    )
    return try PlannedNetwork(try configuration.makeNetwork(random: &random))
  }

  private static func patches(_ count: Int) -> [[Float]] {
    (0..<count).map { index in
      var random = RandomStream(seed: UInt64(100 + index))
      return (0..<shape.reduce(1, *)).map { _ in Float(random.normal()) }
    }
  }

  @Test func scoresDoNotDependOnNeighboursInTheBatch() throws {
    let scorer = PatchScorer(try Self.network(), mirrorAxes: [0, 1])
    let patches = Self.patches(7)
    let alone = patches.map { scorer.scores(of: $0, shape: Self.shape) }
    #expect(alone[0].count == 3 * 24 * 16)
    #expect(Set(alone.map { $0[5] }).count == 7)
    let together = scorer.scores(of: patches.flatMap { $0 }, shape: Self.shape)
    #expect(together == alone.flatMap { $0 })
    let backwards = scorer.scores(of: patches.reversed().flatMap { $0 }, shape: Self.shape)
    #expect(backwards == alone.reversed().flatMap { $0 })
  }

  @Test func scoresDoNotDependOnTheThreadCount() throws {
    let patches = Self.patches(5).flatMap { $0 }
    let results = try [1, 2, 5].map { threads in
      // A plan made for each number of threads, which divides its work by it.
      try Parallelism.$threadCount.withValue(threads) {
        PatchScorer(try Self.network()).scores(of: patches, shape: Self.shape)
      }
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }

  @Test func anyNumberOfPatchesNeedsOnePlan() throws {
    let network = try Self.network()
    let scorer = PatchScorer(network)
    for count in [1, 3, 4, 5, 9] {
      _ = scorer.scores(of: Self.patches(count).flatMap { $0 }, shape: Self.shape)
    }
    #expect(network.plannedShapes == [[PatchScorer.defaultBatchSize] + Self.shape])
    #expect(scorer.scores(of: [], shape: Self.shape).isEmpty)
  }
}
