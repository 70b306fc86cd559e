/// How long one operation took.
public struct OperationTime: Codable, Sendable, Equatable {
  /// The operation with its sizes.
  public let name: String
  /// Median time forward, ms.
  public let forwardMS: Double
  /// Median time of the gradient for all operands, ms.
  public let backwardMS: Double
  /// Billions of multiplications and additions per second forward; nil where it was not counted.
  public let gflops: Double?

  /// Creates a time.
  /// - Parameters:
  ///   - name: The operation with its sizes.
  ///   - forwardMS: Median time forward, ms.
  ///   - backwardMS: Median time of the gradient for all operands, ms.
  ///   - gflops: Billions of multiplications and additions per second forward.
  public init(name: String, forwardMS: Double, backwardMS: Double, gflops: Double?) {
    self.name = name
    self.forwardMS = forwardMS
    self.backwardMS = backwardMS
    self.gflops = gflops
  }

  private enum CodingKeys: String, CodingKey { case name, forwardMS, backwardMS, gflops }

  /// Reads a time.
  /// - Parameter decoder: The source.
  /// - Throws: `DecodingError` for any other form, negative or absurd numbers and endless names.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func number(_ key: CodingKeys) throws -> Double {
      try container.decodeChecked(Double.self, forKey: key) { BenchRecord.range.contains($0) }
    }
    name = try container.decodeChecked(String.self, forKey: .name) {
      $0.count <= BenchRecord.longestName
    }
    forwardMS = try number(.forwardMS)
    backwardMS = try number(.backwardMS)
    let hasSpeed =
      try container.contains(.gflops) && !container.decodeNil(forKey: .gflops)
    gflops = hasSpeed ? try number(.gflops) : nil
  }
}
