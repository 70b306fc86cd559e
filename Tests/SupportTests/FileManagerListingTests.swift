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
    for name in ["real/inner/a.txt", "real/b.txt", "real/.hidden"] {
      try Data("x".utf8).write(to: URL(fileURLWithPath: folder.file(name)))
    }
    for (name, target) in [("link", "real"), ("real/to-b", "b.txt"), ("real/loop", ".")] {
      try files.createSymbolicLink(atPath: folder.file(name), withDestinationPath: target)
    }
    return folder
  }

  @Test(arguments: ["real", "link", "link/"])
  func allFilesBelowAreFound(_ name: String) throws {
    let folder = try sample()
    let place = folder.file(name)
    #expect(
      try files.files(below: place) == [".hidden", "b.txt", "inner/a.txt", "loop", "to-b"]
    )
    #expect(
      try files.files(below: place, includesLinks: false) == [".hidden", "b.txt", "inner/a.txt"]
    )
    #expect(try files.names(in: place) == ["b.txt", "inner", "loop", "to-b"])
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
