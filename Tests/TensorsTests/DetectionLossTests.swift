import Layers
import Support
import Tensors
import TestSupport
import Testing

struct DetectionLossTests {
  private static let grid = DetectionTargets.Grid(imageSize: [64, 64], strides: [8, 16, 32])

  private struct Stored {
    let tensors: [String: Tensor]
    let targets: DetectionTargets

    init() throws {
      tensors = try Safetensors(contentsOf: Fixtures.path("detection/loss.safetensors")).tensors
      let rows = try #require(tensors["positives"]).rows
      let ignored = try #require(tensors["ignored"]).rows
      targets = DetectionTargets(
        positives: rows.map { row in
          DetectionTargets.Positive(
            image: Int(row[0]),
            cell: Int(row[1]),
            label: Int(row[2]),
            box: SIMD4(row[3], row[4], row[5], row[6]),
            score: row[7]
          )
        },
        ignored: Set(ignored.map { .init(image: Int($0[0]), cell: Int($0[1])) })
      )
    }

    func loss(_ output: Tensor, _ weights: DetectionLossWeights = .init()) -> Tensor {
      detectionLoss(output, targets: targets, grid: grid, bins: 8, weights: weights)
    }
  }

  @Test func valueAndGradientAreThoseOfPyTorch() throws {
    let stored = try Stored()
    let output = try #require(stored.tensors["output"])
    let key = GradientKey()
    let loss = stored.loss(output.tracked(by: key))
    let parts = try #require(stored.tensors["parts"]).values
    // Rounding of stored single precision and of its sums.
    expectClose(loss, Tensor([parts[3]], shape: []), Tolerance(absolute: 1e-5, relative: 1e-5))
    let found = try #require(gradients(of: loss)[key])
    expectClose(
      found,
      try #require(stored.tensors["gradient"]),
      Tolerance(absolute: 1e-6, relative: 1e-4)
    )
  }

  @Test(arguments: 0..<3)
  func everyPartIsThatOfPyTorch(_ part: Int) throws {
    let stored = try Stored()
    var weights = DetectionLossWeights()
    (weights.box, weights.distribution, weights.classes) = (
      part == 0 ? 7.5 : 0, part == 1 ? 1.5 : 0, part == 2 ? 0.5 : 0
    )
    let loss = stored.loss(try #require(stored.tensors["output"]), weights)
    let expected = try #require(stored.tensors["parts"]).values[part]
    expectClose(loss, Tensor([expected], shape: []), Tolerance(absolute: 1e-5, relative: 1e-5))
  }

  @Test func completeOverlapsAreThoseOfPyTorch() throws {
    let stored = try Stored()
    let pairs = try #require(stored.tensors["pairs"]).rows
    let values = try #require(stored.tensors["ciou"]).values
    let slopes = try #require(stored.tensors["slopes"]).rows
    for (index, row) in pairs.enumerated() {
      let box = row.map(Double.init)
      let found = CompleteOverlap(
        SIMD4(box[0], box[1], box[2], box[3]),
        SIMD4(box[4], box[5], box[6], box[7])
      )
      // A constant of 1e-7 in the quotients, and single precision in the file.
      #expect(abs(found.value - Double(values[index])) < 1e-5, "pair \(index)")
      for side in 0..<4 {
        #expect(abs(found.slopes[side] - Double(slopes[index][side])) < 1e-5, "pair \(index)")
      }
    }
  }

  @Test func equalBoxesOverlapCompletely() {
    let box = SIMD4<Double>(1, 2, 5, 9)
    #expect(abs(CompleteOverlap(box, box).value - 1) < 1e-7)
  }

  /// Two unit squares 3 apart: no overlap, ρ² = 9, c² = 4² + 1, equal shapes.
  @Test func distantBoxesArePulledTogether() {
    let found = CompleteOverlap([0, 0, 1, 1], [3, 0, 4, 1])
    #expect(abs(found.value + 9.0 / 17) < 1e-6)
    // The right edge, and the box as a whole, should move to the right.
    #expect(found.slopes.z > 0 && found.slopes.x + found.slopes.z > 0)
  }

  @Test func boxesWithoutAreaGiveFiniteNumbers() {
    let found = CompleteOverlap([0, 0, 0, 0], [3, 0, 4, 1])
    #expect(found.value.isFinite)
    for side in 0..<4 { #expect(found.slopes[side].isFinite) }
  }

  @Test func nothingWantedIsBinaryCrossEntropy() {
    let output = Tensor(repeating: 0, shape: [1, 33, Self.grid.count])
    let loss = detectionLoss(
      output,
      targets: DetectionTargets(positives: []),
      grid: Self.grid,
      bins: 8
    )
    // log 2 for each cell, times the weight of classes.
    let expected = 0.5 * Float(Self.grid.count) * 0.693_147_2
    #expect(abs(loss.scalar - expected) < 1e-3)
  }
}

extension Tensor {
  /// The rows of a matrix.
  fileprivate var rows: [[Float]] {
    let all = values
    return (0..<shape[0]).map { Array(all[$0 * shape[1]..<($0 + 1) * shape[1]]) }
  }
}
