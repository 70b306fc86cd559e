import Networks

extension EnhancementPlan {
  /// What of a piece is kept, beyond its halo.
  private static let (sliceCore, volumeCore) = (128, 48)

  /// Chooses pieces for prediction: what the network reaches around a core, or half of a piece shared.
  /// - Parameters:
  ///   - network: The network with any weights; all else of the plan is set.
  ///   - channels: Channels of an image, 1 or 3.
  /// - Throws: `NetworksError`.
  package mutating func setPatch(for network: any Network, channels: Int = 1) throws {
    let core = dimensions == 2 ? Self.sliceCore : Self.volumeCore
    let reach = try NetworkReach.measured(
      network,
      channels: inputChannels(of: channels),
      dimensions: dimensions
    )
    let multiples = network.axisMultiples
    let needed = multiples.count == 1 ? patchSize.map { _ in multiples[0] } : multiples
    halo = reach ?? core / 4
    seam = reach == nil ? .blended : .exact
    patchSize = needed.map { (core + 2 * halo + $0 - 1) / $0 * $0 }
  }
}
