import Evaluation

/// How well embeddings tell whether two images show the same, and find it in a gallery.
public struct VerificationEvaluation: Codable, Sendable, Equatable {
  /// Images.
  public let images: Int
  /// Identities that have at least two images.
  public let identities: Int
  /// Pairs of images of the same identity, and of different ones; of more than 2 000 000 every n-th.
  public let pairs: [Int]
  /// The area under the receiver operating curve of the similarity of pairs.
  ///
  /// No interval: pairs that share an image are not independent.
  public let area: Double
  /// The rate at which as many different pairs are called the same as the other way round.
  public let equalErrorRate: Double
  /// The similarity at which that is.
  public let equalErrorThreshold: Double
  /// The share of same pairs that are found while 1 in 100 different ones are called the same.
  public let trueAcceptanceAt1Percent: Double
  /// The share of images whose nearest other image shows the same (rank 1), of those with a partner.
  public let rank1: ShareWithInterval?

  /// More pairs than this are thinned evenly.
  private static let mostPairs = 2_000_000

  /// Measures; nil unless there are pairs of both kinds.
  /// - Parameters:
  ///   - embeddings: Of each image, of length 1.
  ///   - identities: What each image shows.
  package init?(_ embeddings: [[Float]], identities: [Int]) {
    precondition(embeddings.count == identities.count, "an identity for each embedding")
    let count = embeddings.count
    let all = count * (count - 1) / 2
    let step = max(1, (all + Self.mostPairs - 1) / Self.mostPairs)
    var (scores, isSame): ([Double], [Bool]) = ([], [])
    var (hits, searched, place) = (0, 0, 0)
    var best = [Float](repeating: -.infinity, count: count)
    var nearest = [Int](repeating: -1, count: count)
    for a in 0..<count {
      for b in a + 1..<max(a + 1, count) {
        var similarity: Float = 0
        for (x, y) in zip(embeddings[a], embeddings[b]) { similarity += x * y }
        if similarity > best[a] { (best[a], nearest[a]) = (similarity, b) }
        if similarity > best[b] { (best[b], nearest[b]) = (similarity, a) }
        if place % step == 0 {
          scores.append(Double(similarity))
          isSame.append(identities[a] == identities[b])
        }
        place += 1
      }
    }
    guard let curve = ReceiverOperatingCurve(scores: scores, isPositive: isSame) else {
      return nil
    }
    let members = Dictionary(grouping: identities, by: \.self).mapValues(\.count)
    for index in 0..<count where (members[identities[index]] ?? 0) > 1 {
      searched += 1
      if identities[nearest[index]] == identities[index] { hits += 1 }
    }
    images = count
    self.identities = members.values.count { $0 > 1 }
    pairs = [curve.positives, curve.negatives]
    area = curve.area
    var (gap, rate, threshold, accepted) = (Double.infinity, 0.0, 0.0, 0.0)
    // Before the first, infinite, threshold nothing is called the same.
    for point in curve.points.dropFirst() {
      let missed = 1 - Double(point.truePositives) / Double(curve.positives)
      let wrong = Double(point.falsePositives) / Double(curve.negatives)
      if abs(missed - wrong) < gap {
        (gap, rate, threshold) = (abs(missed - wrong), (missed + wrong) / 2, point.threshold)
      }
      if wrong <= 0.01 { accepted = 1 - missed }
    }
    equalErrorRate = rate
    equalErrorThreshold = threshold
    trueAcceptanceAt1Percent = accepted
    rank1 = ShareWithInterval(hits, of: searched)
  }
}
