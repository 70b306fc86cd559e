import Foundation
import TestSupport
import Testing

/// What `lamina deidentify` prints, writes and returns.
@Suite struct DeidentifyTests {
  private let fixtures = Fixtures.path("deidentification")

  @Test func withheldObjectsGiveStatusTwo() throws {
    let folder = try TemporaryFolder()
    let result = try Program.run(
      "deidentify",
      fixtures,
      folder.file("out"),
      "--keep-dates",
      "shifted",
      "--keep",
      "device,characteristics",
      "--seed",
      "5",
      "--protocol",
      folder.file("protocol.json"),
      "--json"
    )
    #expect(result.status == 2)
    let manifest = try #require(result.json as? [String: Any])
    let cases = try #require(manifest["cases"] as? [[String: Any]])
    #expect(cases.count { $0["status"] as? String == "done" } == 4)
    #expect(cases.count { $0["status"] as? String == "withheld" } == 7)
    let written = try Data(contentsOf: URL(fileURLWithPath: folder.file("protocol.json")))
    let document = try #require(
      try JSONSerialization.jsonObject(with: written) as? [String: Any]
    )
    #expect(document["schema"] as? String == "lamina.deidentification/1")
    #expect((document["codes"] as? [Any])?.count == 4)
    #expect((document["key"] as? [String: Any])?["value"] == nil)
    // Neither names of files nor values.
    for mark in ["study-one", "marked-", "ZZTOP", "777666555", "Mark"] {
      #expect(!result.error.contains(mark), "\(mark)")
      #expect(!result.output.contains(mark), "\(mark)")
      #expect(!String(decoding: written, as: UTF8.self).contains(mark), "\(mark)")
    }
  }

  @Test func cleanFilesGiveStatusZero() throws {
    let folder = try TemporaryFolder()
    let out = folder.file("clean.dcm")
    let result = try Program.run("deidentify", fixtures + "/study-one.dcm", out)
    #expect(result.status == 0)
    #expect(result.output == "\(out): 1 of 1 DICOM files written\n")
    #expect(try Program.run("deidentify", fixtures + "/study-one.dcm", out).status == 73)
    #expect(try Program.run("deidentify", fixtures + "/README.md", folder.file("x")).status == 65)
    #expect(try Program.run("deidentify", "/nowhere/Ann", folder.file("x")).status == 66)
  }

  @Test(arguments: [
    ["--keep", "names"], ["--keep-dates", "all"], ["--seed", "1", "--key", "file"],
    ["--protocol-key"],
  ])
  func wrongUsageIsSaid(arguments: [String]) throws {
    let folder = try TemporaryFolder()
    let result = try Program.start(
      ["deidentify", fixtures + "/study-one.dcm", folder.file("out")] + arguments
    ).wait()
    #expect(result.status == 64)
    #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
  }
}
