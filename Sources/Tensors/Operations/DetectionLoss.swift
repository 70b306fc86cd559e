import Foundation
import Support

/// How much the parts of a detector's loss weigh.
public struct DetectionLossWeights: Codable, Sendable, Equatable {
  /// Of the boxes' overlap.
  public var box = 7.5
  /// Of the classes.
  public var classes = 0.5
  /// Of the distances' distributions.
  public var distribution = 1.5

  /// Creates the weights of YOLOv8.
  public init() {}
}

/// The loss of a detector: overlap of boxes, distributions of their sides, and classes.
///
/// With S = max(1, Σ s) over the wanted scores s:
/// - boxes: Σ s (1 − CIoU) / S, the complete overlap of Zheng et al. 2020 ("Distance-IoU loss"),
///   equations 10 and 11, whose factor α counts as constant;
/// - distances: Σ s · mean over the four sides of the cross-entropy of both bins beside the true
///   distance, weighed by nearness, / S (Li et al. 2020, "Generalized focal loss", equation 6);
/// - classes: the sum of all binary cross-entropies / S.
/// - Parameters:
///   - output: `[N, 4 · bins + classes, A]` as `YOLO` gives it.
///   - targets: What was wanted; no gradient goes back to them.
///   - grid: The A cells.
///   - bins: Bins of each side's distance.
///   - weights: How much each part weighs.
/// - Returns: One number.
/// - Precondition: The targets lie within the output.
public func detectionLoss(
  _ output: Tensor,
  targets: DetectionTargets,
  grid: DetectionTargets.Grid,
  bins: Int,
  weights: DetectionLossWeights = DetectionLossWeights()
) -> Tensor {
  precondition(
    output.rank == 3 && output.shape[1] > 4 * bins && bins >= 2 && output.shape[2] == grid.count,
    "the output \(output.shape) of a detector with \(bins) bins and \(grid.count) cells"
  )
  let classes = output.shape[1] - 4 * bins
  precondition(
    targets.positives.allSatisfy {
      (0..<output.shape[0]).contains($0.image) && (0..<grid.count).contains($0.cell)
        && (0..<classes).contains($0.label)
    }
      && targets.ignored.allSatisfy {
        (0..<output.shape[0]).contains($0.image) && (0..<grid.count).contains($0.cell)
      },
    "targets outside the output \(output.shape)"
  )
  let objective = DetectionObjective(
    targets: targets,
    grid: grid,
    bins: bins,
    classes: classes,
    weights: weights
  )
  return lossOperation("detection loss", on: [output]) { operands in
    objective.outcome(operands[0])
  } reference: { operands in
    objective.formula(operands[0])
  }
}

