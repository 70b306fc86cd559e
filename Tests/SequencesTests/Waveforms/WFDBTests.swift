import Foundation
import Sequences
import Support
import TestSupport
import Testing

@Suite struct WFDBTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ header: String, _ bytes: [UInt8], name: String = "r") throws -> String {
    try Data(header.utf8).write(to: URL(fileURLWithPath: folder.file(name + ".hea")))
    try Data(bytes).write(to: URL(fileURLWithPath: folder.file(name + ".dat")))
    return folder.file(name)
  }

  @Test func twelveBitsLieTwoInThreeBytes() throws {
    // 1 and −1, 2047 and −2048 (missing), −3 alone: low bytes outside, upper bits in the middle.
    let bytes: [UInt8] = [0x01, 0xF0, 0xFF, 0xFF, 0x87, 0x00, 0xFD, 0x0F]
    let path = try write("r 1 100 5\nr.dat 212 10 12 0 1 2044 0 lead", bytes)
    // 1 − 1 + 2047 − 2048 − 3 = −4; the header's sum must differ.
    let differs = SequencesError.damaged(
      path: path + ".dat",
      reason: "the sum of a signal's samples is not the header's"
    )
    #expect(throws: differs) { try WFDBReader.read(path) }
    _ = try write("r 1 100 5\nr.dat 212 10(1)/uV 12 0 1 -4 0 lead of the chest", bytes)
    let record = try WFDBReader.read(path + ".hea")
    #expect(record.samplingHz == 100 && record.count == 5 && record.durationSeconds == 0.05)
    #expect(record.signals[0].unit == "uV" && record.signals[0].name == "lead of the chest")
    let values = record.signals[0].values
    #expect(values[3].isNaN)
    #expect([0, 1, 2, 4].map { values[$0] } == [0, -0.2, 204.6, -0.4])
  }

  @Test(arguments: [("16", [0x02, 0x01, 0xFF, 0xFF]), ("61", [0x01, 0x02, 0xFF, 0xFF])])
  func sixteenBitsInBothOrders(_ format: String, _ bytes: [UInt8]) throws {
    let path = try write("r 2 500/1000(0) 1\nr.dat \(format)\nr.dat \(format) 2", bytes)
    let record = try WFDBReader.read(path)
    // The gain is 200 a unit where the header says nothing.
    #expect(record.signals.map(\.values) == [[Float(258) / 200], [-0.5]])
    #expect(record.signals[1].unit == "mV" && record.samplingHz == 500)
  }

  @Test func eightBitsAreOffset() throws {
    let path = try write("r 1\nr.dat 80 1", [0, 128, 255])
    let record = try WFDBReader.read(path)
    #expect(record.samplingHz == 250 && record.signals[0].values[0].isNaN)
    #expect(Array(record.signals[0].values[1...]) == [0, 127])
  }

  @Test(arguments: [
    ("", Failure.damagedInput), ("r", .damagedInput), ("r x 100 4\n", .damagedInput),
    ("r 1 0 4\nr.dat 16", .damagedInput), ("r 1 nan 4\nr.dat 16", .damagedInput),
    ("r 1 100 -4\nr.dat 16", .damagedInput), ("r 2 100 2\nr.dat 16", .damagedInput),
    ("r 1 100 3\nr.dat 16", .damagedInput), ("r 1 100 2\nr.dat", .damagedInput),
    ("r 1 100 2\nr.dat 16 inf", .damagedInput), ("r 1 100 2\nr.dat 16 1(x)", .damagedInput),
    ("r 1 100 2\nr.dat 8", .damagedInput), ("r 1 100 2\nr.dat 16x4", .damagedInput),
    ("r 1 100 2\n../r.dat 16", .damagedInput), ("r/2 1 100 2\nr.dat 16", .damagedInput),
    ("r 0 100 2", .damagedInput), ("r 1 100 2\nother.dat 16", .missingInput),
    ("r 99999999999999999999 100 2\nr.dat 16", .damagedInput),
  ])
  func headersThatCannotBeReadAreRefused(_ header: String, _ failure: Failure) throws {
    let path = try write(header, [1, 0, 2, 0])
    let error = #expect(throws: (any Error).self) { try WFDBReader.read(path) }
    let classified = error as? any ClassifiedError
    #expect(classified?.failure == failure, "\(classified?.description ?? "")")
  }

  @Test func commentsAboutThePatientAreNotRead() throws {
    let ecg = SyntheticECG(seconds: 5, seed: 1)
    try ecg.write(to: folder.path, name: "100")
    let record = try WFDBReader.read(folder.file("100"))
    #expect(record.leadNames == ["MLII", "V5"] && !"\(record)".contains("PATIENT"))
    #expect(record.count == ecg.values.count)
    let worst = zip(record.signals[0].values, ecg.values).map { abs(Double($0) - $1) }.max()
    // Half a step of 1/200 mV.
    #expect((worst ?? 1) <= 0.0025 + 1e-6)
    #expect(record.signals[1].values.elementsEqual(record.signals[0].values.map { -$0 }))
  }

  @Test func annotationsAreRead() throws {
    // Normal after 5, a rhythm's text of three letters, a step of 70000, then atrial after 7.
    let words = [
      1 << 10 | 5, 28 << 10 | 1, 63 << 10 | 3, 0x4E28, 0x0041, 59 << 10, 1, 70_000 - 65_536,
      8 << 10 | 7, 61 << 10 | 2, 0,
    ]
    let data = Data(words.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
    let all = try WFDBAnnotations(data, path: "x")
    #expect(all.marks.map(\.sample) == [5, 6, 70_013])
    #expect(all.beats.map(\.symbol) == ["N", "A"])
    #expect(throws: SequencesError.damaged(path: "x", reason: "it ends within a mark")) {
      try WFDBAnnotations(data.dropLast(2), path: "x")
    }
    let back = Data([0x00, 0xEC, 0xFF, 0xFF, 0x00, 0x00, 0x01, 0x04, 0, 0])
    #expect(throws: SequencesError.self) { try WFDBAnnotations(back, path: "x") }
  }

  @Test func foldersListTheirRecords() throws {
    #expect(throws: SequencesError.self) { try WFDBReader.records(folder.path) }
    #expect(throws: SupportError.self) { try WFDBReader.records(folder.file("none")) }
    for name in ["b", "a"] {
      try SyntheticECG(seconds: 3, seed: 1).write(to: folder.path, name: name)
    }
    #expect(
      try WFDBReader.records(folder.path).map { ($0 as NSString).lastPathComponent } == ["a", "b"]
    )
    #expect(try WFDBReader.records(folder.file("a.dat")) == [folder.file("a")])
  }
}
