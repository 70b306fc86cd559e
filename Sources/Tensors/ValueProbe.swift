import Synchronization

/// Watches the results of operations for values that are not finite; for finding a fault, not for speed.
package final class ValueProbe: Sendable {
  /// The probe that tracked operations report to.
  @TaskLocal package static var current: ValueProbe?

  /// The first operation whose result was not finite.
  package struct Finding: Sendable {
    /// Keys of the leaves that the operation used itself, or else of the nearest before it.
    package let leaves: [GradientKey]
    /// Whether the operation used those leaves itself.
    package let isDirect: Bool
  }

  private let found = Mutex<Finding?>(nil)

  package init() {}

  /// The first operation whose result was not finite; nil when all were.
  package var finding: Finding? { found.withLock { $0 } }

  func note(_ result: Tensor, from operands: [Tensor]) {
    guard finding == nil, !result.isFinite else { return }
    var level = operands.compactMap(\.node)
    var seen = Set(level.map { ObjectIdentifier($0) })
    var isDirect = true
    while !level.isEmpty {
      let leaves = level.compactMap(\.key)
      if !leaves.isEmpty {
        let finding = Finding(leaves: leaves, isDirect: isDirect)
        found.withLock { $0 = $0 ?? finding }
        return
      }
      isDirect = false
      level = level.flatMap { $0.operands.compactMap { $0 } }.filter {
        seen.insert(ObjectIdentifier($0)).inserted
      }
    }
    found.withLock { $0 = $0 ?? Finding(leaves: [], isDirect: false) }
  }
}
