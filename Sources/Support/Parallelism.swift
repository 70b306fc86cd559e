import Dispatch
import Foundation
import Synchronization

/// How many threads a computation may use.
///
/// There is one level of parallelism at a time: a parallel loop never starts another inside.
public enum Parallelism {
  /// The number of threads of parallel loops and of the numeric libraries in the current task.
  @TaskLocal public static var threadCount: Int = ProcessInfo.processInfo.activeProcessorCount

  /// Splits `0..<count` into contiguous ranges and runs them side by side.
  ///
  /// The body must write only to what its range owns; then the result does not depend on the
  /// number of threads.
  /// - Parameters:
  ///   - count: The number of items.
  ///   - minimumChunk: The fewest items worth a thread of their own.
  ///   - body: Called with each range once, on any thread.
  public static func forEachRange(
    _ count: Int,
    minimumChunk: Int = 1,
    _ body: @Sendable (Range<Int>) -> Void
  ) {
    guard count > 0 else { return }
    let chunks = min(threadCount, max(1, count / max(1, minimumChunk)))
    if chunks <= 1 {
      body(0..<count)
      return
    }
    DispatchQueue.concurrentPerform(iterations: chunks) { chunk in
      body((count * chunk / chunks)..<(count * (chunk + 1) / chunks))
    }
  }

  /// Runs the body once for each index of `0..<count`, side by side.
  /// - Parameters:
  ///   - count: The number of items.
  ///   - body: Called with each index once, on any thread.
  public static func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
    forEachRange(count) { range in
      for index in range { body(index) }
    }
  }

  /// Adds the sums of parts up, in an order that no number of threads changes.
  /// - Parameters:
  ///   - count: The number of items.
  ///   - part: The sum over a range of them, of 65536 but for the last.
  /// - Returns: The sum over all; 0 for none.
  package static func sum(_ count: Int, _ part: @Sendable (Range<Int>) -> Double) -> Double {
    let length = 1 << 16
    let pieces = (count + length - 1) / length
    var sums = [Double](repeating: 0, count: pieces)
    sums.withUnsafeMutableBufferPointer { room in
      guard let base = room.baseAddress else { return }
      let memory = SharedPointer(base)
      forEach(pieces) { piece in
        memory.pointer[piece] = part(piece * length..<min(count, (piece + 1) * length))
      }
    }
    return sums.reduce(0, +)
  }

  /// Does two things side by side.
  /// - Parameters:
  ///   - first: One, on another thread where there are several.
  ///   - second: The other.
  /// - Returns: Their results.
  public static func both<First: Sendable, Second: Sendable>(
    _ first: @Sendable () -> First,
    _ second: @Sendable () -> Second
  ) -> (First, Second) {
    let results = Mutex<(First?, Second?)>((nil, nil))
    forEach(2) { index in
      if index == 0 {
        let result = first()
        results.withLock { $0.0 = result }
      } else {
        let result = second()
        results.withLock { $0.1 = result }
      }
    }
    return results.withLock { results in
      guard let first = results.0, let second = results.1 else {
        preconditionFailure("a loop that left out an index")
      }
      return (first, second)
    }
  }

  /// Values made side by side, in order.
  /// - Parameters:
  ///   - count: How many.
  ///   - body: Makes the value of an index, on any thread.
  /// - Returns: The values.
  package static func collected<Value: Sendable>(
    _ count: Int,
    _ body: @Sendable (Int) -> Value
  ) -> [Value] {
    var slots = [Value?](repeating: nil, count: count)
    slots.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let buffer = buffer
      forEach(count) { buffer[$0] = body($0) }
    }
    return slots.compactMap(\.self)
  }
}
