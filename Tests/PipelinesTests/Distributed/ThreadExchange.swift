import Foundation
import Pipelines

/// Processes that are played by threads of the test.
final class ThreadMeeting: @unchecked Sendable {
  // Everything below is touched with the condition locked.
  private let condition = NSCondition()
  private let count: Int
  private var parts: [Int: Data] = [:]
  private var gathered: [Data] = []
  private var leaving = 0
  private var round = 0

  init(count: Int) { self.count = count }

  /// The data of all threads, in the order of their ranks.
  func gather(_ data: Data, rank: Int) -> [Data] {
    condition.lock()
    defer { condition.unlock() }
    while leaving > 0 { condition.wait() }
    parts[rank] = data
    if parts.count == count {
      gathered = (0..<count).compactMap { parts[$0] }
      parts = [:]
      leaving = count
      round += 1
      condition.broadcast()
    } else {
      let own = round
      while round == own { condition.wait() }
    }
    leaving -= 1
    if leaving == 0 { condition.broadcast() }
    return gathered
  }

  /// Runs a body for each rank, side by side, and gives what they return in the order of the ranks.
  func run<Value: Sendable>(
    _ body: @escaping @Sendable (ThreadExchange) throws -> Value
  ) throws -> [Value] {
    let results = Results<Value>()
    let finished = DispatchGroup()
    for rank in 0..<count {
      finished.enter()
      let exchange = ThreadExchange(meeting: self, rank: rank, count: count)
      let thread = Thread {
        results.set(Result { try body(exchange) }, rank: rank)
        finished.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    finished.wait()
    return try (0..<count).compactMap { try results.get($0) }
  }

  private final class Results<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Int: Result<Value, any Error>] = [:]

    func set(_ value: Result<Value, any Error>, rank: Int) {
      lock.withLock { values[rank] = value }
    }

    func get(_ rank: Int) throws -> Value? { try lock.withLock { try values[rank]?.get() } }
  }
}

/// One of the processes.
struct ThreadExchange: GradientExchange {
  let meeting: ThreadMeeting
  let rank: Int
  let count: Int

  func sum(_ values: UnsafeMutableBufferPointer<Float>) {
    let parts = meeting.gather(Data(buffer: UnsafeBufferPointer(values)), rank: rank)
    for index in values.indices { values[index] = 0 }
    for part in parts {
      part.withUnsafeBytes { bytes in
        for (index, value) in bytes.bindMemory(to: Float.self).enumerated() {
          values[index] += value
        }
      }
    }
  }

  func sums(of values: [Double]) -> [Double] {
    let parts = meeting.gather(values.withUnsafeBufferPointer { Data(buffer: $0) }, rank: rank)
    var result = [Double](repeating: 0, count: values.count)
    for part in parts {
      part.withUnsafeBytes { bytes in
        for (index, value) in bytes.bindMemory(to: Double.self).enumerated() {
          result[index] += value
        }
      }
    }
    return result
  }

  func broadcast(_ data: Data, from root: Int) -> Data { meeting.gather(data, rank: rank)[root] }

  func wait() { _ = meeting.gather(Data(), rank: rank) }
}
