import Foundation
import Support
import Testing

struct RandomStreamTests {
  @Test func theSameSeedGivesTheSameNumbers() {
    var a = RandomStream(seed: 42)
    var b = RandomStream(seed: 42)
    var c = RandomStream(seed: 43)
    let first = (0..<100).map { _ in a.next() }
    #expect(first == (0..<100).map { _ in b.next() })
    #expect(first != (0..<100).map { _ in c.next() })
  }

  @Test func theNumbersAreThoseOfThePaper() {
    // xoshiro256** seeded by SplitMix64(0): the first value by the definition, step by step.
    // SplitMix64's second output for seed 0 is 0x6e789e6aa1b965f4 (Vigna's reference).
    var stream = RandomStream(seed: 0)
    let second: UInt64 = 0x6E78_9E6A_A1B9_65F4
    let product = second &* 5
    let rotated = (product << 7) | (product >> 57)
    #expect(stream.next() == rotated &* 9)
  }

  @Test func splittingDoesNotAdvanceAndDependsOnEveryKey() {
    let parent = RandomStream(seed: 1)
    var untouched = parent
    var a = parent.split(1, 2)
    var same = parent.split(1, 2)
    var swapped = parent.split(2, 1)
    var shorter = parent.split(1)
    var reference = RandomStream(seed: 1)
    #expect(untouched.next() == reference.next())
    let first = a.next()
    #expect(first == same.next())
    #expect(first != swapped.next())
    #expect(first != shorter.next())
  }

  @Test func manySplitsDiffer() {
    let parent = RandomStream(seed: 9)
    var seen = Set<UInt64>()
    for key in 0..<10_000 {
      var child = parent.split(key)
      seen.insert(child.next())
    }
    #expect(seen.count == 10_000)
  }

  @Test func uniformAndNormalNumbersHaveTheirMoments() {
    var stream = RandomStream(seed: 5)
    let n = 100_000
    let uniform = (0..<n).map { _ in stream.uniform(in: 2..<6) }
    #expect(uniform.allSatisfy { $0 >= 2 && $0 < 6 })
    // Five standard errors: 4 / sqrt(12 n) is 0.0037.
    #expect(abs(uniform.reduce(0, +) / Double(n) - 4) < 0.019)
    let normal = (0..<n).map { _ in stream.normal() }
    let mean = normal.reduce(0, +) / Double(n)
    let variance = normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
    #expect(abs(mean) < 0.016)
    #expect(abs(variance - 1) < 0.023)
    #expect(normal.allSatisfy { $0.isFinite })
    let hits = (0..<n).count { _ in stream.chance(0.25) }
    #expect(abs(Double(hits) / Double(n) - 0.25) < 0.007)
    let never = stream.chance(0)
    let always = stream.chance(1)
    #expect(!never && always)
  }

  @Test func theStateSurvivesCoding() throws {
    var stream = RandomStream(seed: 8)
    _ = stream.next()
    var copy = try JSONDecoder().decode(RandomStream.self, from: JSONEncoder().encode(stream))
    #expect(copy == stream)
    #expect(copy.next() == stream.next())
  }
}
