import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// How the program starts, ends and speaks.
@Suite struct ProgramTests {
  @Test func versionIsPrintedAlone() throws {
    let result = try Program.run("--version")
    #expect(result.status == 0)
    #expect(result.output == "\(Version.current)\n")
    #expect(result.error.isEmpty)
  }

  @Test(arguments: [
    ["--help"], ["help"], ["help", "info"], ["info", "--help"], ["study", "--help"],
  ])
  func helpGoesToStandardOutput(arguments: [String]) throws {
    let result = try Program.start(arguments).wait()
    #expect(result.status == 0)
    #expect(result.output.contains("USAGE:"))
    #expect(result.error.isEmpty)
  }

  @Test(arguments: [
    [], ["study"], ["nosuchverb"], ["info"], ["info", "--nosuchoption", "x"],
    ["info", "x", "--threads", "0"], ["info", "x", "--threads", "many"],
    ["info", "x", "--quiet", "--verbose"], ["convert", "onlyone.nii"],
    ["evaluate", "a", "b", "--output", "c.txt"], ["evaluate", "a", "b", "--empty", "nosuch"],
    ["evaluate", "a", "b", "--metrics", "nosuch"],
  ])
  func wrongUsageIs64AndSaysSo(arguments: [String]) throws {
    let result = try Program.start(arguments).wait()
    #expect(result.status == 64)
    #expect(result.output.isEmpty)
    #expect(!result.error.isEmpty)
  }

  @Test func everyErrorIsOneLine() throws {
    for arguments in [["nosuchverb"], ["info", "/nosuch"], ["info", #filePath]] {
      let result = try Program.start(arguments).wait()
      #expect(result.error.split(separator: "\n").count == 1, "\(result.error)")
      #expect(result.error.hasPrefix("lamina: error: "))
    }
  }

  @Test func missingInputIs66() throws {
    let result = try Program.run("info", "/nosuch/scan.nii.gz")
    #expect(result.status == 66)
    #expect(result.error.contains("/nosuch/scan.nii.gz"))
  }

  @Test func textFileIs65() throws {
    #expect(try Program.run("info", #filePath).status == 65)
  }

  @Test func emptyFolderIs65() throws {
    let folder = try TemporaryFolder()
    #expect(try Program.run("info", folder.path).status == 65)
  }

  @Test func truncatedFileIs65AndLeavesNothing() throws {
    let folder = try TemporaryFolder()
    try Samples.writeScan(to: folder.file("whole.nii.gz"))
    let data = try Data(contentsOf: URL(fileURLWithPath: folder.file("whole.nii.gz")))
    let out = folder.file("out")
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    for count in [0, 10, data.count / 2, data.count - 4] {
      let path = folder.file("cut.nii.gz")
      try data.prefix(count).write(to: URL(fileURLWithPath: path))
      #expect(try Program.run("info", path).status == 65, "\(count) bytes")
      #expect(try Program.run("convert", path, out + "/x.nii").status == 65, "\(count) bytes")
      #expect(try FileManager.default.contentsOfDirectory(atPath: out).isEmpty)
    }
  }

  @Test func hugeClaimIs65() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("huge.nii")
    try Samples.writeScan(to: path)
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    // dim[1...3] of the NIfTI-1 header become 30000.
    for offset in [42, 44, 46] { bytes.replaceSubrange(offset..<(offset + 2), with: [0x30, 0x75]) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    #expect(try Program.run("info", path).status == 65)
    #expect(try Program.run("convert", path, folder.file("out.nii")).status == 65)
  }

  @Test func existingOutputIs73WithoutForce() throws {
    let folder = try TemporaryFolder()
    try Samples.writeScan(to: folder.file("in.nii"))
    try Data("precious".utf8).write(to: URL(fileURLWithPath: folder.file("out.nii")))
    let refused = try Program.run("convert", folder.file("in.nii"), folder.file("out.nii"))
    #expect(refused.status == 73)
    #expect(refused.error.contains("--force"))
    #expect(FileManager.default.contents(atPath: folder.file("out.nii")) == Data("precious".utf8))
    let allowed = try Program.run(
      "convert",
      folder.file("in.nii"),
      folder.file("out.nii"),
      "--force"
    )
    #expect(allowed.status == 0)
    #expect(
      try NIfTIReader.read(folder.file("out.nii")).volume
        == NIfTIReader.read(folder.file("in.nii")).volume
    )
  }

  // Root may write everywhere, so a folder that nobody can write stands in for a read-only one.
  @Test func unwritableFolderIs73() throws {
    let folder = try TemporaryFolder()
    try Samples.writeScan(to: folder.file("in.nii"))
    #expect(
      try Program.run("convert", folder.file("in.nii"), "/proc/nosuch/out.nii").status == 73
    )
    #expect(
      try Program.run("convert", folder.file("in.nii"), folder.file("in.nii") + "/out.nii").status
        == 73
    )
  }

  @Test(.enabled(if: getuid() != 0)) func readOnlyFolderIs73() throws {
    let folder = try TemporaryFolder()
    try Samples.writeScan(to: folder.file("in.nii"))
    let locked = folder.file("locked")
    try FileManager.default.createDirectory(
      atPath: locked,
      withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o555]
    )
    #expect(try Program.run("convert", folder.file("in.nii"), locked + "/out.nii").status == 73)
  }

  @Test(arguments: [SIGINT, SIGTERM]) func interruptedRunIs130AndLeavesNothing(
    number: Int32
  ) throws {
    let folder = try TemporaryFolder()
    let out = folder.file("out")
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    // Large enough that compressing takes far longer than a second.
    let geometry = try Samples.geometry([512, 512, 300])
    var random = RandomStream(seed: 1)
    let row = (0..<geometry.size.x).map { _ in Int16(truncatingIfNeeded: random.next()) }
    let voxels = (0..<(geometry.size.y * geometry.size.z)).flatMap { line in
      row.map { $0 &+ Int16(truncatingIfNeeded: line &* 31) }
    }
    try NIfTIWriter.write(
      .int16(Volume(geometry: geometry, voxels: voxels)),
      to: folder.file("in.nii")
    )
    let running = try Program.start(["convert", folder.file("in.nii"), out + "/out.nii.gz"])
    // It is interrupted while the unfinished output lies there.
    let deadline = Date(timeIntervalSinceNow: 60)
    while try FileManager.default.contentsOfDirectory(atPath: out).isEmpty,
      running.process.isRunning, Date() < deadline
    {
      usleep(10_000)
    }
    let began = ContinuousClock.now
    kill(running.process.processIdentifier, number)
    let result = running.wait()
    #expect(ContinuousClock.now - began < .seconds(2), "the machine may be busy; a second is meant")
    #expect(result.status == 130)
    #expect(result.errorLines.count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: out).isEmpty)
  }

  @Test func aReaderThatLeavesIsNoError() throws {
    let folder = try TemporaryFolder()
    try Samples.writeScan(to: folder.file("in.nii"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "{ '\(Program.path)' info '\(folder.file("in.nii"))'; echo $? >&2; } | true",
    ]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    process.waitUntilExit()
    #expect(String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self) == "0\n")
  }

  @Test func fullStandardOutputIs73() throws {
    let folder = try TemporaryFolder()
    try Samples.writeScan(to: folder.file("in.nii"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "'\(Program.path)' info --json '\(folder.file("in.nii"))' >/dev/full 2>/dev/null",
    ]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 73)
  }
}
