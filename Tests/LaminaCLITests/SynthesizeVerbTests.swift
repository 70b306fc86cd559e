import Foundation
import Imaging
import ImagingIO
import TestSupport
import Testing

/// `lamina synthesize`, from two small label maps.
@Suite struct SynthesizeVerbTests {
  private let folder: TemporaryFolder
  private let maps: String

  init() throws {
    folder = try TemporaryFolder()
    maps = folder.file("maps")
    try FileManager.default.createDirectory(atPath: maps, withIntermediateDirectories: true)
    for number in 0..<2 {
      try Samples.writeLabels(
        [1, 2, 4],
        to: "\(maps)/box_\(number).nii.gz",
        size: [16, 16, 8 + number]
      )
    }
    try describe(
      """
      , "synthesis": {"entries": [
        {"label": 0, "intensity": 0, "output": 0, "mirrored": 0, "t1Mean": 5},
        {"label": 1, "intensity": 1, "output": 1, "mirrored": 1, "t1Mean": 160},
        {"label": 2, "intensity": 2, "output": 2, "mirrored": 2, "t1Mean": 90},
        {"label": 4, "intensity": 3, "output": 3, "mirrored": 4, "t1Mean": 30}]}
      """
    )
  }

  private func describe(_ synthesis: String) throws {
    let text = #"{"name": "boxes", "labels": {"a": 1, "b": 2, "c": 4}"# + synthesis + "}"
    try Data(text.utf8).write(to: URL(fileURLWithPath: maps + "/dataset.json"))
  }

  private func run(_ arguments: [String]) throws -> Program.Result {
    try Program.start(["synthesize", maps] + arguments).wait()
  }

  @Test func headsComeInContrastsWithLabels() throws {
    let output = folder.file("made")
    let done = try run([
      "--contrast", "t1", "--contrast", "t2", "--count", "3", "--output", output, "--json",
    ])
    #expect(done.status == 0 && done.json != nil, "\(done.error)")
    let names = ["box_0-1.nii.gz", "box_0-2.nii.gz", "box_1-1.nii.gz"]
    for part in ["t1", "t2", "labels"] {
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: output + "/" + part).sorted() == names
      )
    }
    let text = try String(contentsOfFile: output + "/README.md", encoding: .utf8)
    #expect(text.contains("ot for clinical use") && !text.contains(folder.path))
    let labels = try NIfTIReader.readLabelMap(output + "/labels/box_0-1.nii.gz", table: [])
    #expect(Set(labels.labels).isSubset(of: [0, 1, 2, 4]) && Set(labels.labels).count > 1)
    #expect(labels.geometry.size == [16, 16, 8])

    let again = folder.file("again")
    #expect(try run(["--contrast", "t2", "--count", "1", "--output", again]).status == 0)
    // A head depends on its number and the seed alone.
    let second = try Data(contentsOf: URL(fileURLWithPath: again + "/t2/box_0-1.nii.gz"))
    let first = try Data(contentsOf: URL(fileURLWithPath: output + "/t2/box_0-1.nii.gz"))
    #expect(first == second)
    #expect(try run(["--output", output]).status == 73)
  }

  @Test func whatCannotBeMadeIsSaid() throws {
    let output = folder.file("none")
    #expect(try run(["--count", "0", "--output", output]).status == 64)
    #expect(try run(["--contrast", "t3", "--output", output]).status == 64)
    #expect(try run(["--contrast", "t1", "--contrast", "t1", "--output", output]).status == 64)
    try describe("")
    let plain = try run(["--output", output])
    #expect(plain.status == 65 || plain.status == 66, "\(plain.error)")
    #expect(!FileManager.default.fileExists(atPath: output))
  }
}
