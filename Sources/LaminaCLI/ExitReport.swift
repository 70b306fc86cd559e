import ArgumentParser
import Foundation
import Support

/// What the program says and returns for an error.
struct ExitReport {
  /// The exit status of the table in `lamina --help`.
  let status: Int32
  /// What is printed; nil for nothing.
  let text: String?

  /// A body finished, but not wholly; the status stands in for an error.
  struct Status: Error {
    /// The exit status.
    let code: Int32
  }

  /// Finds the status and the words for an error.
  /// - Parameters:
  ///   - error: What parsing or running threw.
  ///   - parser: The root command, which knows the parser's own errors.
  init(_ error: any Error, parser: any ParsableCommand.Type) {
    switch error {
    case let status as Status:
      self.init(status: status.code, text: nil)
    case let missing as MissingVerb:
      self.init(status: Failure.usage.rawValue, text: missing.help)
    case let classified as any ClassifiedError:
      self.init(classified.failure, classified.description)
    case let cocoa as CocoaError:
      self.init(cocoa)
    case is DecodingError:
      self.init(
        .damagedInput,
        "A JSON input lacks a key or holds a wrong type: \(Self.place(of: error))."
      )
    default:
      self.init(parserError: error, parser: parser)
    }
  }

  /// The text without the program's name, for a list of failed cases.
  var sentence: String {
    let text = text ?? "It failed."
    return text.hasPrefix(Self.prefix) ? String(text.dropFirst(Self.prefix.count)) : text
  }

  private static let prefix = "lamina: error: "

  /// Prints the text, help to stdout and the rest to stderr.
  /// - Returns: The exit status.
  func deliver() -> Int32 {
    if let text { StandardStream(status == 0 ? .output : .error).write(text + "\n") }
    return status
  }

  private init(status: Int32, text: String?) {
    self.status = status
    self.text = text
  }

  private init(_ failure: Failure, _ sentence: String) {
    self.init(status: failure.rawValue, text: Self.prefix + Self.flattened(sentence))
  }

  /// Foundation's file errors that no module has wrapped.
  private init(_ error: CocoaError) {
    let reason = OutputGuard.reason(of: error)
    let path = error.filePath ?? "a file"
    switch error.code {
    case .fileReadNoSuchFile, .fileNoSuchFile, .fileReadNoPermission:
      self.init(.missingInput, "\(path) cannot be read: \(reason).")
    case .fileReadCorruptFile, .propertyListReadCorrupt, .fileReadInapplicableStringEncoding:
      self.init(.damagedInput, "\(path) is damaged: \(reason).")
    case .fileWriteNoPermission, .fileWriteOutOfSpace, .fileWriteVolumeReadOnly,
      .fileWriteFileExists, .fileWriteUnknown, .fileWriteInvalidFileName:
      self.init(.unwritableOutput, "\(path) cannot be written: \(reason).")
    default:
      self.init(fault: error)
    }
  }

  /// The parser's own errors: help and version are no errors, the rest is wrong usage.
  private init(parserError error: any Error, parser: any ParsableCommand.Type) {
    switch parser.exitCode(for: error) {
    case .success:
      self.init(status: 0, text: parser.fullMessage(for: error))
    case .validationFailure:
      let hint = Self.verb(of: parser.fullMessage(for: error))
      self.init(.usage, Self.sentence(parser.message(for: error)) + " See `\(hint)`.")
    default:
      self.init(fault: error)
    }
  }

  private init(fault error: any Error) {
    self.init(
      .internalFault,
      "Internal fault (\(type(of: error)): \(error)); this is a bug in Lamina \(Version.current), "
        + "please report it with the command that you gave."
    )
  }

  /// The help command that the parser's long message recommends.
  private static func verb(of message: String) -> String {
    // "  See 'lamina info --help' for more information." closes every usage message.
    guard let start = message.range(of: "See '"),
      let end = message.range(of: "'", range: start.upperBound..<message.endIndex)
    else { return "lamina --help" }
    return String(message[start.upperBound..<end.lowerBound])
  }

  private static func sentence(_ text: String) -> String {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard let last = trimmed.last, !".!?".contains(last) else { return trimmed }
    return trimmed + "."
  }

  private static func flattened(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
      .joined(separator: " ")
  }

  private static func place(of error: any Error) -> String {
    let context: DecodingError.Context
    switch error as? DecodingError {
    case .keyNotFound(let key, let found)?:
      return (found.codingPath.map(\.stringValue) + [key.stringValue]).joined(separator: ".")
    case .typeMismatch(_, let found)?: context = found
    case .valueNotFound(_, let found)?: context = found
    case .dataCorrupted(let found)?: context = found
    default: return "unknown place"
    }
    guard !context.codingPath.isEmpty else { return "it is not JSON" }
    return context.codingPath.map(\.stringValue).joined(separator: ".")
  }
}
