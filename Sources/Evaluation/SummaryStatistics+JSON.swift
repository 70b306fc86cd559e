extension SummaryStatistics: Codable {
  private enum Keys: String, CodingKey {
    case mean, sd, median, q1, q3, iqr, min, max, n, undefined, missed, falseAlarms, ci95
  }

  /// Reads the value from the form that `encode(to:)` writes.
  /// - Parameter decoder: The source.
  /// - Throws: `DecodingError` for any other form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Keys.self)
    let bounds = try container.decode([Double]?.self, forKey: .ci95)
    if let bounds, bounds.count != 2 || bounds[0] > bounds[1] {
      throw DecodingError.dataCorruptedError(
        forKey: .ci95,
        in: container,
        debugDescription: "a ci95 is not [low, high]"
      )
    }
    self.init(
      mean: try container.decode(Double?.self, forKey: .mean),
      sd: try container.decode(Double?.self, forKey: .sd),
      median: try container.decode(Double?.self, forKey: .median),
      // Files of earlier versions lack what is read if present.
      q1: try container.decodeIfPresent(Double.self, forKey: .q1),
      q3: try container.decodeIfPresent(Double.self, forKey: .q3),
      iqr: try container.decode(Double?.self, forKey: .iqr),
      min: try container.decode(Double?.self, forKey: .min),
      max: try container.decodeIfPresent(Double.self, forKey: .max),
      n: try container.decode(Int.self, forKey: .n),
      undefined: try container.decode(Int.self, forKey: .undefined),
      missed: try container.decodeIfPresent(Int.self, forKey: .missed) ?? 0,
      falseAlarms: try container.decodeIfPresent(Int.self, forKey: .falseAlarms) ?? 0,
      ci95: bounds.map { $0[0]...$0[1] }
    )
  }

  /// Writes the value in the form of `lamina.evaluation/1`.
  /// - Parameter encoder: The target.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(mean, forKey: .mean)
    try container.encode(sd, forKey: .sd)
    try container.encode(median, forKey: .median)
    try container.encode(q1, forKey: .q1)
    try container.encode(q3, forKey: .q3)
    try container.encode(iqr, forKey: .iqr)
    try container.encode(min, forKey: .min)
    try container.encode(max, forKey: .max)
    try container.encode(n, forKey: .n)
    try container.encode(undefined, forKey: .undefined)
    try container.encode(missed, forKey: .missed)
    try container.encode(falseAlarms, forKey: .falseAlarms)
    try container.encode(ci95.map { [$0.lowerBound, $0.upperBound] }, forKey: .ci95)
  }
}
