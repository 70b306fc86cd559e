import Synchronization

/// A flag that the user's Ctrl-C raises and long work looks at.
public final class Interruption: Sendable {
  private let raised = Atomic<Bool>(false)

  /// Creates a flag that is not raised.
  public init() {}

  /// Asks the work to stop at its next safe point.
  public func raise() { raised.store(true, ordering: .releasing) }

  /// Whether the work was asked to stop.
  public var isRaised: Bool { raised.load(ordering: .acquiring) }

  /// Stops here if the work was asked to.
  /// - Throws: `SupportError.interrupted` when the flag is raised.
  public func check() throws(SupportError) {
    if isRaised { throw .interrupted }
  }
}
