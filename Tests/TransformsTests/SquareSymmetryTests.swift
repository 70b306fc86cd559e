import Support
import Testing
import Transforms

struct SquareSymmetryTests {
  @Test func theEightSymmetriesDifferAndKeepAllValues() {
    let square = Array(0..<9)
    let images = (0..<8).map { SquareSymmetry(number: $0).applied(to: square, side: 3) }
    #expect(Set(images).count == 8)
    for image in images {
      #expect(image.sorted() == square)
      #expect(image[4] == 4)
    }
  }

  @Test func numbersMeanWhatTheySay() {
    // 0 1    columns mirrored  1 0    rows mirrored  2 3    transposed  0 2
    // 2 3                      3 2                   0 1                1 3
    let square = [0, 1, 2, 3]
    #expect(SquareSymmetry.identity.applied(to: square, side: 2) == square)
    #expect(SquareSymmetry(number: 1).applied(to: square, side: 2) == [1, 0, 3, 2])
    #expect(SquareSymmetry(number: 2).applied(to: square, side: 2) == [2, 3, 0, 1])
    #expect(SquareSymmetry(number: 4).applied(to: square, side: 2) == [0, 2, 1, 3])
  }

  @Test func everyPlaneIsTurned() {
    let planes: [Float] = [0, 1, 2, 3, 4, 5, 6, 7]
    #expect(SquareSymmetry(number: 1).applied(to: planes, side: 2) == [1, 0, 3, 2, 5, 4, 7, 6])
  }

  @Test func pictureAugmentationDrawsAllSymmetriesUnlessItMayNotTurn() {
    var random = RandomStream(seed: 3)
    let drawn = (0..<100).map { _ in
      PictureAugmentation().drawSymmetry(&random).applied(to: Array(0..<4), side: 2)
    }
    #expect(Set(drawn).count == 8)
    #expect(PictureAugmentation.none.drawSymmetry(&random) == .identity)
  }
}
