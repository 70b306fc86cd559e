import Networks
import Pipelines
import Support
import Tensors

/// A network that makes an image of an image, at once or by diffusion, on its own scale of intensities.
struct ImageNetwork: Sendable {
  private let tiled: TiledNetwork
  private let diffusion: DiffusionPlan?

  /// Creates what applies a network.
  /// - Parameters:
  ///   - network: The network.
  ///   - plan: What stands between an image and the network.
  ///   - leaps: Leaps of a diffusion model; nil for the plan's.
  /// - Throws: `NetworksError`.
  init(_ network: any Network, plan: EnhancementPlan, leaps: Int? = nil) throws {
    tiled = TiledNetwork(
      try PlannedNetwork(network),
      multiples: network.axisMultiples,
      plan: plan
    )
    var diffusion = plan.diffusion
    if let leaps { diffusion?.leaps = leaps }
    self.diffusion = diffusion
  }

  /// Makes an image.
  ///
  /// A diffusion model leaps with the whole image, which its pieces make together: they share one noise,
  /// and agree at their seams at every leap.
  /// - Parameters:
  ///   - channels: The image's channels on the network's scale, x fastest.
  ///   - size: Voxels along each axis.
  ///   - level: The noise that the network is told, or nil.
  ///   - seed: Seed of a diffusion model's noise.
  ///   - draw: Which of several images of that seed.
  ///   - progress: Told about pieces.
  ///   - interruption: Looked at between batches.
  /// - Returns: As many channels, larger by the network's scale along the axes that it sees.
  /// - Throws: `SupportError.interrupted`.
  func apply(
    _ channels: [[Float]],
    size: SIMD3<Int>,
    level: Float?,
    seed: UInt64,
    draw: Int = 0,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> [[Float]] {
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
    let image = try diffusion.process.images(from: noise, count: diffusion.leaps) { noisy, step in
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
    return [image.values.map(DiffusionPlan.restored)]
  }
}
