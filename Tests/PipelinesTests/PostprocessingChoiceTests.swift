import Imaging
import Pipelines
import Testing

@Suite struct PostprocessingChoiceTests {
  private let labels = [
    LabelDefinition(id: 1, name: "a", color: LabelDefinition.defaultColor(0)),
    LabelDefinition(id: 2, name: "b", color: LabelDefinition.defaultColor(1)),
  ]

  private func map(_ labels: [UInt16]) throws -> LabelMap {
    LabelMap(
      geometry: try SyntheticStudy.geometry([labels.count, 1, 1]),
      labels: labels,
      table: self.labels
    )
  }

  @Test func straysAreRemovedWhereThatHelpsAndKeptWhereItDoesNot() throws {
    // Structure 1 truly has one part, structure 2 two; the prediction has a stray piece of 1.
    let reference = try map([0, 1, 1, 1, 0, 0, 2, 2, 0, 2, 0, 0, 0])
    let prediction = try map([0, 1, 1, 1, 0, 0, 2, 2, 0, 2, 0, 1, 0])
    let choice = PostprocessingChoice(
      predictions: [prediction],
      references: [reference],
      labels: labels
    )
    #expect(choice.postprocessing?.steps == [[1]])
    let (before, after) = (try #require(choice.before), try #require(choice.after))
    #expect(abs(before - (6.0 / 7 + 1) / 2) < 1e-12)
    #expect(after == 1)
    #expect(choice.postprocessing?.applied(to: prediction).labels == reference.labels)
  }

  @Test func structuresAreTakenTogetherWhereNoneLoses() throws {
    // Both have strays, and both touch, so that together they are one component.
    let reference = try map([0, 1, 1, 2, 2, 0, 0, 0, 0])
    let prediction = try map([0, 1, 1, 2, 2, 0, 1, 0, 2])
    let choice = PostprocessingChoice(
      predictions: [prediction],
      references: [reference],
      labels: labels
    )
    #expect(choice.postprocessing?.steps == [[1, 2]])
    #expect(choice.after == 1)
  }

  @Test func nothingIsChosenWhereNothingHelps() throws {
    let reference = try map([1, 1, 0, 1, 0])
    let choice = PostprocessingChoice(
      predictions: [reference],
      references: [reference],
      labels: labels
    )
    #expect(choice.postprocessing == nil)
    #expect(choice.before == 1 && choice.after == 1)
    let none = PostprocessingChoice(predictions: [], references: [], labels: labels)
    #expect(none.postprocessing == nil && none.before == nil)
  }
}
