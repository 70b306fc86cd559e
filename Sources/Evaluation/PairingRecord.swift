/// How the cases of an evaluation found their partners, and which did not.
public struct PairingRecord: Equatable, Sendable, Codable {
  /// A case whose files have different names.
  public struct ByRule: Equatable, Sendable, Codable {
    /// The case's name.
    public let id: String
    /// The prediction's file.
    public let prediction: String
    /// The reference's file.
    public let reference: String
    /// Why they belong together, as a clause such as "names without _pred and _seg".
    public let rule: String

    /// Creates an entry.
    /// - Parameters:
    ///   - id: The case's name.
    ///   - prediction: The prediction's file.
    ///   - reference: The reference's file.
    ///   - rule: Why they belong together.
    public init(id: String, prediction: String, reference: String, rule: String) {
      self.id = id
      self.prediction = prediction
      self.reference = reference
      self.rule = rule
    }
  }

  /// A file without a partner.
  public struct Unpaired: Equatable, Sendable, Codable {
    /// Which side a file is on.
    public enum Side: String, Sendable, Codable {
      case prediction
      case reference
    }

    /// The case's name.
    public let id: String
    /// The side on which it is.
    public let side: Side
    /// The file.
    public let path: String
    /// Why it has no partner, one sentence.
    public let reason: String

    /// Creates an entry.
    /// - Parameters:
    ///   - id: The case's name.
    ///   - side: The side on which it is.
    ///   - path: The file.
    ///   - reason: Why it has no partner, one sentence.
    public init(id: String, side: Side, path: String, reason: String) {
      self.id = id
      self.side = side
      self.path = path
      self.reason = reason
    }
  }

  /// How many cases have equal names on both sides.
  public let exact: Int
  /// The cases that were paired by another rule, by name.
  public let byRule: [ByRule]
  /// The files without a partner, by name.
  public let unpaired: [Unpaired]

  /// Creates a record.
  /// - Parameters:
  ///   - exact: How many cases have equal names on both sides.
  ///   - byRule: The cases that were paired by another rule, by name.
  ///   - unpaired: The files without a partner, by name.
  public init(exact: Int, byRule: [ByRule], unpaired: [Unpaired]) {
    self.exact = exact
    self.byRule = byRule
    self.unpaired = unpaired
  }
}
