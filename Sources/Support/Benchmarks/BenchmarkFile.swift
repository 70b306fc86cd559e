import Foundation

/// A JSON file of `lamina-bench`, in the form `lamina.benchmark/1`: what was measured, where, when.
///
/// Beside `schema`, `date` and `machine` stands one of: `measurement` with `callsMS` (a network or
/// a training step), `operations`, or the keys of a comparison, `pairs`, `rival`, `lamina` and
/// `ratio`.
public struct BenchmarkFile: Sendable, Equatable {
  /// What was measured.
  public enum Content: Sendable, Equatable {
    /// One program's record and the times of its calls, ms; none where they were not kept.
    case measurement(BenchRecord, callsMS: [Double])
    /// Two programs in turn.
    case comparison(BenchComparison)
    /// Single operations.
    case operations([OperationTime])
  }

  /// The form's name in the file.
  public static let schema = "lamina.benchmark/1"

  /// When the measurement ended, to the second; nil when it was not recorded.
  public let date: Date?
  /// Where; nil when it was not recorded.
  public let machine: BenchMachine?
  /// What.
  public let content: Content

  /// Creates a file's content.
  /// - Parameters:
  ///   - date: When the measurement ended, cut to the second; nil when it was not recorded.
  ///   - machine: Where; nil when it was not recorded.
  ///   - content: What was measured.
  public init(date: Date?, machine: BenchMachine?, content: Content) {
    self.date = date.map { Date(timeIntervalSince1970: $0.timeIntervalSince1970.rounded(.down)) }
    self.machine = machine
    self.content = content
  }

  /// Why a file is no benchmark.
  public enum ReadingError: Error, Equatable {
    /// It is something else.
    case foreign
    /// It says that it is one, but does not hold what it should.
    case invalid(reason: String)
  }

  /// Reads a file.
  /// - Parameter json: What `json()` wrote, or the line that a timer printed.
  /// - Returns: The benchmark; date and machine are nil for a bare line.
  /// - Throws: `ReadingError`.
  public static func read(_ json: Data) throws(ReadingError) -> BenchmarkFile {
    struct Head: Decodable { let schema: String }
    let decoder = JSONDecoder()
    guard let head = try? decoder.decode(Head.self, from: json) else {
      guard let record = try? decoder.decode(BenchRecord.self, from: json) else { throw .foreign }
      return BenchmarkFile(date: nil, machine: nil, content: .measurement(record, callsMS: []))
    }
    guard head.schema.hasPrefix("lamina.benchmark/") else { throw .foreign }
    do {
      return try decoder.decode(BenchmarkFile.self, from: json)
    } catch DecodingError.dataCorrupted(let context) {
      throw .invalid(reason: context.debugDescription)
    } catch DecodingError.keyNotFound(let key, _) {
      throw .invalid(reason: "the key \"\(key.stringValue)\" is missing")
    } catch {
      throw .invalid(reason: "a value has the wrong type")
    }
  }

  /// The file as indented JSON with sorted keys.
  /// - Returns: UTF-8 text that ends in a line feed.
  /// - Throws: `EncodingError` for numbers that are not finite.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}

extension BenchmarkFile: Codable {
  private enum CodingKeys: String, CodingKey {
    case schema, date, machine, measurement, callsMS, operations, lamina
  }

  /// Reads the form that `encode(to:)` writes.
  /// - Parameter decoder: The source.
  /// - Throws: `DecodingError` for any other form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    _ = try container.decodeChecked(String.self, forKey: .schema) { $0 == Self.schema }
    let date = try? Date(container.decode(String.self, forKey: .date), strategy: .iso8601)
    guard let date else {
      throw DecodingError.dataCorruptedError(
        forKey: .date,
        in: container,
        debugDescription: "the date is not of the form 2026-01-31T12:00:00Z"
      )
    }
    let machine = try container.decode(BenchMachine.self, forKey: .machine)
    let content: Content
    if container.contains(.measurement) {
      content = .measurement(
        try container.decode(BenchRecord.self, forKey: .measurement),
        callsMS: try container.decodeChecked([Double].self, forKey: .callsMS) {
          $0.count <= 100_000 && $0.allSatisfy(BenchRecord.range.contains)
        }
      )
    } else if container.contains(.operations) {
      content = .operations(
        try container.decodeChecked([OperationTime].self, forKey: .operations) {
          $0.count <= 100_000
        }
      )
    } else if container.contains(.lamina) {
      content = .comparison(try BenchComparison(from: decoder))
    } else {
      throw DecodingError.keyNotFound(
        CodingKeys.measurement,
        DecodingError.Context(codingPath: [], debugDescription: "nothing was measured")
      )
    }
    self.init(date: date, machine: machine, content: content)
  }

  /// Writes the form `lamina.benchmark/1`.
  /// - Parameter encoder: The target.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(Self.schema, forKey: .schema)
    try container.encodeIfPresent(date?.formatted(.iso8601), forKey: .date)
    try container.encodeIfPresent(machine, forKey: .machine)
    switch content {
    case .measurement(let record, let callsMS):
      try container.encode(record, forKey: .measurement)
      try container.encode(callsMS, forKey: .callsMS)
    case .operations(let operations):
      try container.encode(operations, forKey: .operations)
    case .comparison(let comparison):
      try comparison.encode(to: encoder)
    }
  }
}
