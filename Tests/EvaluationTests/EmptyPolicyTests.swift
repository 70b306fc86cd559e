import Evaluation
import Imaging
import Testing

/// Every row states what a policy makes of the three empty situations.
struct EmptyPolicyTests {
  static let full = (try? drawn("11..", "....", spacing: [3, 4, 12]))
  static let empty = (try? drawn("....", "....", spacing: [3, 4, 12]))
  // 4 x 2 x 1 voxels of 3 x 4 x 12 mm: edges 12, 8 and 12 mm.
  static let diagonal = (144.0 + 64 + 144).squareRoot()

  struct Row: Sendable {
    let policy: EmptyPolicy
    let metric: String
    let both: Double?
    let predictionEmpty: Double?
    let referenceEmpty: Double?
  }

  static let rows: [Row] = [
    Row(policy: .lamina, metric: "dice", both: nil, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .lamina, metric: "iou", both: nil, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .lamina, metric: "nsd", both: nil, predictionEmpty: 0, referenceEmpty: 0),
    Row(
      policy: .lamina,
      metric: "hd95",
      both: nil,
      predictionEmpty: diagonal,
      referenceEmpty: diagonal
    ),
    Row(
      policy: .lamina,
      metric: "assd",
      both: nil,
      predictionEmpty: diagonal,
      referenceEmpty: diagonal
    ),
    Row(policy: .lamina, metric: "sensitivity", both: nil, predictionEmpty: 0, referenceEmpty: nil),
    Row(policy: .lamina, metric: "precision", both: nil, predictionEmpty: nil, referenceEmpty: 0),
    Row(policy: .nnunet, metric: "dice", both: nil, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .nnunet, metric: "hd", both: nil, predictionEmpty: nil, referenceEmpty: nil),
    Row(policy: .monai, metric: "dice", both: nil, predictionEmpty: 0, referenceEmpty: nil),
    Row(policy: .monai, metric: "hd95", both: nil, predictionEmpty: nil, referenceEmpty: nil),
    Row(policy: .metricsReloaded, metric: "dice", both: 1, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .metricsReloaded, metric: "iou", both: nil, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .metricsReloaded, metric: "nsd", both: 1, predictionEmpty: 0, referenceEmpty: 0),
    Row(
      policy: .metricsReloaded,
      metric: "hd",
      both: 0,
      predictionEmpty: nil,
      referenceEmpty: nil
    ),
    Row(policy: .brats, metric: "dice", both: 1, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .brats, metric: "hd95", both: 0, predictionEmpty: 374, referenceEmpty: 374),
    Row(policy: .lamina, metric: "nsdSurface", both: nil, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .lamina, metric: "clDice", both: nil, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .lamina, metric: "lesionF1", both: nil, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .lamina, metric: "pq", both: nil, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .lamina, metric: "rq", both: nil, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .monai, metric: "nsdSurface", both: nil, predictionEmpty: 0, referenceEmpty: nil),
    Row(policy: .monai, metric: "clDice", both: nil, predictionEmpty: 0, referenceEmpty: nil),
    Row(policy: .monai, metric: "lesionF1", both: nil, predictionEmpty: 0, referenceEmpty: nil),
    Row(policy: .monai, metric: "pq", both: nil, predictionEmpty: 0, referenceEmpty: nil),
    Row(policy: .monai, metric: "rq", both: nil, predictionEmpty: 0, referenceEmpty: nil),
    Row(
      policy: .metricsReloaded,
      metric: "nsdSurface",
      both: 1,
      predictionEmpty: 0,
      referenceEmpty: 0
    ),
    Row(policy: .metricsReloaded, metric: "clDice", both: 1, predictionEmpty: 0, referenceEmpty: 0),
    Row(
      policy: .metricsReloaded,
      metric: "lesionF1",
      both: 1,
      predictionEmpty: 0,
      referenceEmpty: 0
    ),
    Row(policy: .metricsReloaded, metric: "pq", both: 1, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .metricsReloaded, metric: "rq", both: 1, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .brats, metric: "nsdSurface", both: 1, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .brats, metric: "clDice", both: 1, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .brats, metric: "lesionF1", both: 1, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .brats, metric: "pq", both: 1, predictionEmpty: 0, referenceEmpty: 0),
    Row(policy: .brats, metric: "rq", both: 1, predictionEmpty: 0, referenceEmpty: 0),
  ]

  @Test(arguments: rows) func policyGivesTheStatedValue(row: Row) throws {
    let full = try #require(Self.full)
    let empty = try #require(Self.empty)
    let both = try values(empty, empty, policy: row.policy)[row.metric]
    let missed = try values(empty, full, policy: row.policy)[row.metric]
    let alarm = try values(full, empty, policy: row.policy)[row.metric]
    #expect(both?.number == row.both)
    #expect(missed?.number == row.predictionEmpty)
    #expect(alarm?.number == row.referenceEmpty)
    for value in [both, missed, alarm] {
      #expect((value?.number == nil) == (value?.reason?.isEmpty == false))
    }
  }

  @Test func optionNamesAreThoseOfTheCommandLine() {
    #expect(
      EmptyPolicy.allCases.map(\.rawValue)
        == ["lamina", "nnunet", "monai", "metrics-reloaded", "brats"]
    )
  }
}
