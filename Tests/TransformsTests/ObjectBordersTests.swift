import Testing
import Transforms

struct ObjectBordersTests {
  private func classes(_ rows: [String], borderWidth: Int) -> [String] {
    let (width, height) = (rows[0].count, rows.count)
    let objects = rows.joined().map { UInt16($0.wholeNumberValue ?? 0) }
    let found = ObjectBorders.classes(
      of: objects,
      width: width,
      height: height,
      borderWidth: borderWidth
    )
    return (0..<height).map { row in
      found[row * width..<(row + 1) * width].map { ".ib".map(String.init)[Int($0)] }.joined()
    }
  }

  @Test func touchingObjectsAreDividedByBorders() {
    let found = classes(
      [
        "111222",
        "111222",
        "111222",
      ],
      borderWidth: 1
    )
    // The picture's edge is no border, only the side where the objects touch is.
    #expect(found == ["iibbii", "iibbii", "iibbii"])
  }

  @Test func theBorderIsAsWideAsAskedFor() {
    let found = classes(
      [
        "000000000",
        "011111110",
        "011111110",
        "011111110",
        "011111110",
        "011111110",
        "011111110",
        "011111110",
        "000000000",
      ],
      borderWidth: 2
    )
    #expect(
      found == [
        ".........",
        ".bbbbbbb.",
        ".bbbbbbb.",
        ".bbiiibb.",
        ".bbiiibb.",
        ".bbiiibb.",
        ".bbbbbbb.",
        ".bbbbbbb.",
        ".........",
      ]
    )
  }

  @Test func aSmallObjectKeepsItsInnermostPixelsAsInside() {
    // 1 has depth 1 only; the middle of 2 has depth 2, less than the border is wide.
    let found = classes(
      [
        "0000000",
        "0100222",
        "0000222",
        "0000222",
        "0000000",
      ],
      borderWidth: 3
    )
    #expect(found == [".......", ".i..bbb", "....bii", "....bbb", "......."])
  }

  @Test func withoutABorderAllOfAnObjectIsInside() {
    #expect(classes(["0110", "0220"], borderWidth: 0) == [".ii.", ".ii."])
  }
}
