import Foundation
import Networks
import Tensors

/// Turns a detector's output into boxes.
package struct DetectionDecoder: Sendable {
  /// Bins of each side's distance.
  package let bins: Int
  /// Kinds of objects.
  package let classes: Int
  /// The cells.
  package let grid: DetectionTargets.Grid

  /// Prepares for images of one size.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - imageSize: Rows and columns.
  package init(_ network: YOLOConfiguration, imageSize: [Int]) {
    bins = network.bins
    classes = network.classes
    grid = DetectionTargets.Grid(imageSize: imageSize, strides: network.strides)
  }

  /// The box that a cell predicts: each distance is the mean of its distribution over the bins.
  /// - Parameters:
  ///   - values: The whole output, `[N, 4 · bins + classes, A]`.
  ///   - image: The image of the batch.
  ///   - cell: The cell.
  /// - Returns: The box in the network's pixels.
  func box(_ values: UnsafeBufferPointer<Float>, image: Int, cell: Int) -> DetectionBox {
    let cells = grid.count
    let start = image * (4 * bins + classes) * cells + cell
    func distance(_ side: Int) -> Double {
      var peak = -Float.infinity
      for bin in 0..<bins { peak = max(peak, values[start + (side * bins + bin) * cells]) }
      var (total, sum): (Float, Float) = (0, 0)
      for bin in 0..<bins {
        let share = exp(values[start + (side * bins + bin) * cells] - peak)
        total += share
        sum += Float(bin) * share
      }
      return Double(sum / total * grid.stride[cell])
    }
    let (x, y) = (Double(grid.x[cell]), Double(grid.y[cell]))
    return DetectionBox(
      left: x - distance(0),
      top: y - distance(1),
      right: x + distance(2),
      bottom: y + distance(3)
    )
  }

  /// The boxes of one image whose class is likely enough, before any suppression.
  /// - Parameters:
  ///   - output: `[N, 4 · bins + classes, A]`.
  ///   - image: The image of the batch.
  ///   - leastScores: The least probability, one for all classes or one for each.
  ///   - takesSeveralClasses: Whether a cell may tell several classes of its box, or the likeliest alone.
  /// - Returns: Detections in the network's pixels.
  package func detections(
    _ output: Tensor,
    image: Int,
    leastScores: [Double],
    takesSeveralClasses: Bool
  ) -> [Detection] {
    let cells = grid.count
    let plain = output.plain
    return plain.withElements { values in
      var found: [Detection] = []
      let start = (image * (4 * bins + classes) + 4 * bins) * cells
      for cell in 0..<cells {
        var best: (label: Int, score: Double)?
        var others: [(label: Int, score: Double)] = []
        for label in 0..<classes {
          let score = 1 / (1 + exp(-Double(values[start + label * cells + cell])))
          let least = leastScores.count == 1 ? leastScores[0] : leastScores[label]
          guard score >= least else { continue }
          if takesSeveralClasses {
            others.append((label, score))
          } else if score > best?.score ?? -1 {
            best = (label, score)
          }
        }
        let told = others + (best.map { [$0] } ?? [])
        guard !told.isEmpty else { continue }
        let box = box(values, image: image, cell: cell)
        found += told.map { Detection(label: $0.label, score: $0.score, box: box) }
      }
      return found
    }
  }
}
