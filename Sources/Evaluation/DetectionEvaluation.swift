/// The average precision of detected boxes, as the COCO challenge counts it.
///
/// For each class, range of box areas and threshold of the intersection over union (IoU),
/// detections of an image are matched in order of falling score: each takes the free true box with
/// the largest IoU of at least the threshold. Boxes outside the area range are ignored, and so are
/// unmatched detections outside it. In a crowd any number of detections may lie, by the share of their
/// own area in it; they neither count nor harm. The average precision is the mean of the precision, made
/// falling, at 101 recalls 0, 0.01, ..., 1 (Lin et al. 2014, "Microsoft COCO: common objects in
/// context"; values are those of pycocotools). Boxes with masks are compared by these.
public struct DetectionEvaluation: Sendable {
  /// A box along the axes.
  public struct Box: Equatable, Sendable {
    /// How a true box counts.
    public enum Kind: Sendable, Equatable {
      /// As one object.
      case counted
      /// Not: whether it is found or not, nothing is gained or lost.
      case ignored
      /// Not, and any number of detections may lie in it.
      case crowd
    }

    /// The image it lies in.
    public let image: Int
    /// The class.
    public let label: Int
    /// The lower edges, in pixels.
    public let x, y: Double
    /// The extent, in pixels.
    public let width, height: Double
    /// The confidence of a detection; true boxes have none that counts.
    public let score: Double
    /// How a true box counts; detections have none that counts.
    public let kind: Kind
    /// The pixels within, by which overlaps and areas are measured instead; nil for the box.
    public let mask: RunLengthMask?

    /// Creates a box.
    /// - Parameters:
    ///   - image: The image it lies in.
    ///   - label: The class.
    ///   - x: The lower edge along x, in pixels.
    ///   - y: The lower edge along y, in pixels.
    ///   - width: The extent along x, in pixels.
    ///   - height: The extent along y, in pixels.
    ///   - score: The confidence of a detection.
    ///   - kind: How a true box counts.
    ///   - mask: The pixels within, by which overlaps and areas are measured instead.
    public init(
      image: Int,
      label: Int,
      x: Double,
      y: Double,
      width: Double,
      height: Double,
      score: Double = 1,
      kind: Kind = .counted,
      mask: RunLengthMask? = nil
    ) {
      self.image = image
      self.label = label
      (self.x, self.y, self.width, self.height) = (x, y, width, height)
      self.score = score
      self.kind = kind
      self.mask = mask
    }

    var area: Double { mask.map { Double($0.area) } ?? width * height }

    /// The intersection over the union with a true box, or over the own area for a crowd.
    func overlap(_ other: Box) -> Double {
      let across = min(x + width, other.x + other.width) - max(x, other.x)
      let down = min(y + height, other.y + other.height) - max(y, other.y)
      guard across > 0, down > 0 else { return 0 }
      var common = across * down
      if let mask, let otherMask = other.mask { common = Double(mask.common(with: otherMask)) }
      guard common > 0 else { return 0 }
      return common / (other.kind == .crowd ? area : area + other.area - common)
    }
  }

  /// A range of box areas.
  public enum Size: String, Sendable, CaseIterable {
    /// Every box.
    case all
    /// Up to 32 x 32 pixels.
    case small
    /// From 32 x 32 up to 96 x 96 pixels.
    case medium
    /// From 96 x 96 pixels.
    case large

    var areas: ClosedRange<Double> {
      switch self {
      case .all: 0...1e10
      case .small: 0...1024
      case .medium: 1024...9216
      case .large: 9216...1e10
      }
    }
  }

  /// The thresholds of the intersection over union: 0.5, 0.55, ..., 0.95.
  public static let thresholds = (0..<10).map { 0.5 + 0.05 * Double($0) }
  /// The detections of an image and class that count, those of highest score.
  public static let detectionLimit = 100

  private let detections: [Key: [Box]]
  private let truths: [Key: [Box]]
  /// The classes of the true boxes, rising.
  public let labels: [Int]

  private struct Key: Hashable {
    let label: Int
    let image: Int
  }

  /// Collects boxes.
  /// - Parameters:
  ///   - detections: The detected boxes of all images.
  ///   - truths: The true boxes of all images.
  public init(detections: [Box], truths: [Box]) {
    func grouped(_ boxes: [Box]) -> [Key: [Box]] {
      Dictionary(grouping: boxes) { Key(label: $0.label, image: $0.image) }
    }
    self.detections = grouped(detections).mapValues { boxes in
      let ordered = boxes.enumerated()
        .sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
      return Array(ordered.map(\.element).prefix(Self.detectionLimit))
    }
    self.truths = grouped(truths)
    labels = Set(truths.map(\.label)).sorted()
  }