/// The complete overlap of two boxes, and its derivatives.
package struct CompleteOverlap {
  /// Added where a quotient could be 0/0.
  static let epsilon = 1e-7

  /// IoU − ρ²/c² − α v.
  package let value: Double
  /// For left, upper, right and lower edge of the first box; α counts as constant.
  package let slopes: SIMD4<Double>

  /// Compares two boxes given by left, upper, right and lower edge.
  package init(_ box: SIMD4<Double>, _ target: SIMD4<Double>) {
    let (width, height) = (box.z - box.x, box.w - box.y)
    let (trueWidth, trueHeight) = (target.z - target.x, target.w - target.y)
    let across = min(box.z, target.z) - max(box.x, target.x)
    let down = min(box.w, target.w) - max(box.y, target.y)
    let meets = across > 0 && down > 0
    let common = meets ? across * down : 0
    let union = width * height + trueWidth * trueHeight - common + Self.epsilon
    let overlap = common / union
    // Derivatives of the common part's and the enclosing box's sides.
    let inside = SIMD4<Double>(
      box.x > target.x ? -1 : 0,
      box.y > target.y ? -1 : 0,
      box.z < target.z ? 1 : 0,
      box.w < target.w ? 1 : 0
    )
    let outside = SIMD4<Double>(
      box.x < target.x ? -1 : 0,
      box.y < target.y ? -1 : 0,
      box.z > target.z ? 1 : 0,
      box.w > target.w ? 1 : 0
    )
    let crossing = SIMD4(down, across, down, across)
    let commonSlopes = meets ? inside * crossing : .zero
    let areaSlopes = SIMD4(-height, -width, height, width)
    let overlapSlopes = (commonSlopes - overlap * (areaSlopes - commonSlopes)) / union

    let hullWidth = max(box.z, target.z) - min(box.x, target.x)
    let hullHeight = max(box.w, target.w) - min(box.y, target.y)
    let diagonal = hullWidth * hullWidth + hullHeight * hullHeight + Self.epsilon
    let shiftX = target.x + target.z - box.x - box.z
    let shiftY = target.y + target.w - box.y - box.w
    let distance = (shiftX * shiftX + shiftY * shiftY) / 4
    let distanceSlopes = SIMD4(-shiftX, -shiftY, -shiftX, -shiftY) / 2
    let diagonalSlopes = 2 * outside * SIMD4(hullWidth, hullHeight, hullWidth, hullHeight)
    let farness = distance / diagonal
    let farnessSlopes = (distanceSlopes - farness * diagonalSlopes) / diagonal

    let angle =
      atan(trueWidth / (trueHeight + Self.epsilon)) - atan(width / (height + Self.epsilon))
    let aspect = 4 / (Double.pi * Double.pi) * angle * angle
    let alpha = aspect / (aspect - overlap + 1 + Self.epsilon)
    let tall = height + Self.epsilon
    let turn = -8 / (Double.pi * Double.pi) * angle / (width * width + tall * tall)
    let aspectSlopes = turn * SIMD4(-tall, width, tall, -width)

    value = overlap - farness - alpha * aspect
    slopes = overlapSlopes - farnessSlopes - alpha * aspectSlopes
  }
}

/// A detector's loss as numbers: the value and gradients, and the formula that they are held to.
struct DetectionObjective: Sendable {
  let targets: DetectionTargets
  let grid: DetectionTargets.Grid
  let bins: Int
  let classes: Int
  let weights: DetectionLossWeights

  /// Distances beyond the last bin are cut a little before it, so that it has a neighbour.
  static let margin = 0.01

  private var normalizer: Double {
    max(1, targets.positives.reduce(0) { $0 + Double($1.score) })
  }

  /// The true distances of a positive's four sides in units of its stride, within the bins.
  private func distances(_ positive: DetectionTargets.Positive) -> [Double] {
    let stride = Double(grid.stride[positive.cell])
    let (x, y) = (Double(grid.x[positive.cell]), Double(grid.y[positive.cell]))
    let box = SIMD4<Double>(positive.box)
    return [x - box.x, y - box.y, box.z - x, box.w - y].map {
      min(max($0 / stride, 0), Double(bins - 1) - Self.margin)
    }
  }

  /// The true box of a positive relative to its cell, in units of the stride.
  private func relativeBox(_ positive: DetectionTargets.Positive) -> SIMD4<Double> {
    let (x, y) = (Double(grid.x[positive.cell]), Double(grid.y[positive.cell]))
    return (SIMD4<Double>(positive.box) - SIMD4(x, y, x, y)) / Double(grid.stride[positive.cell])
  }

