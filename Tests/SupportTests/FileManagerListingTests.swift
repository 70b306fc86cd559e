import Foundation
import Support
import TestSupport
import Testing

@Suite struct FileManagerListingTests {
  private let files = FileManager.default

  private func sample() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try files.createDirectory(
      atPath: folder.file("real/inner"),
      withIntermediateDirectories: true
    )
    try files.createDirectory(
      atPath: folder.file("other"),
      withIntermediateDirectories: true
    )
    for name in ["real/inner/a.txt", "real/b.txt", "real/.hidden", "other/c.txt"] {
      try Data("x".utf8).write(to: URL(fileURLWithPath: folder.file(name)))
    }
    for (name, target) in [
      ("link", "real"), ("real/to-b", "b.txt"), ("real/loop", "."), ("real/to-other", "../other"),
    ] {
      try files.createSymbolicLink(atPath: folder.file(name), withDestinationPath: target)
    }
    return folder
  }

  @Test(arguments: ["real", "link", "link/"])
  func allFilesBelowAreFound(_ name: String) throws {
    let folder = try sample()
    let place = folder.file(name)
    // The folder that holds the link is not entered again.
    #expect(
      try files.files(below: place) == ["b.txt", "inner/a.txt", "to-b", "to-other/c.txt"]
    )
    #expect(
      try files.files(below: place, links: .named)
        == ["b.txt", "inner/a.txt", "loop", "to-b", "to-other"]
    )
    #expect(try files.files(below: place, links: .leftOut) == ["b.txt", "inner/a.txt"])
    #expect(try files.names(in: place) == ["b.txt", "inner", "loop", "to-b", "to-other"])
    var visited = 0
    try files.visitFiles(below: place) { _ in
      visited += 1
      return false
    }
    #expect(visited == 1)
  }

  /// A folder and links to it, whose names come before and after its own: its files count once.
  @Test func aFolderWithLinksBesideItIsSeenOnceByItsOwnName() throws {
    let folder = try sample()
    for name in ["real/a-link", "real/z-link"] {
      try files.createSymbolicLink(atPath: folder.file(name), withDestinationPath: "inner")
    }
    for name in ["real/up-1", "real/up-2"] {
      try files.createSymbolicLink(atPath: folder.file(name), withDestinationPath: "../other")
    }
    try files.removeItem(atPath: folder.file("real/to-other"))
    #expect(
      try files.files(below: folder.file("real"))
        == ["b.txt", "inner/a.txt", "to-b", "up-1/c.txt"]
    )
  }

  @Test func aNameThatIsNoTextIsSaid() throws {
    let folder = try sample()
    let bytes = Array(folder.file("real/").utf8) + [0x4D, 0xFC, 0x6C, 0x2E, 0x6E, 0x69, 0x69, 0]
    let handle = bytes.withUnsafeBufferPointer { buffer in
      buffer.withMemoryRebound(to: CChar.self) { name in
        name.baseAddress.map { open($0, O_CREAT | O_WRONLY, 0o644) } ?? -1
      }
    }
    // Some file systems take no such names.
    guard handle >= 0 else { return }
    close(handle)
    let error = #expect(throws: SupportError.self) { try files.names(in: folder.file("real")) }
    #expect(error?.description.contains("not UTF-8") == true)
  }

  @Test func whatIsNoFolderHasNoNames() throws {
    let folder = try sample()
    for name in ["nothing", "real/b.txt"] {
      #expect(try files.names(in: folder.file(name)).isEmpty)
      #expect(throws: SupportError.notFound(path: folder.file(name))) {
        try files.files(below: folder.file(name))
      }
    }
  }

  /// The administrator may list everything.
  @Test(.enabled(if: geteuid() != 0, "runs as root, whom no folder is closed to"))
  func aClosedFolderIsNoEmptyOne() throws {
    let folder = try sample()
    let closed = folder.file("real/inner")
    #expect(chmod(closed, 0) == 0)
    defer { chmod(closed, 0o755) }
    #expect(throws: SupportError.self) { try files.names(in: closed) }
    let error = #expect(throws: SupportError.self) { try files.files(below: folder.file("real")) }
    #expect(error?.description.contains("inner") == true)
    #expect(error?.failure == .missingInput)
  }
}
