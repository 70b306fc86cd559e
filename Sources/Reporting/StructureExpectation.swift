/// What is plausible for a structure, and who says so.
public struct StructureExpectation: Equatable, Sendable, Codable {
  /// The structure's name, as in the label table.
  public var name: String
  /// The plausible volume, ml: lowest and highest.
  public var volumeML: [Double]?
  /// The plausible middle along left, posterior and head, each as lowest and highest share (0 to 1)
  /// of the box around all structures.
  public var position: [[Double]]?
  /// Where the ranges come from, such as a publication or the training data.
  public var source: String

  /// Creates an expectation.
  /// - Parameters:
  ///   - name: The structure's name.
  ///   - volumeML: The plausible volume, ml: lowest and highest.
  ///   - position: The plausible middle along each axis, as shares of the box around all structures.
  ///   - source: Where the ranges come from.
  public init(
    name: String,
    volumeML: [Double]? = nil,
    position: [[Double]]? = nil,
    source: String
  ) {
    self.name = name
    self.volumeML = volumeML
    self.position = position
    self.source = source
  }

  /// Whether the ranges are ranges: two numbers each, the lower first, and three axes.
  public var isValid: Bool {
    ([volumeML].compactMap(\.self) + (position ?? [])).allSatisfy {
      $0.count == 2 && $0[0] <= $0[1]
    }
      && (position?.count ?? 3) == 3
  }
}
