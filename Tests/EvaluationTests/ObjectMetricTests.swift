import Evaluation
import Imaging
import Testing

/// Metrics of label maps whose values count objects.
struct ObjectMetricTests {
  private func values(
    _ prediction: LabelMap,
    _ reference: LabelMap,
    ignored: Int? = nil
  ) throws -> LabelEvaluation {
    let evaluator = try Evaluator(
      metrics: Metric.parse("dice,lesionF1,lesionSensitivity,lesionFalsePositives,pq,sq,rq"),
      ignoredReferenceLabel: ignored,
      objectName: "nucleus"
    )
    let found = try evaluator.evaluate(prediction: prediction, reference: reference, id: "a")
    #expect(found.problems.isEmpty)
    #expect(found.labels.count == 1)
    return found.labels[0]
  }

  @Test func touchingObjectsAreToldApart() throws {
    // The numbers differ between the maps; as connected parts both maps would have one object.
    let found = try values(drawn("112233", "112233"), drawn("556688", "556688"))
    #expect(found.name == "nucleus" && found.key == "1")
    #expect(found.values["pq"] == .value(1) && found.values["dice"] == .value(1))
  }

  @Test func joinedObjectsCostQualityAlthoughNoPixelIsWrong() throws {
    // One object of 6 pixels covers two of 4 and 2: 4/6 matches, the other is missed.
    let found = try values(drawn("111111"), drawn("111122"))
    #expect(found.values["dice"] == .value(1))
    #expect(found.values["rq"] == .value(2.0 / 3))
    #expect(found.values["sq"] == .value(4.0 / 6))
    #expect(found.values["pq"] == .value(2.0 / 3 * (4.0 / 6)))
    // Both reference objects have a predicted voxel.
    #expect(found.values["lesionSensitivity"] == .value(1))
    #expect(found.values["lesionFalsePositives"] == .value(0))
  }

  @Test func oneNumberIsOneObjectAlsoInTwoParts() throws {
    let found = try values(drawn("11..11"), drawn("11..11"))
    #expect(found.values["rq"] == .value(1))
    let parts = try values(drawn("11..22"), drawn("11..11"))
    // Each half overlaps by one half; one of them matches.
    #expect(parts.values["rq"] == .value(2.0 / 3))
  }

  @Test func falseAndMissedObjectsAreCounted() throws {
    let found = try values(drawn("11....22"), drawn("11.33..."))
    #expect(found.values["lesionFalsePositives"] == .value(1))
    #expect(found.values["lesionSensitivity"] == .value(0.5))
    #expect(found.values["rq"] == .value(0.5))
  }

  @Test func ignoredVoxelsBelongToNoObject() throws {
    // Reference label 9 is ignored: the prediction over it is neither right nor wrong.
    let found = try values(drawn("1122"), drawn("1199"), ignored: 9)
    #expect(found.values["pq"] == .value(1))
    #expect(found.values["lesionFalsePositives"] == .value(0))
  }

  @Test func predictedObjectsMayBearTheIgnoredNumber() throws {
    let found = try values(drawn("11..99"), drawn("11..22"), ignored: 9)
    #expect(found.values["pq"] == .value(1))
  }

  @Test func twoEmptyMapsAreUndefined() throws {
    let found = try values(drawn("...."), drawn("...."))
    #expect(found.values["pq"]?.number == nil && found.state == .absent)
  }
}
