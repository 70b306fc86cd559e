import Foundation
import TestSupport
import Testing

@Suite struct ModelVerbTests {
  private static let source = Fixtures.path("nnunet/models/slices")

  private func run(_ arguments: [String], in folder: TemporaryFolder) throws -> Program.Result {
    try Program.start(
      arguments,
      in: folder.path,
      environment: ["LAMINA_MODELS": folder.file("models")]
    ).wait()
  }

  @Test func aModelIsImportedRunExportedAndRemoved() throws {
    let folder = try TemporaryFolder()
    let imported = try run(
      ["model", "import", Self.source, "--name", "tiny", "--json"],
      in: folder
    )
    #expect(imported.status == 0, "\(imported.error)")
    let facts = try #require(imported.json as? [String: Any])
    #expect(facts["format"] as? String == "nnU-Net v2")
    #expect(facts["labels"] as? [String: Int] == ["a": 1, "b": 2])

    #expect(try run(["model", "import", Self.source, "--name", "tiny"], in: folder).status == 73)
    #expect(try run(["model", "verify", "tiny"], in: folder).status == 0)
    let scan = Fixtures.path("nnunet/models/slices_0000.nii.gz")
    let segmented = try run(
      ["segment", scan, "--model", "tiny", "--output", "out", "--write", "probabilities"],
      in: folder
    )
    #expect(segmented.status == 0, "\(segmented.error)")
    #expect(segmented.error.contains("GB of memory"))
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.file("out"))
    #expect(files.contains("probabilities.npz") && files.contains("segmentation.nii.gz"))

    let exported = try run(["model", "export", "tiny", "tiny.onnx", "--to", "onnx"], in: folder)
    #expect(exported.status == 0, "\(exported.error)")
    #expect(FileManager.default.fileExists(atPath: folder.file("tiny.onnx")))

    #expect(try run(["model", "remove", "tiny"], in: folder).status == 0)
    #expect(try run(["model", "show", "tiny"], in: folder).status == 69)
    #expect(!FileManager.default.fileExists(atPath: folder.file("models/tiny")))
  }

  @Test func whatIsNoModelLeavesNothingBehind() throws {
    let folder = try TemporaryFolder()
    let nothing = try run(["model", "import", "missing", "--name", "x"], in: folder)
    #expect(nothing.status == 66)
    try Data("text".utf8).write(to: URL(fileURLWithPath: folder.file("notes.txt")))
    let text = try run(["model", "import", "notes.txt", "--name", "x"], in: folder)
    #expect(text.status == 65)
    #expect(text.errorLines.count == 1)
    #expect(try run(["model", "import", Self.source, "--name", "../x"], in: folder).status == 64)
    let left = try? FileManager.default.contentsOfDirectory(atPath: folder.file("models"))
    #expect((left ?? []).isEmpty)
  }

  @Test func ceilingsAndStepsAreChecked() throws {
    let folder = try TemporaryFolder()
    #expect(try run(["model", "import", Self.source, "--name", "tiny"], in: folder).status == 0)
    let scan = Fixtures.path("nnunet/models/slices_0000.nii.gz")
    let arguments = ["segment", scan, "--model", "tiny", "--output", "o.nii.gz"]
    #expect(try run(arguments + ["--step", "0"], in: folder).status == 64)
    #expect(try run(arguments + ["--folds", "3"], in: folder).status == 64)
    let small = try run(arguments + ["--memory", "0.001"], in: folder)
    #expect(small.status == 69)
    #expect(small.errorLines.first?.contains("--memory") == true)
    #expect(!FileManager.default.fileExists(atPath: folder.file("o.nii.gz")))
  }
}
