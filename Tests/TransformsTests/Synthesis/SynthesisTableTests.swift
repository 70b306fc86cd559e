import Foundation
import Testing
import Transforms

@Suite struct SynthesisTableTests {
  private typealias Entry = SynthesisTable.Entry
  private let background = SynthesisTable.Entry(label: 0, intensity: 0, output: 0)

  private func expectError(_ error: TransformsError, _ entries: [SynthesisTable.Entry]) {
    #expect(throws: error) { try SynthesisTable(entries: entries) }
  }

  @Test func aTableThatMakesNoSenseIsRefused() {
    let pair = [
      Entry(label: 2, intensity: 1, output: 1, mirrored: 41),
      Entry(label: 41, intensity: 1, output: 2, mirrored: 2),
    ]
    #expect(throws: Never.self) { try SynthesisTable(entries: [background] + pair) }
    expectError(.missingBackground, pair)
    expectError(.missingBackground, [Entry(label: 0, intensity: 0, output: 1)])
    expectError(.unknownMirror(label: 2, mirrored: 41), [background, pair[0]])
    expectError(
      .unpairedMirror(label: 2, mirrored: 41),
      [background, pair[0], Entry(label: 41, intensity: 1, output: 2)]
    )
    expectError(.duplicateLabel(41), [background] + pair + [pair[1]])
    expectError(
      .labelOutOfRange(65536),
      [background, Entry(label: 65536, intensity: 1, output: 1)]
    )
    expectError(.labelOutOfRange(-1), [background, Entry(label: -1, intensity: 1, output: 1)])
    expectError(
      .outputOutOfRange(label: 7, output: -1),
      [background, Entry(label: 7, intensity: 1, output: -1)]
    )
    expectError(
      .tooManyEntries(count: 257, limit: 256),
      (0...256).map { Entry(label: $0, intensity: $0, output: $0) }
    )
  }

  @Test func readingATableChecksIt() throws {
    let table = try SyntheticHead.table()
    let data = try JSONEncoder().encode(table)
    #expect(try JSONDecoder().decode(SynthesisTable.self, from: data) == table)
    let bad = #"{"entries": [{"label": 5, "intensity": 1, "output": 1, "mirrored": 5}]}"#
    #expect(throws: TransformsError.missingBackground) {
      try JSONDecoder().decode(SynthesisTable.self, from: Data(bad.utf8))
    }
  }

  @Test func placesFollowFromNumbersUnlessSaid() {
    #expect(background.location == .background)
    #expect(Entry(label: 507, intensity: 1, output: 0).location == .head)
    #expect(Entry(label: 507, intensity: 1, output: 1).location == .brain)
    #expect(Entry(label: 85, intensity: 1, output: 0).location == .brain)
    #expect(Entry(label: 24, intensity: 1, output: 1, region: .fluid).location == .fluid)
  }

  /// The table that ships has 32 classes; FreeSurfer's names say which are pairs.
  @Test func theTableOfWholeHeadsPairsLeftAndRight() throws {
    struct Document: Decodable {
      var labels: [String: Int]
      var synthesis: SynthesisTable
    }
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(
      contentsOf: root.appending(path: "Models/training/brain-any-contrast.json")
    )
    let document = try JSONDecoder().decode(Document.self, from: data)
    let entries = document.synthesis.entries
    let numbers = document.labels.values.sorted()
    let names = Dictionary(uniqueKeysWithValues: document.labels.map { ($1, $0) })
    #expect(numbers.count == 32)
    #expect(document.synthesis.classCount == 33)
    #expect(Set(entries.map(\.output)) == Set(0...32))
    let outputs = Dictionary(uniqueKeysWithValues: entries.map { ($0.label, $0.output) })
    for number in numbers {
      #expect(outputs[number].map { numbers[$0 - 1] } == number)
    }
    for entry in entries where entry.output > 0 {
      let name = try #require(names[numbers[entry.output - 1]])
      let other = try #require(outputs[entry.mirrored])
      let expected =
        name.hasPrefix("Left-")
        ? "Right-" + name.dropFirst(5)
        : name.hasPrefix("Right-") ? "Left-" + name.dropFirst(6) : name
      #expect(names[numbers[other - 1]] == expected)
    }
  }
}
