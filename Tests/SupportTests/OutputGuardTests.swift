import Foundation
import Support
import TestSupport
import Testing

struct OutputGuardTests {
  private struct Stop: Error {}
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func aFileAppearsWhole() throws {
    let path = folder.file("a/b/out.nii.gz")
    try OutputGuard(mayReplace: false).writeFile(path) { temporary in
      #expect(temporary != path)
      #expect(temporary.hasSuffix("out.nii.gz"))
      #expect(!FileManager.default.fileExists(atPath: path))
      try Data("whole".utf8).write(to: URL(fileURLWithPath: temporary))
    }
    #expect(try text(path) == "whole")
    #expect(try names("a/b") == ["out.nii.gz"])
  }

  @Test func aFailedBodyLeavesNothing() throws {
    let output = OutputGuard(mayReplace: true)
    #expect(throws: Stop.self) {
      try output.writeFile(folder.file("out.bin")) { temporary in
        try Data("half".utf8).write(to: URL(fileURLWithPath: temporary))
        throw Stop()
      }
    }
    #expect(throws: Stop.self) {
      try output.writeFolder(folder.file("case")) { temporary in
        try Data("half".utf8).write(to: URL(fileURLWithPath: temporary + "/a"))
        throw Stop()
      }
    }
    #expect(try names("") == [])
  }

  @Test func aFailedWriteNamesTheOutputNotItsTemporaryName() throws {
    let path = folder.file("out")
    #expect(throws: SupportError.unwritable(path: path + "/a", reason: "full")) {
      try OutputGuard(mayReplace: false).writeFolder(path) { temporary in
        throw SupportError.unwritable(path: temporary + "/a", reason: "full")
      }
    }
  }

  @Test func aFailedBodyTakesTheFoldersMadeForItAlong() throws {
    struct Failed: Error {}
    let folder = try TemporaryFolder()
    let guardian = OutputGuard(mayReplace: false)
    #expect(throws: Failed.self) {
      try guardian.writeFile(folder.file("new/newer/a.txt")) { _ in throw Failed() }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    try guardian.writeFile(folder.file("new/newer/a.txt")) {
      try Data().write(to: URL(fileURLWithPath: $0))
    }
    #expect(FileManager.default.fileExists(atPath: folder.file("new/newer/a.txt")))
  }

  @Test func anExistingOutputStaysWithoutForce() throws {
    let path = folder.file("out.txt")
    let output = OutputGuard(mayReplace: false)
    try output.write(Data("first".utf8), to: path)
    #expect(throws: SupportError.outputExists(path: path)) {
      try output.write(Data("second".utf8), to: path)
    }
    #expect(throws: SupportError.outputExists(path: path)) { try output.check(path) }
    #expect(try text(path) == "first")
  }

  @Test func forceReplacesFilesAndFolders() throws {
    let output = OutputGuard(mayReplace: true)
    let path = folder.file("out.txt")
    try output.write(Data("first".utf8), to: path)
    try output.write(Data("second".utf8), to: path)
    #expect(try text(path) == "second")
    let case1 = folder.file("case")
    for content in ["one", "two"] {
      try output.writeFolder(case1) { temporary in
        for name in [content, "run.json"] {
          try Data(content.utf8).write(to: URL(fileURLWithPath: temporary + "/" + name))
        }
      }
    }
    #expect(try names("case") == ["run.json", "two"])
    #expect(try names("") == ["case", "out.txt"])
  }

  @Test func forceSparesWhatLaminaDidNotWrite() throws {
    let output = OutputGuard(mayReplace: true)
    let scans = folder.file("scans")
    try FileManager.default.createDirectory(atPath: scans, withIntermediateDirectories: true)
    try output.writeFolder(scans) { _ in }
    try Data("a".utf8).write(to: URL(fileURLWithPath: scans + "/scan.nii"))
    // Told before the work, too.
    #expect(throws: SupportError.self) { try output.check(scans) }
    #expect(throws: SupportError.self) { try output.writeFolder(scans) { _ in } }
    #expect(throws: SupportError.self) { try output.write(Data(), to: scans) }
    let file = scans + "/scan.nii"
    #expect(throws: SupportError.self) { try output.writeFolder(file) { _ in } }
    #expect(try names("scans") == ["scan.nii"])
  }

  @Test func aFailedReplacementKeepsTheOldOutput() throws {
    let output = OutputGuard(mayReplace: true)
    let path = folder.file("out.txt")
    try output.write(Data("first".utf8), to: path)
    #expect(throws: Stop.self) { try output.writeFile(path) { _ in throw Stop() } }
    #expect(try text(path) == "first")
  }

  @Test(.enabled(if: getuid() != 0, "the superuser may write to read-only folders"))
  func aReadOnlyFolderIsUnwritable() throws {
    let place = folder.file("fixed")
    try FileManager.default.createDirectory(
      atPath: place,
      withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o555]
    )
    defer {
      try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place)
    }
    let path = place + "/out.txt"
    #expect(
      throws: SupportError.unwritable(path: path, reason: "the folder \(place) is read-only")
    ) { try OutputGuard(mayReplace: false).write(Data(), to: path) }
  }

  @Test func aFileInTheWayOfAFolderIsUnwritable() throws {
    let output = OutputGuard(mayReplace: false)
    try output.write(Data(), to: folder.file("file"))
    let path = folder.file("file/out.txt")
    #expect(
      throws: SupportError.unwritable(
        path: path,
        reason: "\(folder.file("file")) is not a folder"
      )
    ) { try output.check(path) }
  }

  @Test func aFullDiskLeavesNothingBehind() throws {
    // The temporary name is a link to a device whose writes fail for want of space.
    let path = folder.file("out.bin")
    #expect(throws: (any Error).self) {
      try OutputGuard(mayReplace: false).writeFile(path) { temporary in
        try FileManager.default.createSymbolicLink(
          atPath: temporary,
          withDestinationPath: "/dev/full"
        )
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: temporary))
        try file.write(contentsOf: Data(repeating: 1, count: 100))
      }
    }
    #expect(try names("") == [])
  }

  @Test func discardingRemovesWhatIsPending() throws {
    let output = OutputGuard(mayReplace: false)
    let path = folder.file("out.txt")
    try? output.writeFile(path) { temporary in
      try Data("half".utf8).write(to: URL(fileURLWithPath: temporary))
      output.discardAll()
      #expect(!FileManager.default.fileExists(atPath: temporary))
      throw Stop()
    }
    #expect(try names("") == [])
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  private func names(_ name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.file(name)).sorted()
  }
}
