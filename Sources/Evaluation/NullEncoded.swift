/// An optional value that is written as `null` when it is absent, and read from `null` or nothing.
///
/// Swift leaves absent values out of JSON by itself; the outputs of evaluations say `null`, so that
/// a reader can tell an undefined number from one that was never computed.
@propertyWrapper
public struct NullEncoded<Value: Codable & Equatable & Sendable>: Codable, Equatable, Sendable {
  /// The value, or nil.
  public var wrappedValue: Value?

  /// Creates a value.
  /// - Parameter wrappedValue: The value, or nil.
  public init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  /// Reads a value or `null`.
  /// - Parameter decoder: The source.
  /// - Throws: `DecodingError` for a value of another type.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
  }

  /// Writes the value or `null`.
  /// - Parameter encoder: The target.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue {
      try container.encode(wrappedValue)
    } else {
      try container.encodeNil()
    }
  }
}

extension KeyedDecodingContainer {
  /// Reads a value whose key may be absent, as in files of earlier versions.
  /// - Parameters:
  ///   - type: The type.
  ///   - key: The key.
  /// - Returns: The value; nil for `null` and for an absent key.
  /// - Throws: `DecodingError` for a value of another type.
  public func decode<Value>(
    _ type: NullEncoded<Value>.Type,
    forKey key: Key
  ) throws -> NullEncoded<Value> {
    try decodeIfPresent(type, forKey: key) ?? NullEncoded(wrappedValue: nil)
  }
}
