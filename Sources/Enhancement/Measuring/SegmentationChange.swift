import Imaging

/// What an enhancement did to a segmentation.
public struct SegmentationChange: Codable, Sendable, Equatable {
  /// What Dice is against.
  public enum Truth: String, Codable, Sendable {
    /// A label map that was given.
    case reference
    /// The clean image's own segmentation by the same model.
    case clean
    /// The segmentation of the image before: how much changed, not what became better.
    case before
  }

  /// One structure.
  public struct Structure: Codable, Sendable, Equatable {
    /// Its label.
    public let label: Int
    /// Its name.
    public let name: String
    /// Dice of the image before; nil against itself, and where neither has the structure.
    public let diceBefore: Double?
    /// Dice of the image after; nil where neither has the structure.
    public let diceAfter: Double?
    /// The volume before, ml.
    public let volumeBeforeML: Double
    /// The volume after, ml.
    public let volumeAfterML: Double

    /// The volume after less before, ml.
    public var volumeChangeML: Double { volumeAfterML - volumeBeforeML }
    /// Dice after less before; nil where either is undefined.
    public var diceChange: Double? {
      diceAfter.flatMap { after in diceBefore.map { after - $0 } }
    }
  }

  /// A fall of Dice beyond this is warned of.
  public static let toleratedFall = 0.002

  /// The model's name.
  public let model: String
  /// What Dice is against.
  public let truth: Truth
  /// The structures, by rising label.
  public let structures: [Structure]

  /// Compares segmentations on one grid.
  /// - Parameters:
  ///   - model: The model's name.
  ///   - before: The segmentation of the image before.
  ///   - after: That of the image after.
  ///   - truth: What they should be; nil compares after with before.
  ///   - kind: What the truth is; it counts as `.before` without one.
  /// - Precondition: All lie on grids of one size.
  package init(
    model: String,
    before: LabelMap,
    after: LabelMap,
    truth: LabelMap?,
    kind: Truth
  ) {
    self.model = model
    self.truth = truth == nil ? .before : kind
    let (first, second) = (Overlaps(before, truth ?? before), Overlaps(after, truth ?? before))
    let spacing = before.geometry.spacing
    let millilitres = spacing.x * spacing.y * spacing.z / 1000
    let known = Dictionary(
      (truth?.table ?? []).map { ($0.id, $0.name) } + before.table.map { ($0.id, $0.name) },
      uniquingKeysWith: { $1 }
    )
    let labels = Set(known.keys).union(first.labels).union(second.labels).sorted()
    structures = labels.map { label in
      Structure(
        label: label,
        name: known[label] ?? "\(label)",
        diceBefore: truth == nil ? nil : first.dice(label),
        diceAfter: second.dice(label),
        volumeBeforeML: Double(first.count(label)) * millilitres,
        volumeAfterML: Double(second.count(label)) * millilitres
      )
    }
  }

  /// One sentence for every structure whose Dice fell by more than is tolerated.
  public var warnings: [String] {
    structures.compactMap { structure in
      guard let change = structure.diceChange, change < -Self.toleratedFall else { return nil }
      let fall = (-change * 10_000).rounded() / 10_000
      return "\(structure.name) is segmented worse after the enhancement: Dice fell by \(fall)."
    }
  }
}

/// Voxels of each label in two maps, and in both.
private struct Overlaps {
  private var own: [Int]
  private var other: [Int]
  private var common: [Int]

  init(_ a: LabelMap, _ b: LabelMap) {
    precondition(a.labels.count == b.labels.count, "maps of different size")
    let count = Int(max(a.labels.max() ?? 0, b.labels.max() ?? 0)) + 1
    own = [Int](repeating: 0, count: count)
    (other, common) = (own, own)
    for (first, second) in zip(a.labels, b.labels) {
      own[Int(first)] += 1
      other[Int(second)] += 1
      if first == second { common[Int(first)] += 1 }
    }
  }

  /// Labels that either map has, without background.
  var labels: [Int] { own.indices.dropFirst().filter { own[$0] + other[$0] > 0 } }

  func count(_ label: Int) -> Int { label < own.count ? own[label] : 0 }

  func dice(_ label: Int) -> Double? {
    guard label < own.count, own[label] + other[label] > 0 else { return nil }
    return 2 * Double(common[label]) / Double(own[label] + other[label])
  }
}
