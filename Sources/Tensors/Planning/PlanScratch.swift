import Support
import Synchronization

/// Memory for the feature maps of plans; plans that share it run one after another.
///
/// It is as large as the largest of them needs, taken when it is first used, and goes with the last
/// plan.
public final class PlanScratch: Sendable {
  private struct Memory {
    var arena: AlignedBuffer<Float>?
    var workspace: AlignedBuffer<Float>?
  }

  private let memory = Mutex(Memory())

  /// Creates scratch memory without taking any.
  public init() {}

  func withMemory(
    arenaCount: Int,
    workspaceCount: Int,
    _ body: (AlignedBuffer<Float>, AlignedBuffer<Float>) -> Void
  ) {
    memory.withLock { memory in
      func enough(_ buffer: inout AlignedBuffer<Float>?, _ count: Int) -> AlignedBuffer<Float> {
        if let buffer, buffer.count >= count { return buffer }
        // The old one goes first.
        buffer = nil
        let larger = AlignedBuffer<Float>(uninitializedCount: count)
        buffer = larger
        return larger
      }
      body(enough(&memory.arena, arenaCount), enough(&memory.workspace, workspaceCount))
    }
  }
}
