import Foundation
import Pipelines
import TestSupport
import Testing

/// `--slurm` and `--part`; a script stands in for Slurm's `sbatch`.
///
/// `Tests/Fixtures/slurm` starts a real one.
@Suite struct SlurmTests {
  private struct Bench {
    let folder: TemporaryFolder
    var cases: String { folder.file("cases") }
    var data: String { folder.file("Dataset") }
    var model: String { folder.file("box") }

    /// Five scans, and a model of five folds when it is wanted.
    init() throws {
      folder = try TemporaryFolder()
      try Samples.writeDataset(to: data)
      try FileManager.default.createDirectory(
        atPath: cases,
        withIntermediateDirectories: true
      )
      for index in 0..<5 {
        try FileManager.default.copyItem(
          atPath: "\(data)/imagesTr/\(index)_0000.nii.gz",
          toPath: "\(cases)/\(index)_0000.nii.gz"
        )
      }
    }

    /// Notes the arguments and answers as `sbatch --parsable` does.
    func writeSubmitter(_ body: String) throws -> [String: String] {
      let path = folder.file("bin/sbatch")
      try FileManager.default.createDirectory(
        atPath: folder.file("bin"),
        withIntermediateDirectories: true
      )
      try Data("#!/bin/sh\necho \"$@\" >>\(folder.file("calls"))\n\(body)\n".utf8)
        .write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
      return ["PATH": folder.file("bin") + ":/usr/bin:/bin"]
    }

    func text(_ name: String) -> String {
      FileManager.default.contents(atPath: folder.file(name))
        .map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    func manifest(_ name: String) throws -> SegmentationManifest {
      try JSONDecoder().decode(
        SegmentationManifest.self,
        from: Data(contentsOf: URL(fileURLWithPath: folder.file(name)))
      )
    }

    func train(_ arguments: String...) throws -> Program.Result {
      try Program.start(
        ["train", data, "--output", model, "--epochs", "1", "--features", "8", "--batch", "4"]
          + arguments
      ).wait()
    }
  }

  @Test func aCrossValidationIsSubmittedAsAnArrayAndAJobThatJoinsIt() throws {
    let bench = try Bench()
    let environment = try bench.writeSubmitter("echo 42")
    let result = try Program.start(
      [
        "train", bench.data, "--output", bench.model, "--fold", "each", "--slurm",
        "--slurm-options", "--partition=long --time=8:00:00", "--json",
      ],
      environment: environment
    ).wait()
    #expect(result.status == 0, "\(result.error)")
    let answer = try #require(result.json as? [String: String])
    #expect(answer["job"] == "42" && answer["joiningJob"] == "42")
    let calls = bench.text("calls").split(separator: "\n")
    #expect(calls.first?.hasSuffix("--parsable \(bench.model).slurm/train.sh") == true)
    #expect(calls.last?.contains("--dependency=afterany:42") == true)
    let script = bench.text("box.slurm/train.sh")
    for line in [
      "#SBATCH --array=1-5", "#SBATCH --requeue", "#SBATCH --partition=long --time=8:00:00",
    ] {
      #expect(script.contains(line + "\n"), "\(line)")
    }
    #expect(script.contains("--fold each --resume --no-progress --part \"$SLURM_ARRAY_TASK_ID/5\""))
    #expect(!script.contains("--slurm") && !script.contains("--json"))
    #expect(!bench.text("box.slurm/join.sh").contains("--part \""))
  }

