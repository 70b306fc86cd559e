import Foundation

/// One measurement; its JSON has the keys of the timers of other engines.
public struct BenchRecord: Codable, Sendable, Equatable {
  /// The program and its precision, such as `lamina-f32`.
  public var engine: String
  /// The network's name.
  public var network: String
  /// Median of the timed calls, ms.
  public var medianMS: Double
  /// The fastest timed call, ms.
  public var minimumMS: Double
  /// How many calls were timed.
  public var runs: Int
  /// Billions of multiplications and additions of convolutions per second, at the median.
  public var gflops: Double
  /// From the process's start to the first result, s.
  public var firstResultS: Double
  /// Largest resident memory of the process, MiB.
  public var peakMemoryMiB: Int
  /// Largest difference to the expected output over its largest value; nil when not a number.
  public var relativeError: Double?

  /// Creates a record.
  /// - Parameters:
  ///   - engine: The program and its precision.
  ///   - network: The network's name.
  ///   - medianMS: Median of the timed calls, ms.
  ///   - minimumMS: The fastest timed call, ms.
  ///   - runs: How many calls were timed.
  ///   - gflops: Billions of operations of convolutions per second.
  ///   - firstResultS: From the process's start to the first result, s.
  ///   - peakMemoryMiB: Largest resident memory, MiB.
  ///   - relativeError: Largest difference to the expected output; nil when not a number.
  public init(
    engine: String,
    network: String,
    medianMS: Double,
    minimumMS: Double,
    runs: Int,
    gflops: Double,
    firstResultS: Double,
    peakMemoryMiB: Int,
    relativeError: Double?
  ) {
    self.engine = engine
    self.network = network
    self.medianMS = medianMS
    self.minimumMS = minimumMS
    self.runs = runs
    self.gflops = gflops
    self.firstResultS = firstResultS
    self.peakMemoryMiB = peakMemoryMiB
    self.relativeError = relativeError
  }

  private enum CodingKeys: String, CodingKey {
    case engine, network, medianMS, minimumMS, runs, gflops, firstResultS, peakMemoryMiB
    case relativeError
  }

  /// Names may be as long as this, in characters.
  public static let longestName = 200

  /// What the numbers may be: about thirty years in ms, and as many MiB or calls.
  static let range = 0...1e12

  /// Reads a record, which may come from any program.
  /// - Parameter decoder: The source.
  /// - Throws: `DecodingError` for any other form, negative or absurd numbers and endless names.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func number(_ key: CodingKeys) throws -> Double {
      try container.decodeChecked(Double.self, forKey: key) { Self.range.contains($0) }
    }
    func count(_ key: CodingKeys) throws -> Int {
      try container.decodeChecked(Int.self, forKey: key) { (0...1_000_000_000).contains($0) }
    }
    func name(_ key: CodingKeys) throws -> String {
      try container.decodeChecked(String.self, forKey: key) { $0.count <= Self.longestName }
    }
    engine = try name(.engine)
    network = try name(.network)
    medianMS = try number(.medianMS)
    minimumMS = try number(.minimumMS)
    runs = try count(.runs)
    gflops = try number(.gflops)
    firstResultS = try number(.firstResultS)
    peakMemoryMiB = try count(.peakMemoryMiB)
    relativeError =
      try container.decodeNil(forKey: .relativeError) ? nil : number(.relativeError)
  }

  /// Writes every key, null for an undefined error.
  /// - Parameter encoder: The target.
  /// - Throws: `EncodingError` for numbers that are not finite.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(engine, forKey: .engine)
    try container.encode(network, forKey: .network)
    try container.encode(medianMS, forKey: .medianMS)
    try container.encode(minimumMS, forKey: .minimumMS)
    try container.encode(runs, forKey: .runs)
    try container.encode(gflops, forKey: .gflops)
    try container.encode(firstResultS, forKey: .firstResultS)
    try container.encode(peakMemoryMiB, forKey: .peakMemoryMiB)
    try container.encode(relativeError, forKey: .relativeError)
  }

  /// The record as one line of JSON.
  /// - Throws: `EncodingError` for numbers that are not finite.
  public var line: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}

extension KeyedDecodingContainer {
  /// Decodes a value that must pass a check.
  func decodeChecked<Value: Decodable>(
    _ type: Value.Type,
    forKey key: Key,
    _ isAllowed: (Value) -> Bool
  ) throws -> Value {
    let value = try decode(type, forKey: key)
    guard isAllowed(value) else {
      throw DecodingError.dataCorruptedError(
        forKey: key,
        in: self,
        debugDescription: "the value of \"\(key.stringValue)\" is out of range"
      )
    }
    return value
  }
}
