import Synchronization

/// What the iterations of a parallel loop find, in their order.
final class PlaneResults<Value: Sendable>: Sendable {
  private let stored: Mutex<[Value?]>

  /// Makes room.
  /// - Parameter count: The number of iterations.
  init(count: Int) { stored = Mutex([Value?](repeating: nil, count: count)) }

  /// Keeps what an iteration found.
  func set(_ index: Int, _ value: Value) { stored.withLock { $0[index] = value } }

  /// What was found, in the order of the iterations.
  var values: [Value] { stored.withLock { $0.compactMap { $0 } } }
}
