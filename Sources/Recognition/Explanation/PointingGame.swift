import Evaluation
import Foundation
import Support

/// Whether heat maps point at what people marked.
///
/// The pointing game (Zhang et al. 2018, "Top-down neural attention by excitation backprop", section 4.1): a
/// hit is a map whose largest value lies in a marked region. Without the margin of 15 pixels that the paper
/// allows, the share that a point anywhere in the image would hit is the region's share of the area
/// (`chance`). The energy-based game (Wang et al. 2020, "Score-CAM", section 4.2) is the share of a map's sum
/// that lies in the region; its chance is the same.
public struct PointingGame: Codable, Sendable, Equatable {
  /// One map of one image.
  public struct Trial: Codable, Sendable, Equatable {
    /// The image.
    public let id: String
    /// The class that was explained.
    public let className: String
    /// Whether the largest value lies in the region; a map without evidence points at nothing.
    public let isHit: Bool
    /// The share of the map's sum in the region; nil without evidence.
    public let energy: Double?
    /// The region's share of the area.
    public let areaShare: Double

    /// Plays one map; of several equally large values the first in the order of rows counts.
    /// - Parameters:
    ///   - id: The image.
    ///   - className: The class that was explained.
    ///   - evidence: 0 to 1 at each pixel.
    ///   - region: Whether each pixel is marked.
    /// - Precondition: As many values as pixels, at least one.
    public init(id: String, className: String, evidence: [Float], region: [Bool]) {
      precondition(
        evidence.count == region.count && !region.isEmpty,
        "\(evidence.count) values for \(region.count) pixels"
      )
      self.id = id
      self.className = className
      var (best, total, inside) = (0, 0.0, 0.0)
      for (place, value) in evidence.enumerated() {
        if value > evidence[best] { best = place }
        total += Double(value)
        if region[place] { inside += Double(value) }
      }
      isHit = evidence[best] > 0 && region[best]
      energy = total > 0 ? inside / total : nil
      areaShare = Double(region.count { $0 }) / Double(region.count)
    }
  }

  /// How the maps were found.
  public let method: ExplanationMethod
  /// Maps that point into their region, with the exact interval.
  public let hits: ShareWithInterval
  /// What a point anywhere would hit: the mean share of the area.
  public let chance: Double
  /// The mean share of the maps' sums that lies in the region; nil where no map has evidence.
  public let energy: Double?
  /// Its 95 % interval, by the bootstrap over maps (percentiles of 2000 resamples).
  public let energyCI95: [Double]?
  /// Maps without any evidence, which count as misses and have no energy.
  public let empty: Int
  /// Each map.
  public let trials: [Trial]

  private static let resamples = 2000

  /// Sums trials up; nil without one.
  /// - Parameters:
  ///   - method: How the maps were found.
  ///   - trials: The maps.
  public init?(method: ExplanationMethod, trials: [Trial]) {
    guard let hits = ShareWithInterval(trials.count(where: \.isHit), of: trials.count) else {
      return nil
    }
    self.method = method
    self.trials = trials
    self.hits = hits
    chance = trials.reduce(0) { $0 + $1.areaShare } / Double(trials.count)
    let energies = trials.compactMap(\.energy)
    empty = trials.count - energies.count
    guard !energies.isEmpty else {
      (energy, energyCI95) = (nil, nil)
      return
    }
    let bootstrap = MeanBootstrap(
      energies,
      resamples: Self.resamples,
      random: RandomStream(seed: 1).split(0x706F_696E)
    )
    let interval = bootstrap.interval(.percentile)
    energy = bootstrap.mean
    energyCI95 = [interval.lowerBound, interval.upperBound]
  }
}
