import Synchronization

/// Names a value whose gradient is wanted; compared by identity.
public final class GradientKey: Sendable, Hashable {
  /// Creates a key that equals only itself.
  public init() {}

  /// Whether both are the same key.
  public static func == (left: GradientKey, right: GradientKey) -> Bool { left === right }

  /// Feeds the identity to a hasher.
  /// - Parameter hasher: The hasher.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// One step of a computation, as reverse-mode differentiation walks it back.
///
/// Nodes refer to their operands' nodes, never to results, so the graph lives exactly as long as the
/// tensors that came out of it.
package final class GradientNode: Sendable {
  package typealias Pullback = @Sendable (Tensor) -> [Tensor?]

  /// Longer than any operand's; results come before operands in falling order of depth.
  let depth: Int
  /// The leaf's key, or nil for an operation.
  let key: GradientKey?
  private let state: Mutex<State>

  private struct State {
    var operands: [GradientNode?]
    var pullback: Pullback?
  }

  init(leaf key: GradientKey) {
    depth = 0
    self.key = key
    state = Mutex(State(operands: [], pullback: nil))
  }

  init(operands: [GradientNode?], pullback: @escaping Pullback) {
    precondition(
      RecordingPause.current == nil,
      "a checkpointed part uses a tracked tensor from outside; give it as the argument"
    )
    depth = 1 + (operands.lazy.compactMap { $0?.depth }.max() ?? 0)
    key = nil
    state = Mutex(State(operands: operands, pullback: pullback))
  }

  var operands: [GradientNode?] { state.withLock { $0.operands } }

  /// Hands out the pullback once, so that what it holds is freed on the way back.
  func takePullback() -> Pullback? {
    state.withLock { state in
      defer { state.pullback = nil }
      return state.pullback
    }
  }

  private func takeOperands() -> [GradientNode?] {
    state.withLock { state in
      defer {
        state.operands = []
        state.pullback = nil
      }
      return state.operands
    }
  }

  // A chain of a million steps must not be released by a million nested calls.
  deinit {
    var pending = takeOperands()
    while var next = pending.popLast() {
      if next != nil, isKnownUniquelyReferenced(&next) {
        if let node = next { pending.append(contentsOf: node.takeOperands()) }
      }
    }
  }
}

extension Tensor {
  /// The tensor as a leaf whose gradient will be found under the key.
  /// - Parameter key: The name of the gradient.
  /// - Returns: The same values, tracked.
  public func tracked(by key: GradientKey) -> Tensor {
    if let pause = RecordingPause.current {
      pause.note(key)
      return detached
    }
    return with(node: GradientNode(leaf: key))
  }

  /// Notes how the tensor came from its operands, if any of those is tracked.
  ///
  /// The pullback takes the gradient of the result and gives one for each operand (nil where none is
  /// needed); it must hold only detached tensors.
  package func recorded(
    from operands: [Tensor],
    pullback: @escaping @Sendable (Tensor) -> [Tensor?]
  ) -> Tensor {
    guard operands.contains(where: { $0.isTracked }) else { return self }
    ValueProbe.current?.note(self, from: operands)
    return with(node: GradientNode(operands: operands.map(\.node), pullback: pullback))
  }

  private func with(node: GradientNode) -> Tensor {
    if let halfStorage {
      return Tensor(shape: shape, layout: layout, halfStorage: halfStorage, node: node)
    }
    return Tensor(shape: shape, layout: layout, storage: storage, node: node)
  }
}
