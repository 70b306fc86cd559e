import Foundation
import Support
import Synchronization

/// Progress on stderr: a bar when a person watches, one line per step otherwise.
final class TerminalProgress: ProgressReporter {
  /// What to show.
  struct Style: Sendable {
    /// Nothing at all.
    var quiet: Bool
    /// Steps and bars.
    var showsProgress: Bool
    /// Also how long each step took.
    var verbose: Bool
  }

  private struct State {
    var step = ""
    var total: Int?
    var began = ContinuousClock.now
    var drawn: ContinuousClock.Instant?
    var hasLine = false
  }

  private static let barWidth = 24
  /// A terminal is not redrawn more often than this.
  private static let interval = Duration.milliseconds(100)

  private let style: Style
  private let stream = StandardStream(.error)
  private let isTerminal: Bool
  private let state = Mutex(State())

  /// Creates a reporter.
  /// - Parameter style: What to show.
  init(style: Style) {
    self.style = style
    isTerminal = stream.isTerminal
  }

  func begin(_ step: String, total: Int?) {
    guard !style.quiet, style.showsProgress else { return }
    state.withLock { state in
      erase(&state)
      state = State(step: step, total: total)
      if isTerminal {
        draw(&state, completed: 0, detail: nil)
      } else {
        stream.write("lamina: \(step)\(total.map { " (\($0))" } ?? "")\n")
      }
    }
  }

  func update(_ completed: Int, detail: String?) {
    guard isTerminal, !style.quiet, style.showsProgress else { return }
    state.withLock { state in
      guard !state.step.isEmpty else { return }
      let isDue = state.drawn.map { ContinuousClock.now - $0 >= Self.interval } ?? true
      if isDue || completed == state.total { draw(&state, completed: completed, detail: detail) }
    }
  }

  func end() {
    guard !style.quiet, style.showsProgress else { return }
    state.withLock { state in
      erase(&state)
      if style.verbose, !state.step.isEmpty {
        stream.write("lamina: \(state.step): \(Self.seconds(since: state.began)) s\n")
      }
      state.step = ""
    }
  }

  func note(_ message: String) {
    guard !style.quiet else { return }
    say("lamina: \(message)")
  }

  func warn(_ message: String) {
    guard !style.quiet else { return }
    say("lamina: warning: \(message)")
  }

  /// Removes the bar, so that what follows starts on a fresh line.
  func clear() { state.withLock { erase(&$0) } }

  private func say(_ line: String) {
    state.withLock { state in
      erase(&state)
      stream.write(line + "\n")
    }
  }

  private func erase(_ state: inout State) {
    guard state.hasLine else { return }
    stream.write("\r\u{1B}[K")
    state.hasLine = false
  }

  private func draw(_ state: inout State, completed: Int, detail: String?) {
    var line = state.step
    if let total = state.total, total > 0 {
      let filled = min(Self.barWidth, Self.barWidth * completed / total)
      line += " [" + String(repeating: "#", count: filled)
      line += String(repeating: ".", count: Self.barWidth - filled) + "] \(completed)/\(total)"
    } else if completed > 0 {
      line += " \(completed)"
    }
    line += "  \(Self.seconds(since: state.began)) s"
    if let detail { line += "  \(detail)" }
    stream.write("\r\u{1B}[K" + String(line.prefix(Self.columns - 1)))
    state.drawn = .now
    state.hasLine = true
  }

  private static func seconds(since start: ContinuousClock.Instant) -> String {
    let elapsed = (ContinuousClock.now - start).components
    let tenths = elapsed.seconds * 10 + elapsed.attoseconds / 100_000_000_000_000_000
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// The terminal's width, so that the bar never wraps.
  private static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
    return Int(size.ws_col)
  }
}
