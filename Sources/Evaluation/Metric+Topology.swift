import Imaging

extension Metric {
  /// The shape of masks: centre lines, pieces, tunnels and cavities.
  static let topology: [Metric] = [
    mask(
      "clDice",
      "Centreline Dice",
      better: .higher,
      needs: .centrelines,
      "2 P S / (P + S), where P is the share of the prediction's centre line within the reference "
        + "and S the other way round (Shit et al. 2021); centre lines by Lee's thinning (1994) as "
        + "scikit-image up to 0.26, skeletonize(method=\"lee\"), of arrays indexed (z, y, x). It may "
        + "leave nothing of compact shapes: undefined then. 0 when both shares are; empty masks by "
        + "the policy."
    ) { pair in
      if let value = pair.policy.overlap(pair.counts.emptyState) { return value }
      guard let score = pair.centrelines?.score else {
        return .undefined(reason: "thinning leaves no centre line of a mask")
      }
      return .value(score)
    },
    betti(
      "betti0",
      "Error of the number of pieces",
      "connected pieces (26 neighbours)",
      { $0.error(\.pieces) }
    ),
    betti(
      "betti1",
      "Error of the number of tunnels",
      "tunnels, from the Euler number",
      { $0.error(\.tunnels) }
    ),
    betti(
      "betti2",
      "Error of the number of cavities",
      "closed cavities (6 neighbours of the background)",
      { $0.error(\.cavities) }
    ),
  ]

  private static func betti(
    _ key: String,
    _ name: String,
    _ what: String,
    _ evaluate: @escaping @Sendable (TopologyDifference) -> Double
  ) -> Metric {
    mask(
      key,
      name,
      better: .lower,
      range: 0...(.infinity),
      needs: .topology,
      "The absolute difference of the numbers of \(what): Betti number "
        + "\(key.last.map(String.init) ?? "") of prediction and reference. An empty mask has none; "
        + "both empty by the policy, as distances."
    ) { pair in
      guard let topology = pair.topology else {
        return pair.policy.distance(.both, diagonalMM: pair.diagonalMM)
          ?? .undefined(reason: EmptyState.both.reason)
      }
      return .value(evaluate(topology))
    }
  }
}
