/// Memory that the threads of a parallel loop share.
///
/// Sendable invariant: it outlives the loop, and each index of the loop writes elements that no other
/// index reads or writes; what is only read may be read by all.
package struct SharedPointer<Value>: @unchecked Sendable {
  /// The first element.
  package let pointer: UnsafeMutablePointer<Value>

  /// Shares memory that is written.
  /// - Parameter pointer: The first element.
  package init(_ pointer: UnsafeMutablePointer<Value>) { self.pointer = pointer }

  /// Shares memory that is only read.
  /// - Parameter pointer: The first element.
  package init(reading pointer: UnsafePointer<Value>) {
    self.pointer = UnsafeMutablePointer(mutating: pointer)
  }
}
