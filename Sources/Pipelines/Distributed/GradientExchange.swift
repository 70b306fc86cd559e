import Foundation

/// Processes that train one network together, each with samples of its own.
///
/// Every process takes part in every call, in the same order. Numbers that come back are the same in
/// all of them.
package protocol GradientExchange: Sendable {
  /// This process's number from 0.
  var rank: Int { get }
  /// The number of processes.
  var count: Int { get }
  /// Replaces values by their sums over the processes.
  func sum(_ values: UnsafeMutableBufferPointer<Float>) throws
  /// Each value's sum over the processes; after a failure the values, and the next call throws.
  func sums(of values: [Double]) -> [Double]
  /// The bytes that one process gives.
  func broadcast(_ data: Data, from root: Int) throws -> Data
  /// Waits for all processes.
  func wait() throws
}

extension GradientExchange {
  /// Whether this process writes what the run leaves.
  package var isRoot: Bool { rank == 0 }

  /// Whether a flag is up in any process.
  func any(_ flag: Bool) throws -> Bool {
    guard count > 1 else { return flag }
    var values: [Float] = [flag ? 1 : 0]
    try values.withUnsafeMutableBufferPointer { try sum($0) }
    return values[0] > 0
  }

  /// The first process's value, as JSON carries it.
  package func shared<Value: Codable>(_ value: Value) throws -> Value {
    guard count > 1 else { return value }
    let data = try broadcast(isRoot ? JSONEncoder().encode(value) : Data(), from: 0)
    return try JSONDecoder().decode(Value.self, from: data)
  }

  /// Whether the first process's flag is up.
  package func agreed(_ flag: Bool) throws -> Bool { try shared(flag) }

  /// What the first process that has found something found.
  func first(_ finding: String?) throws -> String? {
    guard count > 1 else { return finding }
    var found = [Float](repeating: 0, count: count)
    if finding != nil { found[rank] = 1 }
    try found.withUnsafeMutableBufferPointer { try sum($0) }
    guard let root = found.firstIndex(where: { $0 > 0 }) else { return nil }
    return String(decoding: try broadcast(Data((finding ?? "").utf8), from: root), as: UTF8.self)
  }
}

/// A process that trains alone.
package struct SingleProcess: GradientExchange {
  package var rank: Int { 0 }
  package var count: Int { 1 }

  package init() {}

  package func sum(_ values: UnsafeMutableBufferPointer<Float>) {}
  package func sums(of values: [Double]) -> [Double] { values }
  package func broadcast(_ data: Data, from root: Int) -> Data { data }
  package func wait() {}
}
