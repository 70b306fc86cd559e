import Foundation
import Sequences
import Support
import TestSupport
import Testing

/// MIT-BIH record 100 (ODC-BY), where the machine has it beside the repository.
@Suite struct RecordHundredTests {
  @Test func allBeatsAreFound() throws {
    guard let path = Fixtures.developmentData("wfdb-ecg/sample-data/100.hea") else {
      print("skipped: no shared/data/wfdb-ecg beside the checkout")
      return
    }
    let record = try WFDBReader.read(path)
    #expect(record.count == 650_000 && record.samplingHz == 360)
    #expect(record.leadNames == ["MLII", "V5"])
    let beats = try WFDBAnnotations(path: path.dropLast(3) + "atr").beats
    let kinds = Dictionary(grouping: beats, by: \.symbol).mapValues(\.count)
    #expect(kinds == ["N": 2239, "A": 33, "V": 1])
    let matching = BeatMatching(
      found: BeatDetector().beats(record.signals[0].values, samplingHz: 360),
      reference: beats.map(\.sample),
      samplingHz: 360
    )
    #expect((matching.f1 ?? 0) >= 0.995)
  }
}
