/// What each number of a label map means to the generator of training images.
public struct SynthesisTable: Sendable, Equatable {
  /// Where a label lies, which decides what skull stripping does to it.
  public enum Region: String, Codable, Sendable, CaseIterable {
    /// Nothing: the air about the head.
    case background
    /// Tissue outside the brain, which stripping removes.
    case head
    /// The fluid about the brain, which stripping removes or keeps.
    case fluid
    /// The brain, which is always kept.
    case brain
  }

  /// One label.
  public struct Entry: Codable, Sendable, Equatable {
    /// The number in the maps, 0…65535.
    public var label: Int
    /// The group of labels that share one distribution of intensities; any number.
    public var intensity: Int
    /// The class that a network shall learn for it: 0 for background, else 1…K.
    public var output: Int
    /// The label that takes its place when left and right change; itself for most.
    public var mirrored: Int
    /// Where it lies; nil follows from the rest (see ``location``).
    public var region: Region?
    /// Mean intensity in T1-weighted images on a scale of 0…255; nil if unknown.
    public var t1Mean: Double?
    /// Standard deviation of that mean between scans, on the same scale; nil counts as 0.
    public var t1Deviation: Double?

    /// Creates an entry.
    /// - Parameters:
    ///   - label: The number in the maps.
    ///   - intensity: The group that shares one distribution of intensities.
    ///   - output: The class to learn.
    ///   - mirrored: The label on the other side; nil for the label itself.
    ///   - region: Where it lies; nil follows from the rest.
    ///   - t1Mean: Mean intensity in T1-weighted images, 0…255.
    ///   - t1Deviation: Deviation of the mean between scans.
    public init(
      label: Int,
      intensity: Int,
      output: Int,
      mirrored: Int? = nil,
      region: Region? = nil,
      t1Mean: Double? = nil,
      t1Deviation: Double? = nil
    ) {
      self.label = label
      self.intensity = intensity
      self.output = output
      self.mirrored = mirrored ?? label
      self.region = region
      self.t1Mean = t1Mean
      self.t1Deviation = t1Deviation
    }

    /// The region, or what SynthSeg's numbers say: 0 is background, from 500 on the head, else brain.
    ///
    /// A label with an output is brain whatever its number.
    public var location: Region {
      if let region { return region }
      if label == 0 { return .background }
      return output == 0 && label >= 500 ? .head : .brain
    }
  }

  /// The most entries; a voxel of a ``SynthesisMap`` is a byte.
  public static let maximumCount = 256

  /// The labels, in any order.
  public var entries: [Entry]

  /// Creates a table.
  /// - Parameter entries: The labels, in any order.
  /// - Throws: As ``check()``.
  public init(entries: [Entry]) throws(TransformsError) {
    self.entries = entries
    try check()
  }

  /// Checks that the table makes sense.
  /// - Throws: `TransformsError` if a label is out of range or listed twice, an output is out of
  ///   range, mirrored labels are unknown or do not come in pairs, label 0 is missing or has an
  ///   output, or there are more entries than ``maximumCount``.
  public func check() throws(TransformsError) {
    guard entries.count <= Self.maximumCount else {
      throw .tooManyEntries(count: entries.count, limit: Self.maximumCount)
    }
    var mirrors: [Int: Int] = [:]
    for entry in entries {
      guard (0...65535).contains(entry.label) else { throw .labelOutOfRange(entry.label) }
      guard (0...65535).contains(entry.output) else {
        throw .outputOutOfRange(label: entry.label, output: entry.output)
      }
      guard mirrors.updateValue(entry.mirrored, forKey: entry.label) == nil else {
        throw .duplicateLabel(entry.label)
      }
    }
    for entry in entries {
      guard let back = mirrors[entry.mirrored] else {
        throw .unknownMirror(label: entry.label, mirrored: entry.mirrored)
      }
      guard back == entry.label else {
        throw .unpairedMirror(label: entry.label, mirrored: entry.mirrored)
      }
    }
    guard entries.contains(where: { $0.label == 0 && $0.output == 0 }) else {
      throw .missingBackground
    }
  }

  /// The number of classes with background, one more than the largest output.
  public var classCount: Int { (entries.map(\.output).max() ?? 0) + 1 }

  /// Place of the entry of label 0.
  var background: Int { entries.firstIndex { $0.label == 0 } ?? 0 }

  /// Each entry's place of the entry that takes its place on the other side.
  var mirrors: [Int] {
    let places = Dictionary(
      entries.enumerated().map { ($1.label, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    return entries.enumerated().map { places[$1.mirrored] ?? $0 }
  }
}

extension SynthesisTable: Codable {
  private enum CodingKeys: String, CodingKey { case entries }

  /// Reads and checks a table.
  /// - Parameter decoder: What to read from.
  /// - Throws: What the decoder does, and as ``check()``.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(entries: container.decode([Entry].self, forKey: .entries))
  }
}
