/// What a loop over lines or rows reads and writes.
// Sendable invariant: the source is only read, and each range of lines or rows writes its own part of
// the target; both outlive the loop.
struct LoopMemory<Value>: @unchecked Sendable {
  let source: UnsafePointer<Value>
  let target: UnsafeMutablePointer<Value>
}
