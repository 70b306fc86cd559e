import Enhancement
import Imaging
import Testing

@Suite struct SegmentationChangeTests {
  /// Ten voxels of 10 x 10 x 10 mm, one millilitre each.
  private func map(_ labels: [UInt16], names: [String] = ["liver", "spleen"]) throws -> LabelMap {
    LabelMap(
      geometry: try ImageGeometry(
        size: [10, 1, 1],
        spacing: [10, 10, 10],
        origin: [0, 0, 0],
        direction: .identity
      ),
      labels: labels,
      table: names.enumerated().map {
        LabelDefinition(id: $0 + 1, name: $1, color: LabelDefinition.defaultColor($0))
      }
    )
  }

  @Test func diceAndVolumesAreThoseOfHandCountedVoxels() throws {
    let change = SegmentationChange(
      model: "sample",
      before: try map([1, 1, 1, 1, 0, 0, 0, 0, 2, 2]),
      after: try map([1, 1, 0, 0, 0, 0, 0, 0, 2, 2]),
      truth: try map([1, 1, 1, 1, 1, 1, 0, 0, 2, 2], names: []),
      kind: .reference
    )
    #expect(change.truth == .reference && change.structures.map(\.name) == ["liver", "spleen"])
    let liver = change.structures[0]
    #expect(liver.diceBefore == 0.8 && liver.diceAfter == 0.5)
    #expect(liver.volumeBeforeML == 4 && liver.volumeAfterML == 2 && liver.volumeChangeML == -2)
    #expect(change.structures[1].diceChange == 0)
    #expect(change.warnings.count == 1 && change.warnings[0].contains("liver"))
    #expect(change.warnings[0].contains("0.3"))
  }

  @Test func withoutATruthDiceIsBetweenAfterAndBefore() throws {
    let change = SegmentationChange(
      model: "sample",
      before: try map([1, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
      after: try map([1, 1, 1, 1, 0, 0, 0, 0, 0, 5]),
      truth: nil,
      kind: .clean
    )
    #expect(change.truth == .before && change.warnings.isEmpty)
    #expect(change.structures[0].diceBefore == nil)
    #expect(abs((change.structures[0].diceAfter ?? 0) - 2 / 3) < 1e-12)
    // What neither has is undefined, what only the result has is wholly other.
    #expect(change.structures[1].diceAfter == nil)
    #expect(change.structures[2].name == "5" && change.structures[2].diceAfter == 0)
  }

  @Test func aSmallFallIsNoWarning() throws {
    let truth = [UInt16](repeating: 1, count: 10)
    func change(_ after: [UInt16]) throws -> SegmentationChange {
      SegmentationChange(
        model: "sample",
        before: try map(truth),
        after: try map(after),
        truth: try map(truth),
        kind: .clean
      )
    }
    #expect(try change(truth).warnings.isEmpty)
    #expect(try change([0] + truth.dropFirst()).warnings.count == 1)
  }
}
