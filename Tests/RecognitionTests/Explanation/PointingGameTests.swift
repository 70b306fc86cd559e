import Foundation
import Imaging
import ImagingIO
import Recognition
import Support
import TestSupport
import Testing

struct PointingGameTests {
  private func trial(_ evidence: [Float], _ region: [Int]) -> PointingGame.Trial {
    PointingGame.Trial(
      id: "x",
      className: "c",
      evidence: evidence,
      region: evidence.indices.map { region.contains($0) }
    )
  }

  @Test func hitsAndEnergyAreCountedByHand() throws {
    let inside = trial([0, 1, 0.5, 0.5], [1, 2])
    #expect(inside.isHit && inside.energy == 0.75 && inside.areaShare == 0.5)
    // The largest value lies outside, though most of the sum lies inside.
    let outside = trial([0.75, 0.5, 0.5, 0.25], [1, 2, 3])
    #expect(!outside.isHit && outside.energy == 0.625 && outside.areaShare == 0.75)
    // Of equal values the first counts.
    #expect(!trial([1, 1], [1]).isHit && trial([1, 1], [0]).isHit)
    // Without evidence nothing is pointed at.
    let empty = trial([0, 0, 0, 0], [0])
    #expect(!empty.isHit && empty.energy == nil)

    let game = try #require(
      PointingGame(method: .gradCAM, trials: [inside, outside, inside, empty])
    )
    #expect(game.hits.hits == 2 && game.hits.count == 4 && game.empty == 1)
    #expect(game.chance == 0.5)
    #expect(abs((game.energy ?? 0) - (0.75 + 0.625 + 0.75) / 3) < 1e-12)
    let interval = try #require(game.energyCI95)
    #expect(interval[0] == 0.625 && interval[1] == 0.75)
    // Clopper and Pearson's interval of 2 of 4.
    #expect(abs(game.hits.ci95[0] - 0.0676) < 1e-4 && abs(game.hits.ci95[1] - 0.9324) < 1e-4)
    #expect(PointingGame(method: .rise, trials: []) == nil)
  }

  @Test func masksAndBoxesMarkPixels() throws {
    let folder = try TemporaryFolder()
    let mask = PNGImage(
      width: 3,
      height: 2,
      channels: 1,
      samples: .sixteenBit([0, 300, 0, 0, 1, 0])
    )
    try PNGEncoder.encode(mask).write(to: URL(fileURLWithPath: folder.file("a.png")))
    let masks = try MarkedRegions(masks: folder.path)
    let found = try masks.regions(of: "elsewhere/a.jpg", height: 2, width: 3)
    #expect(found.map(\.pixels) == [[false, true, false, false, true, false]])
    #expect(found[0].className == nil)
    #expect(throws: RecognitionError.self) {
      try masks.regions(of: "a.png", height: 3, width: 2)
    }
    #expect(throws: SupportError.self) { try masks.regions(of: "b.png", height: 2, width: 3) }

    let made = try MadeSquares(4)
    let boxes = try MarkedRegions(boxes: made.root, images: nil, interruption: Interruption())
    for index in 0..<4 {
      let regions = try boxes.regions(
        of: made.path("JPEGImages/\(made.name(index)).png"),
        height: MadeSquares.height,
        width: MadeSquares.width
      )
      for (label, name) in MadeSquares.classes.enumerated() {
        var expected = [Bool](repeating: false, count: MadeSquares.height * MadeSquares.width)
        for square in made.squares[index] where square.label == label {
          for y in square.y..<square.y + square.side {
            for x in square.x..<square.x + square.side {
              expected[y * MadeSquares.width + x] = true
            }
          }
        }
        let own = regions.first { $0.className == name }?.pixels
        #expect(own == (expected.contains(true) ? expected : nil))
      }
    }
  }

  @Test func gridsOfTwoAxesChangeAsImagesDo() {
    var random = RandomStream(seed: 4)
    let values = (0..<7 * 5).map { _ in Float(random.uniform()) }
    for (height, width) in [(3, 9), (14, 2), (7, 5)] {
      #expect(
        GridResizing.resized(values, from: [7, 5], to: [height, width])
          == ImagePlanes(height: 7, width: 5, values: values)
          .resized(toHeight: height, width: width).values
      )
    }
    // A third axis is one more of the same: what is constant along it stays so.
    let solid = values.flatMap { [$0, $0, $0] }
    let changed = GridResizing.resized(solid, from: [7, 5, 3], to: [7, 5, 6])
    #expect(
      zip(changed, values.flatMap { [Float](repeating: $0, count: 6) }).allSatisfy {
        abs($0 - $1) < 1e-6
      }
    )
  }
}
