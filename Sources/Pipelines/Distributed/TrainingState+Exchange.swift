import Foundation
import Layers
import Support

extension TrainingState {
  /// Gives every process the first one's state: its weights, its place in the run, its number of steps.
  /// - Parameter exchange: The processes.
  /// - Throws: `PipelinesError.checkpointMismatch` when a process was started for another run;
  ///   `DistributedError.failed`.
  mutating func share(over exchange: any GradientExchange) throws {
    guard exchange.count > 1 else { return }
    let data = try exchange.broadcast(exchange.isRoot ? stored().encoded() : Data(), from: 0)
    guard !exchange.isRoot else { return }
    let scratch = try ScratchFolder()
    let file = scratch.path + "/state.safetensors"
    do {
      try data.write(to: URL(fileURLWithPath: file))
    } catch {
      throw SupportError.unwritable(path: file, reason: OutputGuard.reason(of: error))
    }
    try restore(
      Safetensors(contentsOf: file),
      from: "The state of the first process",
      keepsSteps: false
    )
  }
}
