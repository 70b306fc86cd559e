import Networks
import Pipelines
import Support

/// Applies a network to images of any size, piece by piece.
///
/// Held are the image, the result and one batch of pieces. Pieces are of one size, so that the network
/// needs one plan, and a piece's values do not depend on the pieces beside it.
struct TiledNetwork: Sendable {
  /// Pieces of slices that the network sees at once.
  private static let sliceBatch = 4

  private let plan: EnhancementPlan
  private let multiples: [Int]
  private let scorer: PatchScorer
  private let batchSize: Int

  /// Creates a network for images.
  /// - Parameters:
  ///   - network: The network; its channels and axes are the plan's.
  ///   - multiples: What its spatial axes must be multiples of.
  ///   - plan: What stands between an image and the network.
  init(_ network: PlannedNetwork, multiples: [Int], plan: EnhancementPlan) {
    self.plan = plan
    self.multiples = multiples.count == 1 ? plan.patchSize.map { _ in multiples[0] } : multiples
    batchSize = plan.dimensions == 2 ? Self.sliceBatch : 1
    scorer = PatchScorer(network, batchSize: batchSize)
  }

  /// One piece: its slice or window along z, and its windows along y and x.
  private struct Piece {
    let z: Int
    let y: Int
    let x: Int
  }

  /// Applies the network.
  /// - Parameters:
  ///   - channels: The image's channels on the network's scale, x fastest.
  ///   - size: Voxels along each axis.
  ///   - level: The noise that the network is told, or another number that is the same everywhere, or nil.
  ///   - outputs: Channels of its output; nil for as many as the image has.
  ///   - progress: Told about pieces.
  ///   - interruption: Looked at between batches.
  /// - Returns: The output's channels, larger by the network's scale along the axes that it sees.
  /// - Throws: `SupportError.interrupted`.
  func apply(
    _ channels: [[Float]],
    size: SIMD3<Int>,
    level: Float?,
    outputs: Int? = nil,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> [[Float]] {
    let isFlat = plan.dimensions == 2
    let (patch, count) = (plan.patchSize, plan.dimensions)
    func windows(_ axis: Int, _ size: Int) -> AxisWindows {
      AxisWindows(
        size: size,
        patch: patch[axis],
        halo: plan.halo,
        multiple: multiples[axis],
        seam: plan.seam
      )
    }
    let (rows, columns) = (windows(count - 2, size.y), windows(count - 1, size.x))
    let depth = isFlat ? nil : windows(0, size.z)
    let factor = SIMD3(plan.networkScale, plan.networkScale, isFlat ? 1 : plan.networkScale)
    let larger = size &* factor
    let outputs = outputs ?? channels.count
    var result = (0..<outputs).map { _ in
      [Float](repeating: 0, count: larger.x * larger.y * larger.z)
    }
    var pieces: [Piece] = []
    for z in 0..<(depth?.windows.count ?? size.z) {
      for y in rows.windows.indices {
        for x in columns.windows.indices { pieces.append(Piece(z: z, y: y, x: x)) }
      }
    }
    let inputs = channels.count * plan.slicesSeen + (level == nil ? 0 : 1)
    let shape = [inputs] + (depth.map { [$0.length] } ?? []) + [rows.length, columns.length]
    progress.begin("improving \(size.z) slices", total: pieces.count)
    for first in stride(from: 0, to: pieces.count, by: batchSize) {
      try interruption.check()
      let batch = pieces[first..<min(first + batchSize, pieces.count)]
      var values: [Float] = []
      values.reserveCapacity(batch.count * shape.reduce(1, *))
      for piece in batch {
        for group in slices(of: piece, depth, size) {
          for channel in channels {
            gather(channel, size, group, piece, rows, columns, into: &values)
          }
        }
        if let level {
          values += repeatElement(level, count: shape.dropFirst().reduce(1, *))
        }
      }
      let output = scorer.scores(of: values, shape: shape)
      let length = output.count / (batch.count * outputs)
      for (index, piece) in batch.enumerated() {
        for channel in 0..<outputs {
          let from = (index * outputs + channel) * length
          scatter(
            output[from..<from + length],
            piece,
            depth,
            rows,
            columns,
            factor,
            larger,
            into: &result[channel]
          )
        }
      }
      progress.update(first + batch.count, detail: nil)
    }
    progress.end()
    return result
  }

  /// The slices that a piece sees: one after the other with its neighbours, or those of a box at once.
  private func slices(of piece: Piece, _ depth: AxisWindows?, _ size: SIMD3<Int>) -> [[Int]] {
    if let depth {
      return [(0..<depth.length).map { depth.sources[depth.windows[piece.z].start + $0] }]
    }
    return (-plan.contextSlices...plan.contextSlices).map {
      [min(max(piece.z + $0, 0), size.z - 1)]
    }
  }

  /// Appends a piece of some slices of a channel.
  private func gather(
    _ values: [Float],
    _ size: SIMD3<Int>,
    _ slices: [Int],
    _ piece: Piece,
    _ rows: AxisWindows,
    _ columns: AxisWindows,
    into result: inout [Float]
  ) {
    let (top, left) = (rows.windows[piece.y].start, columns.windows[piece.x].start)
    for slice in slices {
      for row in top..<top + rows.length {
        let start = size.x * (rows.sources[row] + size.y * slice)
        // Places within the axis follow one another.
        let inside = min(left + columns.length, size.x)
        result += values[start + left..<start + inside]
        for column in inside..<max(inside, left + columns.length) {
          result.append(values[start + columns.sources[column]])
        }
      }
    }
  }

  /// Adds a piece of the network's output with its weights.
  private func scatter(
    _ output: ArraySlice<Float>,
    _ piece: Piece,
    _ depth: AxisWindows?,
    _ rows: AxisWindows,
    _ columns: AxisWindows,
    _ factor: SIMD3<Int>,
    _ size: SIMD3<Int>,
    into result: inout [Float]
  ) {
    let (window, line) = (rows.windows[piece.y], columns.windows[piece.x])
    let slab = depth?.windows[piece.z]
    let (height, width) = (rows.length * factor.y, columns.length * factor.x)
    let firstColumn = line.used.lowerBound * factor.x
    let lastColumn = min(line.used.upperBound * factor.x, size.x - line.start * factor.x)
    let weights = (0..<width).map { line.weights[$0 / factor.x] }
    for z in slab.map({ $0.used.lowerBound * factor.z..<$0.used.upperBound * factor.z }) ?? 0..<1 {
      let slice = (slab?.start ?? piece.z) * factor.z + z
      guard slice < size.z else { break }
      let sliceWeight = slab.map { $0.weights[z / factor.z] } ?? 1
      for y in window.used.lowerBound * factor.y..<window.used.upperBound * factor.y {
        let row = window.start * factor.y + y
        guard row < size.y else { break }
        let weight = sliceWeight * window.weights[y / factor.y]
        let to = size.x * (row + size.y * slice) + line.start * factor.x
        let from = output.startIndex + width * (y + height * z)
        for x in firstColumn..<max(firstColumn, lastColumn) {
          result[to + x] += weight * weights[x] * output[from + x]
        }
      }
    }
  }
}
