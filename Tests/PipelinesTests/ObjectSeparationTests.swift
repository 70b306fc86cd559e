import Imaging
import Pipelines
import Testing
import Transforms

struct ObjectSeparationTests {
  /// Probabilities of certain classes, drawn with "." for background, "i" for inside, "b" for border.
  private func objects(_ rows: String..., separation: ObjectSeparation) -> [String]? {
    let (width, height) = (rows[0].count, rows.count)
    let classes = rows.joined()
    let probabilities = ".ib".flatMap { wanted in classes.map { $0 == wanted ? Float(0.98) : 0.01 }
    }
    return separation.objects(in: probabilities, width: width, height: height).map { found in
      (0..<height).map { row in
        found[row * width..<(row + 1) * width].map { $0 == 0 ? "." : "\($0)" }.joined()
      }
    }
  }

  private var small: ObjectSeparation {
    var separation = ObjectSeparation()
    separation.minimumSeedPixels = 1
    separation.minimumPixels = 1
    return separation
  }

  @Test func aBorderDividesTouchingObjects() {
    let found = objects(
      "........",
      ".iibbii.",
      ".iibbii.",
      "........",
      separation: small
    )
    #expect(found == ["........", ".111222.", ".111222.", "........"])
  }

  @Test func objectsAreNumberedInTheOrderOfTheirFirstPixels() {
    #expect(objects("...ii", "ii...", separation: small) == ["...11", "22..."])
  }

  @Test func foregroundWithoutASeedIsAnObjectOfItsOwn() {
    #expect(objects("bb..ii", separation: small) == ["11..22"])
  }

  @Test func seedsOfFewPixelsDivideNothing() {
    var separation = small
    separation.minimumSeedPixels = 2
    #expect(objects("iibbi", separation: separation) == ["11111"])
    separation.minimumSeedPixels = 1
    #expect(objects("iibbi", separation: separation) == ["11122"])
  }

  @Test func objectsOfFewPixelsBecomeBackground() {
    var separation = small
    separation.minimumPixels = 3
    #expect(objects("ii.iii", separation: separation) == ["...111"])
  }

  @Test func anEmptyPictureHasNoObjects() {
    #expect(objects("....", separation: small) == ["...."])
  }

  @Test func moreObjectsThanLabelsAreRefused() {
    // Every second pixel of every second row is an object: 320 x 320 pixels have 25600, 600 x 600
    // have 90000.
    func found(_ side: Int) -> [UInt16]? {
      let inside = (0..<side * side).map {
        $0 % side % 2 == 0 && $0 / side % 2 == 0 ? Float(1) : 0
      }
      let values = inside.map { 1 - $0 } + inside + [Float](repeating: 0, count: side * side)
      return small.objects(in: values, width: side, height: side)
    }
    #expect(found(320)?.max() == 25600)
    #expect(found(600) == nil)
  }

  @Test(arguments: 0..<8)
  func objectsComeBackFromTheClassesThatANetworkLearns(index: Int) throws {
    guard case .sixteenBit(let objects) = SyntheticPictures.make(index).objects.samples else {
      Issue.record("not of 16 bits")
      return
    }
    let side = SyntheticPictures.side
    let separation = ObjectSeparation()
    let classes = ObjectBorders.classes(
      of: objects,
      width: side,
      height: side,
      borderWidth: separation.borderWidth
    )
    let probabilities = (0..<3).flatMap { wanted -> [Float] in
      classes.map { Int($0) == wanted ? 1 : 0 }
    }
    let found = try #require(separation.objects(in: probabilities, width: side, height: side))
    // Not a pixel of foreground is lost but those of remnants below the smallest object.
    var sizes: [UInt16: Int] = [:]
    for object in objects where object > 0 { sizes[object, default: 0] += 1 }
    let large = sizes.filter { $0.value >= separation.minimumPixels }
    var shared: [UInt16: [UInt16: Int]] = [:]
    for (a, b) in zip(objects, found) where a > 0 && b > 0 {
      shared[a, default: [:]][b, default: 0] += 1
    }
    var taken = Set<UInt16>()
    for (object, size) in large where size > 40 {
      let best = try #require(shared[object]?.max { $0.value < $1.value })
      // The flood's front may lie a pixel off between two objects.
      #expect(Double(best.value) > 0.9 * Double(size), "object \(object)")
      #expect(taken.insert(best.key).inserted, "object \(object) is joined with another")
    }
  }
}
