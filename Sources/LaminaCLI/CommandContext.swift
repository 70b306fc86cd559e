import Foundation
import Support

/// What a verb's body works with: where it reports, writes and looks for Ctrl-C.
struct CommandContext: Sendable {
  /// Progress and remarks, on stderr.
  let progress: any ProgressReporter
  /// Raised by Ctrl-C.
  let interruption: Interruption
  /// Writes every output; what is unfinished disappears when the run is interrupted.
  let outputs: OutputGuard
  /// Whether `--json` was given.
  let wantsJSON: Bool
  /// Whether `--quiet` was given.
  let isQuiet: Bool

  /// Prints lines for people on stdout; nothing with `--json` or `--quiet`.
  /// - Parameter text: One or more lines without the last line end.
  func say(_ text: String) {
    guard !wantsJSON, !isQuiet else { return }
    StandardStream(.output).write(text + "\n")
  }

  /// Confirms what was written: as JSON with `--json`, else as text, with `--quiet` not at all.
  /// - Parameters:
  ///   - result: The JSON document.
  ///   - text: The same for people, without the last line end.
  /// - Throws: `SupportError.unwritable` when stdout cannot take it.
  func confirm(_ result: @autoclosure () throws -> some Encodable, text: () -> String) throws {
    if wantsJSON || !isQuiet { try answer(try result(), text: text) }
  }

  /// Prints what was asked for: as JSON with `--json`, else as text (also with `--quiet`).
  /// - Parameters:
  ///   - result: The JSON document; a new document is not built without `--json`.
  ///   - text: The same for people, without the last line end.
  /// - Throws: `SupportError.unwritable` when stdout cannot take it.
  func answer(_ result: @autoclosure () throws -> some Encodable, text: () -> String) throws {
    let stream = StandardStream(.output)
    if wantsJSON {
      try stream.writeResult(String(decoding: JSONOutput.data(try result()), as: UTF8.self))
    } else {
      try stream.writeResult(text() + "\n")
    }
  }
}

/// How the program writes JSON, on stdout and in files: sorted keys, indented, one final line end.
enum JSONOutput {
  /// Encodes a document.
  /// - Parameter document: The value.
  /// - Returns: UTF-8 text that ends in a line end.
  /// - Throws: `EncodingError` for a number that JSON cannot hold.
  static func data(_ document: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(document) + Data("\n".utf8)
  }
}
