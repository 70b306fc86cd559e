import Foundation
import LaminaBench
import Support
import Testing

@Suite("Statistics of measurements")
struct BenchStatisticsTests {
  @Test("the median is the middle value, or the mean of two")
  func median() {
    #expect(BenchStatistics.median([7]) == 7)
    #expect(BenchStatistics.median([9, 1, 4]) == 4)
    #expect(BenchStatistics.median([9, 1, 4, 2]) == 3)
  }

  @Test("numbers are rounded to decimals or to digits")
  func rounding() {
    #expect(BenchStatistics.rounded(12.345, decimals: 1) == 12.3)
    #expect(BenchStatistics.rounded(-0.05, decimals: 0) == 0)
    #expect(BenchStatistics.rounded(1.2345e-6, digits: 2) == 1.2e-6)
    #expect(BenchStatistics.rounded(0, digits: 2) == 0)
  }

  @Test("the error is the largest difference over the largest expected value")
  func relativeError() {
    #expect(BenchStatistics.relativeError([1, 2, -4.5], expected: [1, 2.25, -4]) == 0.125)
    #expect(BenchStatistics.relativeError([0, 0], expected: [0, 0]) == 0)
    #expect(BenchStatistics.relativeError([1], expected: [0]) == nil)
    #expect(BenchStatistics.relativeError([1, .nan, 2], expected: [1, 2, 2]) == nil)
    #expect(BenchStatistics.relativeError([1, .infinity], expected: [1, 2]) == nil)
  }

  @Test("the first call counts for the first result, the second warms up, at least three are timed")
  func stopwatch() {
    var watch = Stopwatch()
    watch.seconds = 0
    var calls = 0
    let timing = watch.measure { () -> Int in
      calls += 1
      return calls
    }
    #expect(calls == 5)
    #expect(timing.output == 1)
    #expect(timing.seconds.count == 3)
    #expect(timing.seconds.allSatisfy { $0 >= 0 })
  }

  @Test("no more calls than the most are timed")
  func most() {
    var watch = Stopwatch()
    watch.most = 4
    #expect(watch.measure {}.seconds.count == 4)
  }

  @Test("the process has an age and uses memory", .enabled(if: isLinux))
  func process() {
    #expect((0.001...86_400).contains(ProcessFacts.secondsSinceStart))
    #expect((1...1_000_000).contains(ProcessFacts.peakMemoryMiB))
  }

  private static var isLinux: Bool { FileManager.default.fileExists(atPath: "/proc/self/stat") }
}
