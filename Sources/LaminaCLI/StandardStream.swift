import Foundation
import Support

/// Standard output or error, written without buffers in between.
struct StandardStream {
  /// Which of the two.
  enum Kind: Int32 {
    case output = 1
    case error = 2
  }

  private let descriptor: Int32

  /// Chooses a stream.
  /// - Parameter kind: Which of the two.
  init(_ kind: Kind) { descriptor = kind.rawValue }

  /// Whether a person sees it.
  var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Writes text and ignores that nobody may be reading.
  /// - Parameter text: The text, line ends included.
  func write(_ text: String) { _ = attempt(text) }

  /// Writes a result that must arrive.
  /// - Parameter text: The text, line ends included.
  /// - Throws: `SupportError.unwritable` when the system refuses, such as on a full disk; a reader
  ///   that closed its end is no error.
  func writeResult(_ text: String) throws {
    let code = attempt(text)
    guard code == 0 || code == EPIPE else {
      throw SupportError.unwritable(
        path: "standard output",
        reason: String(cString: strerror(code))
      )
    }
  }

  /// Writes everything and returns `errno`, or 0.
  private func attempt(_ text: String) -> Int32 {
    var text = text
    return text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let count = Foundation.write(
          descriptor,
          bytes.baseAddress.map { $0 + done },
          bytes.count - done
        )
        if count < 0 {
          if errno == EINTR { continue }
          return errno
        }
        done += count
      }
      return 0
    }
  }
}
