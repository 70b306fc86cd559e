import Dispatch
import Foundation
import Support

/// Turns Ctrl-C and SIGTERM into a raised flag and, for work that does not look, into an exit.
///
/// Work that looks at the flag stops by itself. Whatever still runs after `grace` is cut off: its
/// temporary outputs are removed and the process leaves with status 130.
final class InterruptionWatch {
  /// Seconds that work may take to notice; within the promised second, removal included.
  static let grace = 0.8

  private let sources: [any DispatchSourceSignal]

  /// Starts watching.
  /// - Parameters:
  ///   - interruption: The flag to raise.
  ///   - outputs: Whose unfinished outputs to remove.
  ///   - progress: Whose line on the terminal to clear.
  init(interruption: Interruption, outputs: OutputGuard, progress: TerminalProgress) {
    // A queue of the highest class has threads of its own, so that parallel loops that keep every
    // core busy do not delay it.
    let queue = DispatchQueue(label: "lamina.interruption", qos: .userInteractive)
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        guard !interruption.isRaised else { return }
        interruption.raise()
        queue.asyncAfter(deadline: .now() + Self.grace) {
          outputs.discardAll()
          ScratchFolder.removeAll()
          progress.clear()
          StandardStream(.error).write("lamina: error: \(SupportError.interrupted)\n")
          _exit(Failure.interrupted.rawValue)
        }
      }
      source.resume()
      return source
    }
  }

  deinit { for source in sources { source.cancel() } }
}
