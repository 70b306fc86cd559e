import Evaluation
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
    let target = (truth ?? before).labels
    let (first, second) = (
      JointCounts(prediction: before.labels, reference: target),
      JointCounts(prediction: after.labels, reference: target)
    )
    let spacing = before.geometry.spacing
    let millilitres = spacing.x * spacing.y * spacing.z / 1000
    let known = Dictionary(
      (truth?.table ?? []).map { ($0.id, $0.name) } + before.table.map { ($0.id, $0.name) },
      uniquingKeysWith: { $1 }
    )
    let labels = Set(known.keys).union(first.predictionLabels).union(first.referenceLabels)
      .union(second.predictionLabels).sorted()
    structures = labels.map { label in
      func counts(_ joint: JointCounts) -> ConfusionCounts {
        joint.counts(predictionIDs: [label], referenceIDs: [label])
      }
      let (old, new) = (counts(first), counts(second))
      return Structure(
        label: label,
        name: known[label] ?? "\(label)",
        diceBefore: truth == nil ? nil : Self.dice(old),
        diceAfter: Self.dice(new),
        volumeBeforeML: Double(old.prediction) * millilitres,
        volumeAfterML: Double(new.prediction) * millilitres
      )
    }
  }

  /// Nil where neither map has the structure.
  private static func dice(_ counts: ConfusionCounts) -> Double? {
    let sum = counts.prediction + counts.reference
    return sum > 0 ? 2 * Double(counts.truePositives) / Double(sum) : nil
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