  /// The mean average precision over classes and thresholds.
  /// - Parameters:
  ///   - thresholds: The thresholds of the intersection over union.
  ///   - size: The range of box areas.
  /// - Returns: Between 0 and 1; nil when no class has a true box of the range.
  public func meanAveragePrecision(
    thresholds: [Double] = thresholds,
    size: Size = .all
  ) -> Double? {
    mean(thresholds) { averagePrecision(label: $0, threshold: $1, size: size)?.precision }
  }

  /// The mean over classes and thresholds of the largest recall.
  /// - Parameters:
  ///   - thresholds: The thresholds of the intersection over union.
  ///   - size: The range of box areas.
  /// - Returns: Between 0 and 1; nil when no class has a true box of the range.
  public func meanAverageRecall(thresholds: [Double] = thresholds, size: Size = .all) -> Double? {
    mean(thresholds) { averagePrecision(label: $0, threshold: $1, size: size)?.recall }
  }

  private func mean(_ thresholds: [Double], _ value: (Int, Double) -> Double?) -> Double? {
    let found = thresholds.flatMap { threshold in labels.compactMap { value($0, threshold) } }
    return found.isEmpty ? nil : found.reduce(0, +) / Double(found.count)
  }

  /// The average precision of one class at one threshold, and the recall of all its detections.
  /// - Parameters:
  ///   - label: The class.
  ///   - threshold: The least intersection over union of a match.
  ///   - size: The range of box areas.
  /// - Returns: Both, or nil when the class has no true box of the range.
  public func averagePrecision(
    label: Int,
    threshold: Double,
    size: Size = .all
  ) -> (precision: Double, recall: Double)? {
    guard var curve = curve(label: label, threshold: threshold, size: size) else { return nil }
    for rank in curve.indices.dropLast().reversed() {
      curve[rank].precision = max(curve[rank].precision, curve[rank + 1].precision)
    }
    var sum = 0.0
    var rank = 0
    for step in 0...100 {
      // The product, not the quotient, as in pycocotools: they differ in the last bit, and recalls
      // tie.
      while rank < curve.count, curve[rank].recall < Double(step) * 0.01 { rank += 1 }
      if rank < curve.count { sum += curve[rank].precision }
    }
    return (sum / 101, curve.last?.recall ?? 0)
  }

  /// What is told when detections of at least a score are taken.
  public struct CurvePoint: Codable, Equatable, Sendable {
    /// The least score.
    public let score: Double
    /// The share of the true boxes that are found.
    public let recall: Double
    /// The share of the detections that are right.
    public fileprivate(set) var precision: Double
  }

  /// Precision and recall of one class at one threshold, as more and more detections are taken.
  /// - Parameters:
  ///   - label: The class.
  ///   - threshold: The least intersection over union of a match.
  ///   - size: The range of box areas.
  /// - Returns: A point for each detection that counts, by falling score; nil when the class has no true
  ///   box of the range.
  public func curve(label: Int, threshold: Double, size: Size = .all) -> [CurvePoint]? {
    var total = 0
    var outcomes: [(score: Double, isHit: Bool)] = []
    let images = Set((Array(truths.keys) + Array(detections.keys)).filter { $0.label == label })
      .sorted { $0.image < $1.image }
    for key in images {
      let found = match(detections[key] ?? [], truths[key] ?? [], threshold, size)
      total += found.total
      outcomes += found.outcomes
    }
    guard total > 0 else { return nil }
    // Equal scores keep the order of images and detections.
    let ordered = outcomes.enumerated()
      .sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }.map(\.element)
    var hits = 0
    return ordered.enumerated().map { rank, outcome in
      if outcome.isHit { hits += 1 }
      return CurvePoint(
        score: outcome.score,
        recall: Double(hits) / Double(total),
        precision: Double(hits) / Double(rank + 1)
      )
    }
  }

  /// The outcome of every detection of one image that counts, and the true boxes that count.
  private func match(
    _ detections: [Box],
    _ truths: [Box],
    _ threshold: Double,
    _ size: Size
  ) -> (total: Int, outcomes: [(score: Double, isHit: Bool)]) {
    // True boxes that count come first; an ignored one is only taken when no other will do.
    func counts(_ truth: Box) -> Bool { truth.kind == .counted && size.areas.contains(truth.area) }
    let counted = truths.filter(counts)
    let ordered = counted + truths.filter { !counts($0) }
    var isTaken = [Bool](repeating: false, count: ordered.count)
    var outcomes: [(score: Double, isHit: Bool)] = []
    for detection in detections {
      var best = min(threshold, 1 - 1e-10)
      var partner: Int?
      for (index, truth) in ordered.enumerated() where !isTaken[index] || truth.kind == .crowd {
        if let partner, partner < counted.count, index >= counted.count { break }
        let overlap = detection.overlap(truth)
        guard overlap >= best else { continue }
        (best, partner) = (overlap, index)
      }
      if let partner {
        isTaken[partner] = true
        if partner < counted.count { outcomes.append((detection.score, true)) }
      } else if size.areas.contains(detection.area) {
        outcomes.append((detection.score, false))
      }
    }
    return (counted.count, outcomes)
  }
}
