import Recognition
import Testing

struct BoxSuppressionTests {
  private func detection(_ x: Double, _ score: Double, label: Int = 0) -> Detection {
    Detection(
      label: label,
      score: score,
      box: DetectionBox(left: x, top: 0, right: x + 10, bottom: 10)
    )
  }

  /// Boxes 2 apart overlap by 8/12, boxes 5 apart by 5/15.
  @Test func theHighestScoreStays() {
    let kept = BoxSuppression(overlap: 0.5)([
      detection(2, 0.6), detection(0, 0.9), detection(5, 0.7),
    ])
    #expect(kept == [detection(0, 0.9), detection(5, 0.7)])
  }

  @Test func anOverlapOfTheThresholdIsAllowed() {
    let pair = [detection(0, 0.9), detection(5, 0.7)]
    #expect(BoxSuppression(overlap: 1.0 / 3)(pair).count == 2)
    #expect(BoxSuppression(overlap: 0.33)(pair).count == 1)
  }

  @Test func classesDoNotSuppressEachOther() {
    let pair = [detection(0, 0.9), detection(0, 0.8, label: 1)]
    #expect(BoxSuppression(overlap: 0.5)(pair) == pair)
  }

  /// The middle one is suppressed by the first and must not suppress the third.
  @Test func whatIsLeftOutSuppressesNothing() {
    let kept = BoxSuppression(overlap: 0.3)([
      detection(0, 0.9), detection(5, 0.8), detection(9, 0.7),
    ])
    #expect(kept.map(\.box.left) == [0, 9])
  }

  @Test func noMoreThanTheMaximumIsKept() {
    let many = (0..<50).map { detection(Double(20 * $0), 1 - Double($0) / 100) }
    let kept = BoxSuppression(overlap: 0.5, maximum: 7)(many.reversed())
    #expect(kept == Array(many.prefix(7)))
    #expect(BoxSuppression(overlap: 0.5)([]).isEmpty)
  }

  @Test func numbersThatAreNoneAreLeftOut() {
    let kept = BoxSuppression(overlap: 0.5)([
      detection(.nan, 0.9), detection(0, .nan), detection(0, 0.2),
    ])
    #expect(kept == [detection(0, 0.2)])
  }
}
