import Imaging
import Networks
import Pipelines
import Support
import Tensors

/// A network that makes an image of an image, at once or by diffusion, on its own scale of intensities.
struct ImageNetwork: Sendable {
  private let tiled: TiledNetwork
  private let diffusion: DiffusionPlan?
  private let guide: GuidingFilter?

  /// Creates what applies a network.
  /// - Parameters:
  ///   - network: The network.
  ///   - plan: What stands between an image and the network.
  ///   - leaps: Leaps of a diffusion model; nil for the plan's.
  /// - Throws: `NetworksError`; `TransformsError` for a guide that is no filter.
  init(_ network: any Network, plan: EnhancementPlan, leaps: Int? = nil) throws {
    tiled = TiledNetwork(
      try PlannedNetwork(network),
      multiples: network.axisMultiples,
      plan: plan
    )
    var diffusion = plan.diffusion
    if let leaps { diffusion?.leaps = leaps }
    self.diffusion = diffusion
    guide = try GuidingFilter(plan)
  }

  /// Makes an image.
  ///
  /// Where a filter guides the network, the result is the filter's image, corrected.
  ///
  /// A diffusion model leaps with the whole image, which its pieces make together: they share one noise,
  /// and agree at their seams at every leap.
  /// - Parameters:
  ///   - image: The image's channels on the network's scale, on one grid; one if a filter guides the
  ///     network.
  ///   - level: The noise that the network is told, or nil.
  ///   - seed: Seed of a diffusion model's noise.
  ///   - draw: Which of several images of that seed.
  ///   - progress: Told about pieces.
  ///   - interruption: Looked at between batches.
  /// - Returns: As many channels, larger by the network's scale along the axes that it sees.
  /// - Throws: `SupportError.interrupted`.
  func apply(
    _ image: [Volume<Float>],
    level: Float?,
    seed: UInt64,
    draw: Int = 0,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> [[Float]] {
    let (channels, size) = (image.map(\.voxels), image[0].geometry.size)
    if let guide {
      let filtered = try guide.image(of: image[0]).voxels
      let correction = try tiled.apply(
        channels + [filtered],
        size: size,
        level: level,
        outputs: 1,
        progress: progress,
        interruption: interruption
      )
      return [zip(filtered, correction[0]).map { $0 + $1 }]
    }
    guard let diffusion else {
      return try tiled.apply(
        channels,
        size: size,
        level: level,
        progress: progress,
        interruption: interruption
      )
    }
    let condition = channels[0].map(DiffusionPlan.centered)
    let shape = [1, condition.count]
    var random = RandomStream(seed: seed).split(0x6472_6177, draw)
    let noise = Tensor(condition.map { _ in Float(random.normal()) }, shape: shape)
    let drawn = try diffusion.process.images(from: noise, count: diffusion.leaps) { noisy, step in
      let found = try tiled.apply(
        [noisy.values, condition],
        size: size,
        level: Float(step),
        outputs: 1,
        progress: progress,
        interruption: interruption
      )
      return Tensor(found[0], shape: shape)
    }
    return [drawn.values.map(DiffusionPlan.restored)]
  }
}
