import CKernels
import Foundation
import Support

/// Turns planes of scores into labels on the scan's own grid, plane by plane.
///
/// Scores are interpolated linearly (slices across a coarse axis by the nearest) in double precision,
/// rounded to half precision, and the largest wins, or regions are painted: nnU-Net's
/// `convert_predicted_logits_to_segmentation_with_correct_shape`. Only two planes are held.
final class ScoreExport {
  /// What the export writes.
  struct Target {
    /// Labels of the transposed scan, x fastest.
    let labels: UnsafeMutablePointer<UInt16>
    /// The transposed scan's voxels.
    let size: SIMD3<Int>
    /// The part that the scores stand for.
    let box: GridBox
    /// The rows of the part that are written.
    let rows: Range<Int>
  }

  private let heads: NNUNetPlan.Heads
  private let source: SIMD3<Int>
  private let target: Target
  private let taps: [ScoreTaps]
  private let sourceRows: Range<Int>
  private let previous: AlignedBuffer<UInt16>
  private let probabilities: ProbabilityTarget?
  private let confidence: ConfidenceSums?
  private var nextPlane = 0

  /// Plans an export.
  /// - Parameters:
  ///   - heads: What the scores stand for.
  ///   - source: The network's grid, x, y, z.
  ///   - sourceRows: The rows of it that arrive.
  ///   - taps: Interpolation along x, y and z from the network's grid to the part's.
  ///   - target: What is written.
  ///   - probabilities: Where class probabilities go, or nil.
  ///   - confidence: What gathers the winners' probabilities, or nil.
  init(
    heads: NNUNetPlan.Heads,
    source: SIMD3<Int>,
    sourceRows: Range<Int>,
    taps: [ScoreTaps],
    target: Target,
    probabilities: ProbabilityTarget? = nil,
    confidence: ConfidenceSums? = nil
  ) {
    self.heads = heads
    self.source = source
    self.sourceRows = sourceRows
    self.taps = taps
    self.target = target
    self.probabilities = probabilities
    self.confidence = confidence
    previous = AlignedBuffer(
      uninitializedCount: heads.count * sourceRows.count * source.x
    )
  }

  /// The rows of the network's grid that rows of the target need.
  static func sourceRows(_ taps: ScoreTaps, for rows: Range<Int>) -> Range<Int> {
    let used = rows.map { Int(taps.low[$0])...Int(taps.high[$0]) }
    return (used.map(\.lowerBound).min() ?? 0)..<(used.map(\.upperBound).max() ?? -1) + 1
  }

  /// Takes the next plane and writes every plane of labels that it completes.
  /// - Parameters:
  ///   - plane: The plane's index; planes come in order.
  ///   - scores: Halves, `[class][row][column]` of the source rows.
  func consume(_ plane: Int, _ scores: UnsafePointer<UInt16>) {
    let z = taps[2]
    while nextPlane < z.low.count, Int(z.high[nextPlane]) <= plane {
      let (low, share) = (Int(z.low[nextPlane]), z.share[nextPlane])
      let lower = low == plane ? scores : UnsafePointer(previous.pointer)
      write(nextPlane, lower: lower, upper: scores, share: share)
      nextPlane += 1
    }
    previous.pointer.update(from: scores, count: previous.count)
  }

  private func write(
    _ plane: Int,
    lower: UnsafePointer<UInt16>,
    upper: UnsafePointer<UInt16>,
    share: Double
  ) {
    // Each row of the target is written by one thread; the scores are only read.
    nonisolated(unsafe) let (lower, upper, target, probabilities) =
      (lower, upper, target, probabilities)
    let (x, y) = (taps[0], taps[1])
    let (source, sourceRows, heads) = (source, sourceRows, heads)
    let area = sourceRows.count * source.x
    let width = x.low.count
    let alongX = x.isIdentity
    let confidence = confidence
    // Without a use for all classes of a row, one class's values are held at a time.
    let keepsClasses = probabilities != nil || confidence != nil
    Parallelism.forEachRange(target.rows.count) { range in
      let scratch = AlignedBuffer<Double>(uninitializedCount: source.x)
      let values = AlignedBuffer<Float>(
        uninitializedCount: width * (keepsClasses ? heads.count : 1)
      )
      let best = AlignedBuffer<Float>(uninitializedCount: width)
      var gathered = confidence.map { _ in ConfidenceSums.Part(largestLabel: heads.largest) }
      x.low.withUnsafeBufferPointer { low in
        x.high.withUnsafeBufferPointer { high in
          x.share.withUnsafeBufferPointer { shares in
            for offset in range {
              let row = target.rows.lowerBound + offset
              let labels =
                target.labels + target.box.low.x
                + target.size.x
                * (target.box.low.y + row + target.size.y * (target.box.low.z + plane))
              best.pointer.update(repeating: -.infinity, count: width)
              let up = y.share[row]
              let first = (Int(y.low[row]) - sourceRows.lowerBound) * source.x
              let second = (Int(y.high[row]) - sourceRows.lowerBound) * source.x
              for c in 0..<heads.count {
                let y = values.pointer + (keepsClasses ? c * width : 0)
                var line = ck_score_row()
                line.input = Int64(source.x)
                line.output = Int64(width)
                if !alongX {
                  line.low = low.baseAddress
                  line.high = high.baseAddress
                  line.share = shares.baseAddress
                }
                line.add(lower + c * area + first, (1 - share) * (1 - up))
                if up > 0 { line.add(lower + c * area + second, (1 - share) * up) }
                if share > 0 {
                  line.add(upper + c * area + first, share * (1 - up))
                  if up > 0 { line.add(upper + c * area + second, share * up) }
                }
                ck_score_row_values(&line, scratch.pointer, y)
                switch heads {
                case .labels(let numbers):
                  ck_score_keep_largest(
                    y,
                    best.pointer,
                    labels,
                    UInt16(numbers[c]),
                    Int64(width)
                  )
                case .regions(let painted):
                  ck_score_paint(y, labels, UInt16(painted[c]), Int64(width))
                }
              }
              gathered?.add(heads, labels, best: best.pointer, values.pointer, count: width)
              probabilities?.write(values.pointer, heads: heads, row: row, plane: plane)
            }
          }
        }
      }
      if let gathered { confidence?.add(gathered) }
    }
  }
}

