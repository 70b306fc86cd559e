import Evaluation
import Imaging
import Testing

struct LesionMetricTests {
  @Test func lesionsAreMatchedByTheStatedRules() throws {
    // Reference: three lesions of 2, 3 and 1 pixels. Prediction: the first exactly, one pixel of
    // the second, nothing of the third, one false alarm.
    let reference = try drawn("11.111.....1", "............", "............")
    let prediction = try drawn("11...1......", "............", "........1...")
    let found = try values(prediction, reference)
    #expect(found["lesionSensitivity"] == .value(2.0 / 3))
    #expect(found["lesionFalsePositives"] == .value(1))
    // TP 2, FN 1, FP 1.
    #expect(found["lesionF1"] == .value(4.0 / 6))
    // Only the first pair reaches one half: TP 1, of 3 predicted and 3 true.
    #expect(found["rq"] == .value(2.0 / 6))
    #expect(found["sq"] == .value(1))
    #expect(found["pq"] == .value(2.0 / 6))
  }

  @Test func cornersConnectLesions() throws {
    let found = try values(drawn("1..", ".1.", "..."), drawn("1..", ".1.", "..1"))
    #expect(found["lesionSensitivity"] == .value(1))
    #expect(found["rq"] == .value(1))
    #expect(found["sq"] == .value(2.0 / 3))
  }

  @Test func aLesionTakesPartInOneMatch() throws {
    // Both halves overlap the lesion by exactly one half; only one of them may match.
    let found = try values(drawn("1.1", "1.1"), drawn("111", "111"))
    #expect(found["rq"] == .value(0), "a third each")
    let halves = try values(drawn("11..", "11.."), drawn("1111", "1111"))
    #expect(halves["sq"] == .value(0.5) && halves["rq"] == .value(1))
  }

  /// Voxels of 0.05 ml: lesions of 1 (small), 2 (medium, at the bound) and 21 (large).
  @Test func lesionsAreCountedBySize() throws {
    let spacing = SIMD3(5.0, 10, 1)
    let reference = try drawn(
      "1...11...111111111111111111111",
      "..............................",
      "..............................",
      spacing: spacing
    )
    let prediction = try drawn(
      ".....1...1....................",
      "..............................",
      "1..11....1....................",
      spacing: spacing
    )
    let found = try values(prediction, reference)
    #expect(found["lesionSensitivitySmall"] == .value(0))
    #expect(found["lesionSensitivityMedium"] == .value(1))
    #expect(found["lesionSensitivityLarge"] == .value(1))
    #expect(found["lesionFalsePositivesSmall"] == .value(2))
    #expect(found["lesionFalsePositivesMedium"] == .value(1))
    #expect(found["lesionFalsePositivesLarge"] == .value(0))
    let none = try values(drawn("..", spacing: spacing), drawn("1.", spacing: spacing))
    #expect(none["lesionSensitivitySmall"] == .value(0))
    #expect(
      none["lesionSensitivityLarge"]
        == .undefined(reason: "the reference has no lesion of above 1.0 ml")
    )
    #expect(none["lesionFalsePositivesSmall"] == .value(0))
  }

  @Test(
    arguments: [
      (0.0999, LesionSize.small), (0.1, .medium), (100 * 0.001, .medium), (1.0, .medium),
      (1.0001, .large),
    ]
  )
  func boundsBelongToTheMiddle(volumeML: Double, size: LesionSize) {
    #expect(LesionSize(volumeML: volumeML) == size)
  }

  @Test func emptyMasksHaveNoLesions() throws {
    let (none, some) = (try drawn("..."), try drawn("1.1"))
    let alarm = try values(some, none)
    #expect(alarm["lesionFalsePositives"] == .value(2))
    #expect(alarm["lesionF1"] == .value(0) && alarm["pq"] == .value(0))
    #expect(alarm["lesionSensitivity"]?.number == nil && alarm["sq"]?.number == nil)
    let missed = try values(none, some)
    #expect(missed["lesionFalsePositives"] == .value(0))
    #expect(missed["lesionSensitivity"] == .value(0))
    let neither = try values(none, none)
    #expect(neither["lesionFalsePositives"] == .value(0))
    #expect(neither["pq"]?.number == nil && neither["betti0"]?.number == nil)
    #expect(alarm["betti0"] == .value(2) && missed["betti0"] == .value(2))
  }
}
