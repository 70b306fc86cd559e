import Support
import Synchronization
import Testing

struct ParallelismTests {
  @Test(arguments: [0, 1, 2, 7, 1000], [1, 2, 3, 16])
  func everyIndexIsVisitedOnce(count: Int, threads: Int) {
    let visits = Mutex([Int](repeating: 0, count: count))
    Parallelism.$threadCount.withValue(threads) {
      Parallelism.forEach(count) { index in visits.withLock { $0[index] += 1 } }
    }
    #expect(visits.withLock { $0 } == [Int](repeating: 1, count: count))
  }

  @Test func rangesAreContiguousAndNoMoreThanTheThreads() {
    let ranges = Mutex<[Range<Int>]>([])
    Parallelism.$threadCount.withValue(4) {
      Parallelism.forEachRange(10) { range in ranges.withLock { $0.append(range) } }
    }
    let sorted = ranges.withLock { $0 }.sorted { $0.lowerBound < $1.lowerBound }
    #expect(sorted.count == 4)
    #expect(sorted.first?.lowerBound == 0)
    #expect(sorted.last?.upperBound == 10)
    for (a, b) in zip(sorted, sorted.dropFirst()) { #expect(a.upperBound == b.lowerBound) }
  }

  @Test func smallWorkStaysInOnePiece() {
    let ranges = Mutex<[Range<Int>]>([])
    Parallelism.$threadCount.withValue(8) {
      Parallelism.forEachRange(99, minimumChunk: 100) { range in
        ranges.withLock { $0.append(range) }
      }
    }
    #expect(ranges.withLock { $0 } == [0..<99])
  }
}
