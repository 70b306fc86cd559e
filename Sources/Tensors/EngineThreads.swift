import COneDNN
import Support
import Synchronization

/// Parallel loops of the engine, on the threads that oneDNN uses too.
///
/// One pool serves the primitives and our own loops; with two pools the idle threads of one, which
/// spin for a while, would take processors from the other.
package enum EngineThreads {
  /// Values below which a second thread costs more than it saves.
  private static let worthwhileCost = 16_384

  /// Splits `0..<count` into contiguous ranges and runs them side by side.
  ///
  /// The body writes only what its range owns, so that results do not depend on the thread count.
  package static func forEachRange(
    _ count: Int,
    itemCost: Int = 1,
    _ body: @Sendable (Range<Int>) -> Void
  ) {
    guard count > 0 else { return }
    let worthwhile = max(1, count * max(1, itemCost) / worthwhileCost)
    let chunks = min(count, Parallelism.threadCount, worthwhile)
    if chunks == 1 {
      body(0..<count)
      return
    }
    withoutActuallyEscaping(body) { body in
      Job(count: count, chunks: chunks, body: body).runAll()
    }
  }

  /// Runs the body once for each unit, side by side; whoever is free takes the next unit.
  ///
  /// The body writes only what its unit owns, and to memory of its worker. Workers are numbered from 0
  /// and are at most as many as threads.
  package static func forEachUnit(
    _ count: Int,
    _ body: @Sendable (_ worker: Int, _ unit: Int) -> Void
  ) {
    let workers = min(count, Parallelism.threadCount)
    guard workers > 1 else {
      for unit in 0..<max(0, count) { body(0, unit) }
      return
    }
    let next = Counter()
    withoutActuallyEscaping(body) { body in
      let job = Job(count: workers, chunks: workers) { range in
        for worker in range {
          while true {
            let unit = next.value.wrappingAdd(1, ordering: .relaxed).oldValue
            guard unit < count else { break }
            body(worker, unit)
          }
        }
      }
      job.runAll()
    }
  }

  private final class Counter: Sendable {
    let value = Atomic(0)
  }

  private final class Job: Sendable {
    let count: Int
    let chunks: Int
    let body: @Sendable (Range<Int>) -> Void

    init(count: Int, chunks: Int, body: @escaping @Sendable (Range<Int>) -> Void) {
      self.count = count
      self.chunks = chunks
      self.body = body
    }

    /// Runs every chunk on a thread of its own.
    func runAll() {
      withExtendedLifetime(self) {
        codn_parallel(
          Int32(chunks),
          Int32(chunks),
          Unmanaged.passUnretained(self).toOpaque()
        ) { argument, chunk in
          guard let argument else { return }
          Unmanaged<Job>.fromOpaque(argument).takeUnretainedValue().run(Int(chunk))
        }
      }
    }

    func run(_ chunk: Int) {
      body((count * chunk / chunks)..<(count * (chunk + 1) / chunks))
    }
  }
}