  /// One positive's loss and its derivatives for the logits of the four sides.
  private func boxTerm(
    _ positive: DetectionTargets.Positive,
    _ logits: [Double]
  ) -> (value: Double, slopes: [Double]) {
    let wanted = distances(positive)
    var shares = [Double](repeating: 0, count: 4 * bins)
    var means = SIMD4<Double>.zero
    var entropy = 0.0
    for side in 0..<4 {
      let first = side * bins
      let peak = logits[first..<first + bins].max() ?? 0
      var total = 0.0
      for bin in 0..<bins {
        shares[first + bin] = exp(logits[first + bin] - peak)
        total += shares[first + bin]
      }
      for bin in 0..<bins {
        shares[first + bin] /= total
        means[side] += Double(bin) * shares[first + bin]
      }
      let lower = Int(wanted[side])
      let upperWeight = wanted[side] - Double(lower)
      let level = peak + log(total)
      entropy += (1 - upperWeight) * (level - logits[first + lower])
      entropy += upperWeight * (level - logits[first + lower + 1])
    }
    let signs = SIMD4<Double>(-1, -1, 1, 1)
    let overlap = CompleteOverlap(means * signs, relativeBox(positive))
    let meanSlopes = -weights.box * overlap.slopes * signs
    var slopes = [Double](repeating: 0, count: 4 * bins)
    for side in 0..<4 {
      let lower = Int(wanted[side])
      let upperWeight = wanted[side] - Double(lower)
      for bin in 0..<bins {
        let share = shares[side * bins + bin]
        let target = bin == lower ? 1 - upperWeight : bin == lower + 1 ? upperWeight : 0
        slopes[side * bins + bin] =
          meanSlopes[side] * share * (Double(bin) - means[side])
          + weights.distribution / 4 * (share - target)
      }
    }
    let value = weights.box * (1 - overlap.value) + weights.distribution / 4 * entropy
    return (value, slopes)
  }

  func outcome(_ output: Tensor) -> LossOutcome {
    let (samples, cells, rows) = (output.shape[0], output.shape[2], output.shape[1])
    let slopes = Tensor(repeating: 0, shape: output.shape)
    let scale = 1 / normalizer
    let (source, target) = (output.storage, slopes.storage)

    // Every score as if nothing were there, then the places where something is.
    let rowLosses = AlignedBuffer<Double>(repeating: 0, count: samples * classes)
    let factor = Float(weights.classes * scale)
    EngineThreads.forEachRange(samples * classes, itemCost: 16 * cells) { range in
      for row in range {
        let start = (row / classes * rows + 4 * bins + row % classes) * cells
        var sum = 0.0
        for place in start..<start + cells {
          let x = source.elements[place]
          let tail = exp(-abs(x))
          sum += Double(max(x, 0) + log1p(tail))
          target.mutableElements[place] = factor * (x >= 0 ? 1 : tail) / (1 + tail)
        }
        rowLosses.mutableElements[row] = sum
      }
    }
    var classSum = (0..<samples * classes).reduce(0.0) { $0 + rowLosses.elements[$1] }
    // A set's own order differs from process to process, and with it the sum's last bits.
    for cell in targets.ignored.sorted(by: { ($0.image, $0.cell) < ($1.image, $1.cell) }) {
      for label in 0..<classes {
        let place = (cell.image * rows + 4 * bins + label) * cells + cell.cell
        let x = Double(source.elements[place])
        classSum -= max(x, 0) + log1p(exp(-abs(x)))
        target.mutableElements[place] = 0
      }
    }
    for positive in targets.positives {
      let place = (positive.image * rows + 4 * bins + positive.label) * cells + positive.cell
      classSum -= Double(positive.score) * Double(source.elements[place])
      target.mutableElements[place] -= factor * positive.score
    }

    let count = targets.positives.count
    let terms = AlignedBuffer<Double>(repeating: 0, count: max(1, count))
    EngineThreads.forEachRange(count, itemCost: 200 * bins) { range in
      var logits = [Double](repeating: 0, count: 4 * bins)
      for index in range {
        let positive = targets.positives[index]
        let start = positive.image * rows * cells + positive.cell
        for row in 0..<4 * bins { logits[row] = Double(source.elements[start + row * cells]) }
        let term = boxTerm(positive, logits)
        terms.mutableElements[index] = Double(positive.score) * term.value
        let factor = Double(positive.score) * scale
        for row in 0..<4 * bins {
          target.mutableElements[start + row * cells] = Float(factor * term.slopes[row])
        }
      }
    }
    let boxSum = (0..<count).reduce(0.0) { $0 + terms.elements[$1] }
    return LossOutcome(value: scale * (weights.classes * classSum + boxSum)) { gradient in
      [gradient == 1 ? slopes : slopes * gradient]
    }
  }
}
