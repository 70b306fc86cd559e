import Foundation
import Support
import TestSupport
import Testing

@Suite struct FileManagerWalkTests {
  @Test func aFolderIsWalkedThroughALinkToIt() throws {
    let folder = try TemporaryFolder()
    let files = FileManager.default
    try files.createDirectory(
      atPath: folder.file("real/inner"),
      withIntermediateDirectories: true
    )
    try Data("x".utf8).write(to: URL(fileURLWithPath: folder.file("real/inner/a.txt")))
    try files.createSymbolicLink(
      atPath: folder.file("link"),
      withDestinationPath: "real"
    )
    for name in ["real", "link", "link/"] {
      let found = files.walk(folder.file(name))?.compactMap { $0 as? String }.sorted()
      #expect(found == ["inner", "inner/a.txt"], "\(name)")
    }
    #expect(files.walk(folder.file("nothing"))?.allObjects.isEmpty != false)
  }
}
