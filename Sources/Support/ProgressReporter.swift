/// Where long work says how far it is.
public protocol ProgressReporter: Sendable {
  /// A step begins, such as "reading 12 slices" or "training".
  /// - Parameters:
  ///   - step: What is done, in the present participle.
  ///   - total: The number of units, or nil when unknown.
  func begin(_ step: String, total: Int?)
  /// Some of the step's units are done.
  /// - Parameters:
  ///   - completed: Units done since the step began.
  ///   - detail: A short remark to show beside the bar, such as the current loss.
  func update(_ completed: Int, detail: String?)
  /// The step is done.
  func end()
  /// A remark that stands by itself.
  /// - Parameter message: One sentence.
  func note(_ message: String)
  /// Something the user should look at.
  /// - Parameter message: One sentence with the remedy.
  func warn(_ message: String)
}

/// A reporter that says nothing.
public struct SilentProgress: ProgressReporter {
  /// Creates the reporter.
  public init() {}
  /// Says nothing.
  /// - Parameters:
  ///   - step: What is done.
  ///   - total: The number of units.
  public func begin(_ step: String, total: Int?) {}
  /// Says nothing.
  /// - Parameters:
  ///   - completed: Units done.
  ///   - detail: A remark.
  public func update(_ completed: Int, detail: String?) {}
  /// Says nothing.
  public func end() {}
  /// Says nothing.
  /// - Parameter message: A remark.
  public func note(_ message: String) {}
  /// Says nothing.
  /// - Parameter message: A warning.
  public func warn(_ message: String) {}
}
