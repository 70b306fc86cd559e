import Foundation
import Pipelines
import TestSupport
import Testing

/// Scripts of Slurm jobs; bash runs them as Slurm would.
@Suite struct SlurmScriptTests {
  /// Runs a script whose command is a program of the test.
  private func run(_ body: String, parts: Int? = nil) throws -> (status: Int32, calls: [String]) {
    let folder = try TemporaryFolder()
    let program = folder.file("a program")
    try Data("#!/bin/bash\necho \"$*\" >>'\(folder.file("calls"))'\n\(body)\n".utf8)
      .write(to: URL(fileURLWithPath: program))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let script = SlurmScript(
      name: "test",
      command: [program, "it's", "--output", "b c"],
      parts: parts,
      options: nil,
      workingFolder: folder.path,
      log: folder.file("log")
    )
    try Data(script.text.utf8).write(to: URL(fileURLWithPath: folder.file("job.sh")))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [folder.file("job.sh")]
    process.environment = ["SLURM_ARRAY_TASK_ID": "3", "SLURM_CPUS_ON_NODE": "6", "PATH": "/bin"]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let calls = (try? String(contentsOfFile: folder.file("calls"), encoding: .utf8)) ?? ""
    return (process.terminationStatus, calls.split(separator: "\n").map(String.init))
  }

  @Test func theTaskRunsItsPartWithTheCoresThatItHas() throws {
    let found = try run("exit 0", parts: 8)
    #expect(found.status == 0)
    #expect(found.calls == ["it's --output b c --part 3/8 --threads 6"])
  }

  @Test func aCrashIsTriedAgainAndAWrongInputIsNot() throws {
    let killed = try run("kill -9 $$")
    #expect(killed.status == 137 && killed.calls.count == SlurmScript.tries)
    let damaged = try run("exit 65")
    #expect(damaged.status == 65 && damaged.calls.count == 1)
    let partial = try run("exit 2")
    #expect(partial.status == 2 && partial.calls.count == 1)
  }

  @Test func partsShareOutTheWork() throws {
    let items = Array(0..<7)
    let parts = try (1...3).map { try #require(WorkPart("\($0)/3")) }
    #expect(parts[1].of(items) == [1, 4])
    #expect(parts.flatMap { $0.of(items) }.sorted() == items)
    for text in ["0/3", "4/3", "1", "1/0", "a/b", "1/2/3", ""] { #expect(WorkPart(text) == nil) }
  }
}
