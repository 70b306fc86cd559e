import Foundation

/// One measurement; its JSON has the keys of the timers of other engines.
package struct BenchRecord: Codable, Sendable, Equatable {
  /// The program and its precision, such as `lamina-f32`.
  package var engine: String
  /// The network's name.
  package var network: String
  /// Median of the timed calls, ms.
  package var medianMS: Double
  /// The fastest timed call, ms.
  package var minimumMS: Double
  /// How many calls were timed.
  package var runs: Int
  /// Billions of multiplications and additions of convolutions per second, at the median.
  package var gflops: Double
  /// From the process's start to the first result, s.
  package var firstResultS: Double
  /// Largest resident memory of the process, MiB.
  package var peakMemoryMiB: Int
  /// Largest difference to the expected output over its largest value; nil when not a number.
  package var relativeError: Double?

  /// Creates a record.
  package init(
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

  /// Writes every key, null for an undefined error.
  package func encode(to encoder: any Encoder) throws {
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
  package var line: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}
