/// Keeps, of detections that overlap each other, the one of the highest score, class by class.
public struct BoxSuppression: Codable, Sendable, Equatable {
  /// Boxes of one class that overlap more than this (intersection over union) are the same object.
  public var overlap: Double
  /// At most so many detections of an image are kept, those of the highest scores.
  public var maximum: Int

  /// Creates a suppression.
  /// - Parameters:
  ///   - overlap: Boxes of one class that overlap more than this are the same object.
  ///   - maximum: At most so many detections of an image are kept.
  public init(overlap: Double, maximum: Int = 300) {
    self.overlap = overlap
    self.maximum = maximum
  }

  /// More candidates than this are never compared; those of the lowest scores are left out.
  private static let candidateLimit = 30_000

  /// Applies it.
  /// - Parameter detections: The detections of one image; those whose numbers are not finite are left out.
  /// - Returns: What stays, by falling score; equal scores keep their order.
  public func callAsFunction(_ detections: [Detection]) -> [Detection] {
    let ordered = detections.enumerated().filter { entry in
      let box = entry.element.box
      return entry.element.score.isFinite
        && [box.left, box.top, box.right, box.bottom].allSatisfy(\.isFinite)
    }
    .sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
    .prefix(Self.candidateLimit).map(\.element)
    var kept: [Detection] = []
    var ofClass: [Int: [DetectionBox]] = [:]
    for detection in ordered {
      if kept.count >= maximum { break }
      if ofClass[detection.label, default: []].contains(where: {
        $0.overlap(detection.box) > overlap
      }) {
        continue
      }
      ofClass[detection.label, default: []].append(detection.box)
      kept.append(detection)
    }
    return kept
  }
}
