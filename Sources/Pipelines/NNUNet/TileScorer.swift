import CKernels
import Networks
import Support
import Tensors

/// Scores tiles by one network, averaged over mirror images.
///
/// Tiles come in batches of one size, filled up with zeros, so that one plan serves all and a tile's
/// scores do not depend on its neighbours.
final class TileScorer {
  /// Tiles that the network sees at once.
  let batchSize: Int
  /// What makes scores of what `score` gives, or nil where those are scores.
  let head: ScoringNetwork.Head?
  /// Channels of what `score` gives.
  let outputChannels: Int
  private let network: PlannedNetwork
  private let shape: [Int]
  /// Bytes of the network's feature maps, which networks may share.
  let arenaBytes: Int
  /// Bytes of what the network gives, once.
  private let outputBytes: Int

  /// Bytes of tiles and of what the network gives.
  var byteCount: Int {
    outputBytes * (isPlain ? 1 : 2) + 4 * shape.reduce(1, *) * (isPlain ? 1 : 2)
  }
  /// The axes of each image that is averaged; no axes for the tile itself.
  private let mirrorings: [[Int]]
  /// Whether the tile itself is all that is scored.
  private var isPlain: Bool { mirrorings == [[]] }
  private let total: AlignedBuffer<Float>?
  private let flipped: AlignedBuffer<Float>
  /// The scores of a tile of constant channels, which need no second look.
  private var constant: (values: [Float], scores: AlignedBuffer<Float>)?
  /// The scores of the first tile of air, or that they are not those of background.
  private var answerForAir = Air.unknown
  /// Tiles of air so far, and how many of them were not computed.
  private(set) var airTiles = (seen: 0, skipped: 0)

  /// What is known of tiles that hold air alone.
  private enum Air {
    case unknown
    /// The network's answer, which is background by a wide margin.
    case known(AlignedBuffer<Float>)
    /// The network sees something in air.
    case refused
  }

  /// Whether the first tile of air had scores of something else than background.
  var seesSomethingInAir: Bool {
    if case .refused = answerForAir { return true }
    return false
  }

  /// Creates a scorer.
  /// - Parameters:
  ///   - network: The network.
  ///   - channels: Channels of a tile.
  ///   - patch: Voxels of a tile along the network's axes.
  ///   - mirrorings: Axes of each image to average, at least one; no axes for the tile itself, which
  ///     comes first if it is there.
  ///   - batchSize: Tiles that the network sees at once.
  init(
    _ network: ScoringNetwork,
    channels: Int,
    patch: [Int],
    mirrorings: [[Int]],
    batchSize: Int
  ) {
    precondition(!mirrorings.isEmpty, "no image to score")
    self.network = network.network
    head = network.head
    self.batchSize = batchSize
    shape = [batchSize, channels] + patch
    self.mirrorings = mirrorings
    let isPlain = mirrorings == [[]]
    let plan = network.network.plan(for: shape)
    outputChannels = plan.outputShape[1]
    arenaBytes = plan.arenaBytes
    let outputs = plan.outputShape.reduce(1, *)
    outputBytes = 4 * outputs
    total = isPlain ? nil : AlignedBuffer(uninitializedCount: outputs)
    flipped = AlignedBuffer(uninitializedCount: isPlain ? 0 : shape.reduce(1, *))
  }

  /// All subsets of axes in nnU-Net's order: none, single axes, pairs, all three.
  static func mirrorings(over mirrorAxes: [Int]) -> [[Int]] {
    let axes = mirrorAxes.sorted()
    return (0..<(1 << axes.count)).map { subset in
      axes.indices.filter { subset >> $0 & 1 == 1 }.map { axes[$0] }
    }.sorted { ($0.count, $0.map(String.init).joined()) < ($1.count, $1.map(String.init).joined()) }
  }

