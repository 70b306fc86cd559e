/// The machine and the libraries that a measurement belongs to; nothing that names its owner.
public struct BenchMachine: Codable, Sendable, Hashable {
  /// The processor's model, such as its maker prints it.
  public let processor: String
  /// How many cores the program may use.
  public let cores: Int
  /// What the processor's instructions offer, such as "avx2".
  public let features: [String]
  /// How many threads were used.
  public let threads: Int
  /// Versions by the name of the program, library or system.
  public let versions: [String: String]

  /// Creates a description.
  /// - Parameters:
  ///   - processor: The processor's model.
  ///   - cores: How many cores the program may use.
  ///   - features: What the processor's instructions offer.
  ///   - threads: How many threads were used.
  ///   - versions: Versions by the name of the program, library or system.
  public init(
    processor: String,
    cores: Int,
    features: [String],
    threads: Int,
    versions: [String: String]
  ) {
    self.processor = processor
    self.cores = cores
    self.features = features
    self.threads = threads
    self.versions = versions
  }

  private enum CodingKeys: String, CodingKey {
    case processor, cores, features, threads, versions
  }

  /// Reads a description.
  /// - Parameter decoder: The source.
  /// - Throws: `DecodingError` for any other form, and for endless lists or names.
  public init(from decoder: any Decoder) throws {
    func isShort(_ text: String) -> Bool { text.count <= BenchRecord.longestName }
    let container = try decoder.container(keyedBy: CodingKeys.self)
    processor = try container.decodeChecked(String.self, forKey: .processor, isShort)
    cores = try container.decodeChecked(Int.self, forKey: .cores) { (1...1_000_000).contains($0) }
    features = try container.decodeChecked([String].self, forKey: .features) {
      $0.count <= 100 && $0.allSatisfy(isShort)
    }
    threads = try container.decodeChecked(Int.self, forKey: .threads) {
      (1...1_000_000).contains($0)
    }
    versions = try container.decodeChecked([String: String].self, forKey: .versions) {
      $0.count <= 100 && $0.allSatisfy { isShort($0.key) && isShort($0.value) }
    }
  }
}
