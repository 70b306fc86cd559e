import Layers
import Networks
import Recognition
import Tensors
import TestSupport
import Testing

struct TaskAlignedAssignerTests {
  private let decoder = DetectionDecoder(
    YOLOConfiguration(inputChannels: 1, classes: 3, bins: 8),
    imageSize: [64, 64]
  )

  /// Every cell predicts sides of 3.5 strides and the class scores of 0.5.
  private var flat: Tensor { Tensor(repeating: 0, shape: [1, 35, decoder.grid.count]) }

  private func object(
    _ box: [Double],
    label: Int = 0,
    isIgnored: Bool = false
  ) -> TaskAlignedAssigner.Object {
    TaskAlignedAssigner.Object(
      label: label,
      box: DetectionBox(left: box[0], top: box[1], right: box[2], bottom: box[3]),
      isIgnored: isIgnored
    )
  }

  @Test func choicesAreThoseOfPyTorch() throws {
    let stored = try Safetensors(contentsOf: Fixtures.path("detection/loss.safetensors")).tensors
    func rows(_ name: String) throws -> [[Float]] {
      let tensor = try #require(stored[name])
      let all = tensor.values
      return (0..<tensor.shape[0]).map {
        Array(all[$0 * tensor.shape[1]..<($0 + 1) * tensor.shape[1]])
      }
    }
    let objects = try rows("objects")
    let found = TaskAlignedAssigner().targets(
      try #require(stored["output"]),
      objects: (0..<2).map { image in
        objects.filter { Int($0[0]) == image }.map { row in
          object(row[2...5].map(Double.init), label: Int(row[1]), isIgnored: row[6] == 1)
        }
      },
      decoder: decoder
    )
    let expected = try rows("positives")
    #expect(found.positives.count == expected.count && expected.count > 20)
    for (positive, row) in zip(found.positives, expected) {
      #expect([positive.image, positive.cell, positive.label] == row[0..<3].map { Int($0) })
      #expect(positive.box == SIMD4(row[3], row[4], row[5], row[6]))
      // Sixth powers of overlaps in single precision.
      #expect(abs(positive.score - row[7]) < 1e-4, "cell \(positive.cell)")
    }
    let ignored = try rows("ignored").map {
      DetectionTargets.Ignored(image: Int($0[0]), cell: Int($0[1]))
    }
    #expect(found.ignored == Set(ignored))
  }

  @Test func theBestScoreOfAnObjectIsItsBestOverlap() throws {
    // Cells of stride 8 predict 56 x 56 pixels about their middle: that of cell 27 is (28, 28).
    let found = TaskAlignedAssigner().targets(
      flat,
      objects: [[object([0, 0, 56, 56])]],
      decoder: decoder
    )
    #expect(found.positives.count == 10)
    let best = try #require(found.positives.max { $0.score < $1.score })
    #expect(best.cell == 27 && abs(best.score - 1) < 1e-5)
  }

  @Test func anObjectBetweenTheMiddlesGetsTheNearestCell() {
    // The middles of the finest grid are 4, 12, 20, ...
    let found = TaskAlignedAssigner().targets(
      flat,
      objects: [[object([13, 13, 15, 15])]],
      decoder: decoder
    )
    #expect(found.positives.map(\.cell) == [9])
    #expect((found.positives.first?.score ?? 0) > 0)
  }

  @Test func nothingIsWantedOfAnEmptyImage() {
    let found = TaskAlignedAssigner().targets(flat, objects: [[]], decoder: decoder)
    #expect(found == DetectionTargets(positives: []))
  }

  @Test func cellsInCrowdsAreIgnored() {
    let found = TaskAlignedAssigner().targets(
      flat,
      objects: [[object([0, 0, 17, 9], isIgnored: true)]],
      decoder: decoder
    )
    // (4, 4) and (12, 4) at stride 8, (8, 8) at stride 16; (16, 16) lies outside.
    #expect(found.positives.isEmpty)
    #expect(found.ignored == Set([0, 1, 64].map { DetectionTargets.Ignored(image: 0, cell: $0) }))
  }
}