  /// Scores a batch, or gives the features of `head`, averaged over mirror images.
  /// - Parameters:
  ///   - tiles: `[tile][channel][voxels]` of `batchSize` tiles.
  ///   - air: The rule by which the tiles hold nothing but air, so that the answer for the first
  ///     such tile may serve; nil if they hold more.
  ///   - body: Gets `[tile][output][voxels]`.
  /// - Returns: What the body returns.
  func score<Result>(
    _ tiles: AlignedBuffer<Float>,
    air: AirTiles? = nil,
    _ body: (UnsafePointer<Float>) throws -> Result
  ) rethrows -> Result {
    let values = batchSize == 1 ? constantChannels(tiles) : nil
    if air != nil { airTiles.seen += 1 }
    if let values, let known = constant, known.values == values {
      if air != nil { airTiles.skipped += 1 }
      return try body(known.scores.pointer)
    }
    if air != nil, values == nil, case .known(let scores) = answerForAir {
      airTiles.skipped += 1
      return try body(scores.pointer)
    }
    let scores = compute(tiles)
    if let values {
      constant = (values, kept(scores))
    } else if let air, case .unknown = answerForAir {
      answerForAir = air.isBackground(scores.pointer, head: head) ? .known(kept(scores)) : .refused
    }
    return try body(scores.pointer)
  }

  /// Scores that the next tile does not overwrite.
  private func kept(_ scores: AlignedBuffer<Float>) -> AlignedBuffer<Float> {
    guard total != nil else { return scores }
    let copy = AlignedBuffer<Float>(uninitializedCount: scores.count)
    copy.pointer.update(from: scores.pointer, count: scores.count)
    return copy
  }

  private func compute(_ tiles: AlignedBuffer<Float>) -> AlignedBuffer<Float> {
    guard let total else {
      return network(Tensor(shape: shape, storage: tiles)).single.plain.storage
    }
    for (index, axes) in mirrorings.enumerated() {
      if axes.isEmpty {
        let first = network(Tensor(shape: shape, storage: tiles)).single.plain
        total.pointer.update(from: first.storage.pointer, count: total.count)
        continue
      }
      mirror(tiles.pointer, to: flipped.pointer, rows: shape.reduce(1, *) / shape.last.orOne, axes)
      {
        ck_copy_row($0, $1, $2, $3)
      }
      let output = network(Tensor(shape: shape, storage: flipped)).single.plain
      mirror(
        output.storage.pointer,
        to: total.pointer,
        rows: total.count / shape.last.orOne,
        axes
      ) { if index == 0 { ck_copy_row($0, $1, $2, $3) } else { ck_add_row($0, $1, $2, $3) } }
    }
    guard mirrorings.count > 1 else { return total }
    let scale = 1 / Float(mirrorings.count)
    nonisolated(unsafe) let sums = total.pointer
    Parallelism.forEachRange(total.count, minimumChunk: 1 << 16) { range in
      for index in range { sums[index] *= scale }
    }
    return total
  }

  /// Hands rows and their mirror images over.
  private func mirror(
    _ from: UnsafePointer<Float>,
    to: UnsafeMutablePointer<Float>,
    rows: Int,
    _ axes: [Int],
    _ body: @Sendable (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int64, Int32) -> Void
  ) {
    let patch = Array(shape.dropFirst(2))
    let columns = patch[patch.count - 1]
    let height = patch[patch.count - 2]
    let depth = patch.count == 3 ? patch[0] : 1
    let last = patch.count - 1
    let turnsColumns: Int32 = axes.contains(last) ? 1 : 0
    let turnsRows = axes.contains(last - 1)
    let turnsDepth = patch.count == 3 && axes.contains(0)
    // Each row is written by one thread.
    nonisolated(unsafe) let (from, to) = (from, to)
    Parallelism.forEachRange(rows, minimumChunk: 64) { range in
      for row in range {
        let (y, plane) = (row % height, row / height)
        let (z, outer) = (plane % depth, plane / depth)
        let sourceRow = turnsRows ? height - 1 - y : y
        let sourcePlane = turnsDepth ? depth - 1 - z : z
        let source = (outer * depth + sourcePlane) * height + sourceRow
        body(to + row * columns, from + source * columns, Int64(columns), turnsColumns)
      }
    }
  }

  /// The value of each channel when each has just one.
  private func constantChannels(_ tiles: AlignedBuffer<Float>) -> [Float]? {
    let voxels = shape.dropFirst(2).reduce(1, *)
    var values: [Float] = []
    for channel in 0..<shape[1] {
      let first = tiles.pointer + channel * voxels
      let value = first[0]
      for index in 1..<max(1, voxels) where first[index] != value { return nil }
      values.append(value)
    }
    return values
  }
}

extension Optional<Int> {
  fileprivate var orOne: Int { self ?? 1 }
}
