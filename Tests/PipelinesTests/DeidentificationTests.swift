import Foundation
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct DeidentificationTests {
  /// A folder whose names give a patient away: two images of one, a capture, and a text.
  private func input() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let scans = folder.file("scans")
    try FileManager.default.createDirectory(
      atPath: scans + "/MARK_ANN_1930",
      withIntermediateDirectories: true
    )
    for name in ["study-one.dcm", "study-two.dcm", "capture.dcm"] {
      try FileManager.default.copyItem(
        atPath: Fixtures.path("deidentification/" + name),
        toPath: scans + "/MARK_ANN_1930/MARK_" + name
      )
    }
    try Data("Mark, Ann".utf8).write(to: URL(fileURLWithPath: scans + "/MARK.txt"))
    return folder
  }

  private func run(
    _ folder: TemporaryFolder,
    to output: String = "out",
    input: String = "scans",
    mayReplace: Bool = false,
    change: (inout DICOMDeidentificationOptions) -> Void = { _ in }
  ) throws -> DeidentificationProtocol {
    var options = DICOMDeidentificationOptions()
    change(&options)
    let job = try Deidentification(
      engine: DICOMDeidentification(options: options, key: .init(seed: 3)),
      outputs: OutputGuard(mayReplace: mayReplace),
      interruption: Interruption(),
      progress: SilentProgress()
    )
    return try job.run(folder.file(input), to: folder.file(output), showsKey: false) {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return try encoder.encode($0)
    }
  }

  private func files(_ folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder)
      .filter { !$0.hasPrefix(".") && $0.contains(".") }.sorted()
  }

  @Test func namesAndProtocolHoldNoIdentity() throws {
    let folder = try input()
    let report = try run(folder)
    #expect(report.count(.done) == 2)
    #expect(report.count(.withheld) == 1)
    #expect(report.otherFiles == 1)
    let names = try files(folder.file("out"))
    #expect(names.count == 3)
    #expect(names.filter { $0.hasSuffix(".dcm") } == report.files.compactMap(\.output).sorted())
    let text = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
    let manifest = try String(contentsOfFile: folder.file("out/manifest.json"), encoding: .utf8)
    for mark in ["MARK", "777666555", "2020", "4711", "hospital", "ann^", "_ann"] {
      for place in [text, manifest, names.joined(separator: " ")] {
        #expect(!place.localizedCaseInsensitiveContains(mark), "\(mark)")
      }
    }
    #expect(text.contains("PatientBirthDate"))
  }

  @Test func sameKeySameBytes() throws {
    let folder = try input()
    _ = try run(folder, to: "one")
    _ = try Parallelism.$threadCount.withValue(1) { try run(folder, to: "two") }
    let names = try files(folder.file("one"))
    #expect(try files(folder.file("two")) == names)
    for name in names {
      let one = try Data(contentsOf: URL(fileURLWithPath: folder.file("one/" + name)))
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("two/" + name))) == one)
    }
  }

  @Test func subjectNamesOnePatientAlone() throws {
    let folder = try input()
    let report = try run(folder) { $0.subject = "CASE 1/2" }
    #expect(report.files.compactMap(\.output).allSatisfy { $0.hasPrefix("CASE_1_2/") })
    #expect(throws: DeidentificationError.severalPatients(count: 2)) {
      try run(folder, to: "all") {
        $0.subject = "X"
        $0.allowsFlagged = true
      }
    }
    #expect(throws: DeidentificationError.invalidSubject) {
      try run(folder, to: "all") { $0.subject = "A\\B" }
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("all")))
  }

  @Test func singleFilesGoWhereTheyAreSent() throws {
    let folder = try input()
    let path = "scans/MARK_ANN_1930/MARK_"
    let written = try run(folder, to: "one.dcm", input: path + "study-one.dcm")
    #expect(written.count(.done) == 1)
    #expect(try DICOMFile(path: folder.file("one.dcm")).root.text(0x0012_0062) == "YES")
    let withheld = try run(folder, to: "two.dcm", input: path + "capture.dcm")
    #expect(withheld.count(.withheld) == 1)
    #expect(!FileManager.default.fileExists(atPath: folder.file("two.dcm")))
    #expect(throws: DeidentificationError.noObjects(files: 1)) {
      try run(folder, to: "three", input: "scans/MARK.txt")
    }
    #expect(throws: DeidentificationError.inputNotFound) {
      try run(folder, to: "three", input: "absent")
    }
    #expect(throws: DeidentificationError.outputIsNoFolder(path: folder.file("three.dcm"))) {
      try run(folder, to: "three.dcm")
    }
    #expect(throws: SupportError.outputExists(path: folder.file("one.dcm"))) {
      try run(folder, to: "one.dcm", input: path + "study-one.dcm")
    }
  }

  @Test func outputsAreReplacedWhenAllowed() throws {
    let folder = try input()
    _ = try run(folder)
    #expect(throws: SupportError.outputExists(path: folder.file("out"))) { try run(folder) }
    #expect(try run(folder, mayReplace: true).count(.done) == 2)
  }

  @Test func copiesOfOneObjectAreBothWritten() throws {
    let folder = try input()
    try FileManager.default.copyItem(
      atPath: folder.file("scans/MARK_ANN_1930/MARK_study-one.dcm"),
      toPath: folder.file("scans/copy.dcm")
    )
    let outputs = try run(folder).files.compactMap(\.output)
    #expect(Set(outputs).count == 3)
    #expect(outputs.contains { $0.hasSuffix("-2.dcm") })
  }
}
