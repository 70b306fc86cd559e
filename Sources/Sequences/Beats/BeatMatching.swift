import Recognition

/// Beats that were found against beats that were annotated.
///
/// ANSI/AAMI EC57 compares beats within 150 ms of each other; each is matched at most once, the nearest
/// pairs first.
public struct BeatMatching: Codable, Sendable, Equatable {
  /// The largest distance of a pair, s.
  public static let windowSeconds = 0.15

  /// Pairs of the indices of an annotated beat and one that was found; not in the record.
  package let pairs: [(reference: Int, found: Int)]
  /// Annotated beats that were found.
  public let truePositives: Int
  /// Annotated beats that were not.
  public let falseNegatives: Int
  /// Beats that were found where none was annotated.
  public let falsePositives: Int
  /// The share of annotated beats that were found, with its exact interval; nil without any.
  public let sensitivity: ShareWithInterval?
  /// The share of beats found that were annotated, with its exact interval; nil without any.
  public let precision: ShareWithInterval?
  /// 2 TP / (2 TP + FP + FN); nil without any beat.
  public let f1: Double?
  /// The mean distance of pairs, found minus annotated, ms; nil without a pair.
  public let meanErrorMS: Double?
  /// The largest distance of a pair, ms; nil without a pair.
  public let largestErrorMS: Double?

  private enum CodingKeys: String, CodingKey {
    case truePositives, falseNegatives, falsePositives, sensitivity, precision, f1, meanErrorMS
    case largestErrorMS
  }

  /// Matches beats.
  /// - Parameters:
  ///   - found: Samples of beats that were found, rising.
  ///   - reference: Samples of beats that were annotated, rising.
  ///   - samplingHz: Samples a second.
  public init(found: [Int], reference: [Int], samplingHz: Double) {
    let reach = Self.windowSeconds * samplingHz
    var candidates: [(distance: Int, reference: Int, found: Int)] = []
    var start = 0
    for (index, sample) in reference.enumerated() {
      while start < found.count, Double(sample - found[start]) > reach { start += 1 }
      for place in start..<max(start, found.count) {
        guard Double(found[place] - sample) <= reach else { break }
        candidates.append((abs(found[place] - sample), index, place))
      }
    }
    candidates.sort {
      ($0.distance, $0.reference, $0.found) < ($1.distance, $1.reference, $1.found)
    }
    var (usedReference, usedFound) = (Set<Int>(), Set<Int>())
    var pairs: [(reference: Int, found: Int)] = []
    for candidate in candidates
    where !usedReference.contains(candidate.reference) && !usedFound.contains(candidate.found) {
      usedReference.insert(candidate.reference)
      usedFound.insert(candidate.found)
      pairs.append((candidate.reference, candidate.found))
    }
    pairs.sort { $0.reference < $1.reference }
    let errors = pairs.map { 1000 * Double(found[$0.found] - reference[$0.reference]) / samplingHz }
    self.init(
      pairs: pairs,
      found: found.count,
      reference: reference.count,
      errorsMS: errors
    )
  }

  /// The counts of several records together; pairs are not kept.
  /// - Parameter parts: Each record's result.
  public init(joining parts: [BeatMatching]) {
    let errors = parts.flatMap { part in
      [Double](repeating: part.meanErrorMS ?? 0, count: part.truePositives)
    }
    let largest = parts.compactMap(\.largestErrorMS).max()
    self.init(
      truePositives: parts.reduce(0) { $0 + $1.truePositives },
      found: parts.reduce(0) { $0 + $1.truePositives + $1.falsePositives },
      reference: parts.reduce(0) { $0 + $1.truePositives + $1.falseNegatives },
      pairs: [],
      meanErrorMS: errors.isEmpty ? nil : errors.reduce(0, +) / Double(errors.count),
      largestErrorMS: largest
    )
  }

  private init(
    pairs: [(reference: Int, found: Int)],
    found: Int,
    reference: Int,
    errorsMS: [Double]
  ) {
    self.init(
      truePositives: pairs.count,
      found: found,
      reference: reference,
      pairs: pairs,
      meanErrorMS: errorsMS.isEmpty ? nil : errorsMS.reduce(0, +) / Double(errorsMS.count),
      largestErrorMS: errorsMS.map { abs($0) }.max()
    )
  }

  private init(
    truePositives: Int,
    found: Int,
    reference: Int,
    pairs: [(reference: Int, found: Int)],
    meanErrorMS: Double?,
    largestErrorMS: Double?
  ) {
    self.pairs = pairs
    self.truePositives = truePositives
    falseNegatives = reference - truePositives
    falsePositives = found - truePositives
    sensitivity = ShareWithInterval(truePositives, of: reference)
    precision = ShareWithInterval(truePositives, of: found)
    f1 = found + reference > 0 ? 2 * Double(truePositives) / Double(found + reference) : nil
    self.meanErrorMS = meanErrorMS
    self.largestErrorMS = largestErrorMS
  }

  /// Reads the counts; pairs are not stored.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let hits = try values.decode(Int.self, forKey: .truePositives)
    self.init(
      truePositives: hits,
      found: hits + (try values.decode(Int.self, forKey: .falsePositives)),
      reference: hits + (try values.decode(Int.self, forKey: .falseNegatives)),
      pairs: [],
      meanErrorMS: try values.decodeIfPresent(Double.self, forKey: .meanErrorMS),
      largestErrorMS: try values.decodeIfPresent(Double.self, forKey: .largestErrorMS)
    )
  }

  /// Whether counts and distances are equal; pairs are not compared.
  public static func == (first: BeatMatching, second: BeatMatching) -> Bool {
    first.truePositives == second.truePositives
      && first.falseNegatives == second.falseNegatives
      && first.falsePositives == second.falsePositives
      && first.meanErrorMS == second.meanErrorMS
      && first.largestErrorMS == second.largestErrorMS
  }
}
