import Evaluation
import Testing

/// Letters and overlaps are those of pycocotools 2.0.11.
struct RunLengthMaskTests {
  private static func rectangle(
    _ columns: Range<Int>,
    _ rows: Range<Int>,
    width: Int = 9,
    height: Int = 7
  ) -> RunLengthMask {
    RunLengthMask(width: width, height: height) { columns.contains($0) ? [rows] : [] }
  }

  @Test func lettersAreThoseOfPycocotools() throws {
    let first = Self.rectangle(2..<7, 1..<4)
    #expect(first.letters == "?340000000=")
    #expect(Self.rectangle(4..<9, 2..<6).letters == "n0430000000N")
    #expect(Self.rectangle(0..<0, 0..<0, width: 2, height: 3).letters == "6")
    #expect(Self.rectangle(0..<2, 0..<3, width: 2, height: 3).letters == "06")
    let long = RunLengthMask(width: 3, height: 4000) { [[5..<3900], [7..<9], [100..<3999]][$0] }
    #expect(long.letters == "5gi3[3[VL`l3ii3VPL")
    for mask in [first, long] {
      let again = RunLengthMask(width: mask.width, height: mask.height, letters: mask.letters)
      #expect(again == mask)
    }
  }

  @Test func pixelsAreCountedAndFound() {
    let (first, second) = (Self.rectangle(2..<7, 1..<4), Self.rectangle(4..<9, 2..<6))
    #expect(first.area == 15 && second.area == 20 && first.common(with: second) == 6)
    #expect(second.common(with: first) == 6 && first.common(with: first) == 15)
    #expect(first.common(with: Self.rectangle(0..<2, 0..<3, width: 2, height: 3)) == 0)
    let pixels = first.pixels
    #expect(pixels.count { $0 } == 15 && pixels[9 + 2] && pixels[27 + 6] && !pixels[36 + 2])
    // Neighbouring ranges and columns join.
    let joined = RunLengthMask(width: 2, height: 4) { $0 == 0 ? [1..<2, 2..<4] : [0..<1] }
    #expect(joined.runs == [1, 4, 3])
  }

  @Test(arguments: [[1, 2], [64], [-1, 64], [.max, .max], [60, 4, 0, -1]])
  func damagedRunsAreRefused(_ runs: [Int]) {
    #expect(RunLengthMask(width: 9, height: 7, runs: runs) == nil)
  }

  @Test(arguments: ["", "?", "é", "oooooooooooooooooooo", "5o", "\u{7f}0"])
  func damagedLettersAreRefused(_ letters: String) {
    #expect(RunLengthMask(width: 9, height: 7, letters: letters) == nil)
  }

  /// The boxes are equal, the masks share 6 of 29 pixels: no match at 0.5, a hit in a crowd of 0.4.
  @Test func masksDecideOverBoxes() throws {
    func box(_ mask: RunLengthMask, _ kind: DetectionEvaluation.Box.Kind) -> DetectionEvaluation.Box
    {
      .init(image: 0, label: 1, x: 0, y: 0, width: 9, height: 7, kind: kind, mask: mask)
    }
    let (first, second) = (Self.rectangle(2..<7, 1..<4), Self.rectangle(4..<9, 2..<6))
    func precision(_ threshold: Double, _ found: RunLengthMask) -> Double? {
      DetectionEvaluation(detections: [box(found, .counted)], truths: [box(second, .counted)])
        .averagePrecision(label: 1, threshold: threshold)?.precision
    }
    #expect(precision(0.5, first) == 0 && precision(0.5, second) == 1)
    #expect(precision(0.2, first) == 1 && precision(0.21, first) == 0)
  }
}