extension NNUNetPlan.Heads {
  /// The largest number that is written.
  fileprivate var largest: Int {
    switch self {
    case .labels(let numbers): numbers.max() ?? 0
    case .regions(let painted): painted.max() ?? 0
    }
  }
}

extension ConfidenceSums.Part {
  /// Adds a row: of classes that compete the winner's share of the softmax, of regions the
  /// probability of the one that was painted last.
  /// - Parameters:
  ///   - heads: What the scores stand for.
  ///   - labels: The labels that were chosen.
  ///   - best: The largest score of each voxel, where classes compete.
  ///   - scores: `[class][voxel]`.
  ///   - count: Voxels of the row.
  fileprivate mutating func add(
    _ heads: NNUNetPlan.Heads,
    _ labels: UnsafePointer<UInt16>,
    best: UnsafePointer<Float>,
    _ scores: UnsafePointer<Float>,
    count: Int
  ) {
    switch heads {
    case .labels(let numbers):
      addWinners(labels, best: best, scores: scores, count: count, classes: numbers.count)
    case .regions(let painted):
      for voxel in 0..<count where labels[voxel] != 0 {
        let region = painted.indices.last {
          painted[$0] == Int(labels[voxel])
            && scores[$0 * count + voxel] > 0
        }
        guard let region else { continue }
        add(1 / (1 + exp(-scores[region * count + voxel])), to: labels[voxel])
      }
    }
  }
}

extension ck_score_row {
  /// Adds a row with its weight.
  fileprivate mutating func add(_ row: UnsafePointer<UInt16>, _ weight: Double) {
    switch row_count {
    case 0: (rows.0, weights.0) = (row, weight)
    case 1: (rows.1, weights.1) = (row, weight)
    case 2: (rows.2, weights.2) = (row, weight)
    default: (rows.3, weights.3) = (row, weight)
    }
    row_count += 1
  }
}

/// Where class probabilities of a transposed and cropped scan lie in the scan's own order.
struct ProbabilityTarget {
  /// `[class][z][y][x]` of the scan's own grid.
  let values: UnsafeMutablePointer<Float>
  /// Voxels of the scan.
  let voxelCount: Int
  /// The place of the part's first voxel.
  let start: Int
  /// Distances in memory along x, y and z of the part.
  let steps: SIMD3<Int>
  /// Voxels of the part along x.
  let width: Int

  /// Turns a row of scores, `[class][column]`, into probabilities and stores them.
  func write(_ scores: UnsafeMutablePointer<Float>, heads: NNUNetPlan.Heads, row: Int, plane: Int) {
    let place = start + row * steps.y + plane * steps.z
    let classes = heads.count
    for column in 0..<width {
      var sum: Float = 1
      switch heads {
      case .labels:
        var largest = -Float.infinity
        for c in 0..<classes { largest = max(largest, scores[c * width + column]) }
        sum = 0
        for c in 0..<classes {
          let power = exp(scores[c * width + column] - largest)
          scores[c * width + column] = power
          sum += power
        }
      case .regions:
        for c in 0..<classes {
          scores[c * width + column] = 1 / (1 + exp(-scores[c * width + column]))
        }
      }
      for c in 0..<classes {
        values[c * voxelCount + place + column * steps.x] = scores[c * width + column] / sum
      }
    }
  }
}
