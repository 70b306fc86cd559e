import Imaging
import Pipelines
import Support
import Transforms

/// Brings a scan to the look of a group, as a step of an enhancement.
public struct HarmonizationStage: ScanStage {
  /// How.
  public enum Method: String, Codable, Sendable, CaseIterable {
    /// Nyúl, Udupa and Zhang 2000: eleven landmarks of the foreground's histogram.
    case landmarks
    /// The whole distribution of the foreground, in 25 steps.
    case histogram
    /// The distribution, and the strength of details of three sizes: adaptive statistics as of AdaIN
    /// (Huang and Belongie 2017), of bands of the scan instead of maps of a network.
    case details
  }

  /// Details become at most so many times stronger or weaker.
  private static let largestGain = 2.0
  /// Percentiles of the knots of `histogram`.
  private static let knots: [Double] = [0.5] + (1...24).map { 4 * Double($0) } + [99.5]

  /// The group.
  public let group: IntensityGroup
  /// How.
  public let method: Method

  /// Creates the step.
  /// - Parameters:
  ///   - group: What scans are to look like.
  ///   - method: How.
  public init(_ group: IntensityGroup, method: Method) {
    (self.group, self.method) = (group, method)
  }

  package var record: StageRecord {
    StageRecord(
      name: "harmonise:\(method.rawValue)",
      summary: "intensities as of \(group.words)"
    )
  }

  package func check(_ scan: Volume<Float>, modality: String?, path: String) throws {
    guard ForegroundValues(scan) != nil else { throw StylizationError.noContrast(path: path) }
  }

  package func apply(
    _ scan: Volume<Float>,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> Volume<Float> {
    try interruption.check()
    progress.begin("harmonising (\(method.rawValue))", total: nil)
    defer { progress.end() }
    guard let values = ForegroundValues(scan) else { return scan }
    switch method {
    case .landmarks:
      let (low, high) = group.range
      return Volume(
        geometry: scan.geometry,
        voxels: group.standard.apply(scan.voxels).map {
          Float(low + Double($0) / 100 * (high - low))
        }
      )
    case .histogram: return matched(scan, values)
    case .details:
      let even = matched(scan, values)
      try interruption.check()
      guard let now = ForegroundValues(even) else { return even }
      let own = DetailBands(even, now)
      var voxels = even.voxels
      for (band, (found, wanted)) in zip(own.bands, zip(own.deviations, group.details)) {
        let ratio = found > 0 ? wanted / found : 1
        let gain = Float(min(max(ratio, 1 / Self.largestGain), Self.largestGain) - 1)
        // What is air has no details of its own.
        for place in voxels.indices where even.voxels[place] > now.edge {
          voxels[place] += gain * band[place]
        }
      }
      return Volume(geometry: scan.geometry, voxels: voxels)
    }
  }

  /// Values through a rising line of straight pieces; below the foreground one piece to the mean of
  /// the background.
  private func matched(_ scan: Volume<Float>, _ values: ForegroundValues) -> Volume<Float> {
    var all: [(Double, Double)] = [(values.background, group.background)]
    for knot in Self.knots {
      all.append(
        (
          ForegroundValues.at(knot, values.percentiles),
          ForegroundValues.at(knot, group.percentiles)
        )
      )
    }
    var lines = [all[0]]
    // Equal values must not make a line without a slope, nor one that falls.
    for next in all.dropFirst() where next.0 > lines[lines.count - 1].0 {
      lines.append((next.0, max(next.1, lines[lines.count - 1].1)))
    }
    guard lines.count > 1 else { return scan }
    let knots = lines
    return scan.map { value in
      guard value.isFinite else { return value }
      var upper = 1
      while upper < knots.count - 1, Double(value) > knots[upper].0 { upper += 1 }
      let (a, b) = (knots[upper - 1], knots[upper])
      let share: Double = (Double(value) - a.0) / (b.0 - a.0)
      return Float(a.1 + share * (b.1 - a.1))
    }
  }
}
