import COneDNN
import Support

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
      let job = Job(count: count, chunks: chunks, body: body)
      withExtendedLifetime(job) {
        codn_parallel(
          Int32(chunks),
          Int32(chunks),
          Unmanaged.passUnretained(job).toOpaque()
        ) { argument, chunk in
          guard let argument else { return }
          Unmanaged<Job>.fromOpaque(argument).takeUnretainedValue().run(Int(chunk))
        }
      }
    }
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

    func run(_ chunk: Int) {
      body((count * chunk / chunks)..<(count * (chunk + 1) / chunks))
    }
  }
}
