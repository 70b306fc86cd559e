import Foundation
import Support

/// The header of a WFDB record: what its signal files hold.
///
/// PhysioNet, "WFDB header file format" (header(5)): a record line, then one line for each signal. Comment
/// lines, which may describe the patient, are skipped.
struct WFDBHeader: Sendable, Equatable {
  /// What a signal line says.
  struct Signal: Sendable, Equatable {
    var file: String
    var format: Int
    var byteOffset = 0
    /// Steps of the converter for one unit; 200 where the header does not say.
    var gain = 200.0
    /// The converter's value of 0 units.
    var baseline = 0
    var unit = "mV"
    /// The sum of all samples, modulo 2¹⁶; nil where the header does not say.
    var checksum: Int?
    var name = ""
  }

  /// The largest number of samples of a signal that is believed, a week at 1 kHz.
  private static let largestCount = 604_800_000

  var name: String
  var samplingHz: Double
  /// Samples of each signal; nil where the header does not say.
  var count: Int?
  var signals: [Signal]

  /// Reads a header.
  /// - Parameters:
  ///   - text: The file's text.
  ///   - path: The file, for messages.
  /// - Throws: `SequencesError.damaged`, `.unsupported`.
  init(_ text: String, path: String) throws(SequencesError) {
    let lines = text.split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    guard let first = lines.first else {
      throw .damaged(path: path, reason: "it has no record line")
    }
    let words = first.split(separator: " ").map(String.init)
    guard words.count >= 2, let signalCount = Int(words[1]), (0...1024).contains(signalCount) else {
      throw .damaged(path: path, reason: "its record line names no number of signals")
    }
    guard !words[0].contains("/") else {
      throw .unsupported(path: path, reason: "records of several segments are not read")
    }
    name = words[0]
    // Sampling frequency, which a counter frequency may follow; 250 Hz when absent.
    let frequency = words.count > 2 ? words[2].prefix { !"/(".contains($0) } : "250"
    guard let samplingHz = Double(frequency), samplingHz > 0, samplingHz <= 1e6 else {
      throw .damaged(path: path, reason: "its sampling frequency is no number of Hz")
    }
    self.samplingHz = samplingHz
    if words.count > 3 {
      guard let count = Int(words[3]), (0...Self.largestCount).contains(count) else {
        throw .damaged(path: path, reason: "its number of samples is no such number")
      }
      self.count = count == 0 ? nil : count
    }
    guard signalCount > 0 else { throw .unsupported(path: path, reason: "it has no signals") }
    guard lines.count >= 1 + signalCount else {
      throw .damaged(
        path: path,
        reason: "it names \(signalCount) signals and describes \(lines.count - 1)"
      )
    }
    signals = []
    for line in lines[1...signalCount] { signals.append(try Self.signal(line, path)) }
  }

  private static func signal(_ line: String, _ path: String) throws(SequencesError) -> Signal {
    let words = line.split(separator: " ", maxSplits: 8).map(String.init)
    func damaged(_ what: String) -> SequencesError {
      .damaged(path: path, reason: "the signal line \(words.first ?? "") has no \(what)")
    }
    guard words.count >= 2 else { throw damaged("format") }
    // A name alone: a path could lead out of the record's folder.
    guard !words[0].contains("/"), words[0] != "..", words[0] != "-" else {
      throw .unsupported(path: path, reason: "its signals are not in files beside it")
    }
    let digits = words[1].prefix { $0.isNumber }
    guard let format = Int(digits) else { throw damaged("format") }
    var result = Signal(file: words[0], format: format)
    var rest = words[1].dropFirst(digits.count)
    while let mark = rest.first {
      rest = rest.dropFirst()
      let number = rest.prefix { $0.isNumber }
      guard let value = Int(number) else { throw damaged("format") }
      rest = rest.dropFirst(number.count)
      switch mark {
      case "x" where value <= 1: break
      case ":" where value == 0: break
      case "+": result.byteOffset = value
      default:
        throw .unsupported(path: path, reason: "it has signals of several rates, or shifted ones")
      }
    }
    var zero = 0
    if words.count > 4 {
      guard let value = Int(words[4]) else { throw damaged("converter's zero") }
      zero = value
    }
    result.baseline = zero
    if words.count > 2 {
      let parts = words[2].split(separator: "/", maxSplits: 1).map(String.init)
      guard !parts.isEmpty else { throw damaged("gain") }
      if parts.count > 1 { result.unit = parts[1] }
      let gain = parts[0].prefix { $0 != "(" }
      guard let value = Double(gain), value.isFinite, value >= 0 else { throw damaged("gain") }
      if value > 0 { result.gain = value }
      let inner = parts[0].dropFirst(gain.count)
      if !inner.isEmpty {
        guard inner.hasSuffix(")"), let value = Int(inner.dropFirst().dropLast()) else {
          throw damaged("baseline")
        }
        result.baseline = value
      }
    }
    if words.count > 6 { result.checksum = Int(words[6]) }
    if words.count > 8 { result.name = words[8].trimmingCharacters(in: .whitespaces) }
    return result
  }
}
