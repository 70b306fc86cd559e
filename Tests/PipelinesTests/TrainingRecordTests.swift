import Foundation
import Pipelines
import Testing

@Suite struct TrainingRecordTests {
  @Test func recordsOfEarlierProgramsHaveNoValidations() throws {
    // `training.json` as it was before runs looked at held-out cases.
    let study = try SyntheticStudy(cases: 2)
    let values = try TrainingPlanner().configuration(
      for: try SegmentationDataset(path: study.path)
    )
    let record = TrainingRecord(
      model: "balls",
      configuration: values,
      epochs: [
        SegmentationTrainer.Epoch(
          step: 100,
          loss: 1,
          learningRate: 0.1,
          seconds: 2,
          dataShare: 0
        )
      ],
      notes: []
    )
    var object = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(record)) as? [String: Any]
    )
    for key in ["validations", "validationSeconds", "warnings"] { object[key] = nil }
    let data = try JSONSerialization.data(withJSONObject: object)
    let read = try JSONDecoder().decode(TrainingRecord.self, from: data)
    #expect(read == record)
    #expect(read.validations.isEmpty && read.warnings.isEmpty && read.validationSeconds == 0)
  }
}
