import Pipelines
import Support
import Tensors
import Testing
import Transforms

@Suite struct MaskedSamplerTests {
  private let recipe = MaskedReconstruction(changes: .slices(SliceAugmentation()))

  private func mask(_ size: [Int], seed: UInt64 = 1) -> [UInt16] {
    var random = RandomStream(seed: seed)
    return MaskedSampler.mask(size, recipe: recipe, using: &random)
  }

  @Test func blocksOfSixteenAreWholeAndSixtyPercentOfThemBlanked() {
    // 64 x 128 pixels: 4 x 8 blocks, of which 0.6 · 32 = 19.2, rounded, are blanked.
    let found = mask([64, 128])
    var blanked = 0
    for row in 0..<4 {
      for column in 0..<8 {
        let cells = (0..<256).map { found[(16 * row + $0 / 16) * 128 + 16 * column + $0 % 16] }
        #expect(Set(cells).count == 1, "block \(row), \(column)")
        if cells[0] == 1 { blanked += 1 }
      }
    }
    #expect(blanked == 19)
    #expect(found == mask([64, 128]) && found != mask([64, 128], seed: 2))
  }

  @Test func blocksOfSmallPatchesAreAQuarterOfThem() {
    // 8 x 12 x 20: blocks of 2 x 3 x 5, 64 of them.
    let found = mask([8, 12, 20])
    #expect(found.count == 8 * 12 * 20)
    #expect(found.count { $0 == 1 } == 38 * 30)
    // A block's corner tells of all its cells.
    for z in 0..<8 {
      for y in 0..<12 {
        for x in 0..<20 {
          let corner = ((z / 2 * 2) * 12 + y / 3 * 3) * 20 + x / 5 * 5
          #expect(found[(z * 12 + y) * 20 + x] == found[corner])
        }
      }
    }
  }

  @Test func theLossIsTheMeanSquareInsideTheBlocksOfTheMiddleChannel() {
    // Two pixels, three channels; the second pixel is blanked.
    let batch = TrainingBatch(
      images: Tensor([1, 2, 3, 4, 5, 6], shape: [1, 3, 1, 2]),
      labels: LabelTensor([0, 1], shape: [1, 1, 2])
    )
    let masked = MaskedBatch(batch)
    #expect(masked.images.values == [1, 0, 3, 0, 5, 0])
    // The middle channel holds 4 there; an output of 1 is 3 off, and the first pixel does not count.
    let output = Tensor([100, 1], shape: [1, 1, 1, 2])
    #expect(masked.loss(of: output).scalar == 9)
    #expect(masked.loss(of: Tensor([7, 4], shape: [1, 1, 1, 2])).scalar == 0)
  }
}