  @Test func whatIsWrongIsSaidBeforeAnythingIsSubmitted() throws {
    let bench = try Bench()
    let environment = try bench.writeSubmitter(
      "echo 'sbatch: error: no such partition' >&2; exit 1"
    )
    func run(_ arguments: [String], _ environment: [String: String]) throws -> Program.Result {
      try Program.start(["train"] + arguments, environment: environment).wait()
    }
    let command = [bench.data, "--output", bench.model, "--slurm"]
    let refused = try run(command, environment)
    #expect(refused.status == 64 && refused.error.contains("no such partition"))
    #expect(try run(command, ["PATH": "/nowhere"]).status == 69)
    try FileManager.default.removeItem(atPath: bench.folder.file("calls"))
    #expect(try run(command + ["--force"], environment).status == 64)
    #expect(
      try run(["/nowhere", "--output", bench.model, "--slurm"], environment).status != 0
    )
    #expect(
      try run([bench.data, "--output", bench.model, "--part", "1/5"], environment).status == 64
    )
    #expect(bench.text("calls").isEmpty)
  }

  @Test func foldsBecomeOneModelWhosePartsAreJoined() throws {
    let bench = try Bench()
    // As two tasks of an array and the job after them, of which one task has done nothing.
    for part in ["2/5", "4/5"] {
      let result = try bench.train("--fold", "each", "--part", part, "--resume")
      #expect(result.status == 0, "\(result.error)")
    }
    #expect(!FileManager.default.fileExists(atPath: bench.model))
    let weights = bench.folder.file("box.folds/fold-1/weights.safetensors")
    let before = FileManager.default.contents(atPath: weights)
    #expect(before != nil)
    let joined = try bench.train("--fold", "each", "--resume")
    #expect(joined.status == 0, "\(joined.error)")
    #expect(!FileManager.default.fileExists(atPath: bench.model + ".folds"))
    // A fold that was trained is not trained again.
    #expect(
      FileManager.default.contents(atPath: bench.model + "/fold-1.safetensors") == before
    )
    let description = try ModelPackage(path: bench.model).description
    #expect(description.ensemble.map(\.name) == (0..<5).map { "fold \($0)" })
    // Every case was held out once.
    #expect(description.provenance.heldOut.sorted() == (0..<5).map { "\($0)" })
    #expect(description.results.first?.cases == 5)
    #expect(try Program.run("model", "verify", bench.model).status == 0)

    // The cohort in two parts, the second of which is cut short and resumed.
    func segment(_ arguments: String...) throws -> Program.Result {
      try Program.start(
        ["segment", bench.cases, "--model", bench.model, "--output", bench.folder.file("out")]
          + arguments
      ).wait()
    }
    #expect(try segment("--part", "1/2", "--resume").status == 0)
    #expect(try bench.manifest("out/manifest-1-of-2.json").cases.map(\.id) == ["0", "2", "4"])
    try FileManager.default.removeItem(atPath: bench.folder.file("out/2"))
    #expect(try segment("--part", "1/2", "--resume").status == 0)
    // The entries of the first try stay.
    #expect(
      try bench.manifest("out/manifest-1-of-2.json").cases.allSatisfy { $0.status == .done }
    )
    let whole = try segment("--resume")
    #expect(whole.status == 0, "\(whole.error)")
    let cases = try bench.manifest("out/manifest.json").cases
    #expect(cases.map(\.id) == ["0", "1", "2", "3", "4"])
    #expect(cases.allSatisfy { $0.status == .done && $0.seconds > 0 })
    #expect(!FileManager.default.fileExists(atPath: bench.folder.file("out/manifest-1-of-2.json")))
    let single = try Program.run(
      "segment",
      bench.cases + "/0_0000.nii.gz",
      "--model",
      bench.model,
      "--folds",
      "0",
      "--output",
      bench.folder.file("single.nii.gz")
    )
    #expect(single.status == 0, "\(single.error)")
  }

  @Test func aCohortIsSubmittedInParts() throws {
    let bench = try Bench()
    #expect(try bench.train().status == 0)
    let environment = try bench.writeSubmitter("echo '7;cluster'")
    let result = try Program.start(
      [
        "segment", bench.cases, "--model", bench.model, "--output", bench.folder.file("out"),
        "--slurm", "--slurm-tasks", "3",
      ],
      environment: environment
    ).wait()
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains("Job 7 of 3 tasks"))
    let script = bench.text("out.slurm/segment.sh")
    #expect(script.contains("#SBATCH --array=1-3\n"))
    #expect(!script.contains("--slurm-tasks"))
  }
}
