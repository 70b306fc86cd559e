import Evaluation
import Foundation
import Testing

struct LabelSetTests {
  @Test func structuresStandInTheOrderOfTheirLabels() throws {
    let set = try LabelSet(json: Data(#"{"b": 10, "a": 2, "u": [3, 1, 3]}"#.utf8))
    #expect(set.structures.map(\.key) == ["1+3", "2", "10"])
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"a": "1"}"#, #"{"a": 1.5}"#, #"{"a": -1}"#, #"{"a": 65536}"#, #"{"a": []}"#,
    #"{"a": 1, "b": 1}"#, #"{"a": [0, 1]}"#, #"{"background": 0}"#,
  ])
  func otherFormsAreRefused(json: String) {
    #expect(throws: EvaluationError.self) { try LabelSet(json: Data(json.utf8)) }
  }
}
