import CKernels
import Support

/// Tells tiles that hold nothing but air, and whether a network sees background in them.
///
/// Around a body a scan in CT holds many such tiles. They differ in noise alone, so that the scores of
/// one may serve for all where they are background by a wide margin.
struct AirTiles: Sendable {
  private let heads: NNUNetPlan.Heads
  /// Planes, rows and columns of a tile.
  private let patch: [Int]
  /// The value up to which a voxel is air as the network sees it.
  private let limit: Float

  /// Air with the noise of a scanner; lungs reach down to about −950 HU in places, but their tiles hold
  /// vessels and walls.
  private static let airHU = -900.0

  /// Background leads by this much where air counts as known: the other classes share 0.1 %.
  private static let margin: Float = 7

  /// The rule for a plan, or nil where values are no HU, further channels say more than they do, or
  /// tiles come in batches.
  init?(_ plan: NNUNetPlan) {
    guard !plan.isPlanar, plan.previousStage == nil, plan.channels.count == 1,
      case .ct(let mean, let deviation, let low, let high) = plan.channels[0]
    else { return nil }
    heads = plan.heads
    patch = plan.patchSize
    limit = Float((min(max(Self.airHU, low), high) - mean) / max(deviation, 1e-8))
  }

  /// Whether no voxel of a tile is denser than air.
  func isAir(_ tile: AlignedBuffer<Float>) -> Bool {
    for index in 0..<tile.count where tile.pointer[index] > limit { return false }
    return true
  }

  /// Whether a tile's scores stand for background everywhere, by a margin.
  /// - Parameters:
  ///   - scores: `[output][voxels]` of scores, or of what the head makes them of.
  ///   - head: What makes scores, or nil.
  /// - Returns: Whether background leads; of regions, whether none comes near one half.
  func isBackground(_ scores: UnsafePointer<Float>, head: ScoringNetwork.Head?) -> Bool {
    let volume = patch.reduce(1, *)
    let width = patch[2]
    let classes = heads.count
    var background: Int?
    if case .labels(let numbers) = heads {
      guard let index = numbers.firstIndex(of: 0) else { return false }
      background = index
    }
    let line = AlignedBuffer<Float>(uninitializedCount: classes * width)
    for start in stride(from: 0, to: volume, by: width) {
      if let head {
        ck_head_row(
          scores + start,
          Int64(volume),
          head.weights,
          head.bias,
          Int64(head.features),
          Int64(classes),
          Int64(width),
          line.pointer
        )
      } else {
        for c in 0..<classes {
          (line.pointer + c * width).update(from: scores + c * volume + start, count: width)
        }
      }
      for column in 0..<width {
        let least = background.map { line.pointer[$0 * width + column] } ?? 0
        for c in 0..<classes where c != background {
          guard line.pointer[c * width + column] + Self.margin <= least else { return false }
        }
      }
    }
    return true
  }
}
