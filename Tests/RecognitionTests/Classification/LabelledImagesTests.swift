import Foundation
import ImagingIO
import Recognition
import Support
import TestSupport
import Testing

struct LabelledImagesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func text(_ content: String, _ name: String) throws -> String {
    let path = folder.file(name)
    try Data(content.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func foldersAreClassesAlsoWithinSplits() throws {
    try BlobPictures.write(3, to: folder.file("plain"))
    try Data("x".utf8).write(to: URL(fileURLWithPath: folder.file("plain/left/notes.txt")))
    let plain = try LabelledImages(path: folder.file("plain"))
    #expect(plain.classNames == ["left", "right"] && plain.count == 6)
    #expect(plain.items.map(\.classes) == [[0], [0], [0], [1], [1], [1]])
    #expect(plain.items[3].id == "right/0.png" && plain.items.allSatisfy { $0.split == nil })
    #expect(plain.problems == ["1 files are no images and were left out."])

    try BlobPictures.write(2, to: folder.file("divided/train"))
    try BlobPictures.write(1, to: folder.file("divided/test"))
    let divided = try LabelledImages(path: folder.file("divided"))
    #expect(divided.classNames == ["left", "right"])
    #expect(divided.items.count { $0.split == .training } == 4)
    #expect(divided.items.count { $0.split == .test } == 2)
  }

  @Test func aTableNamesImagesLabelsSplitsAndGroups() throws {
    try BlobPictures.write(2, to: folder.file("a"))
    let path = try text(
      """
      Image,label,split,patient,sex
      a/left/0.png,ill,train,p1,F
      a/left/1.png,well,test,p2,M
      a/right/0.png,ill,odd,p1,F
      a/right/9.png,ill,train,p3,M
      """,
      "table.csv"
    )
    let images = try LabelledImages(path: path)
    #expect(images.classNames == ["ill", "well"] && images.count == 3 && !images.areFindings)
    #expect(images.items.map(\.group) == ["p1", "p2", "p1"])
    #expect(images.items[0].attributes == ["sex": "F"])
    #expect(images.items.map(\.split) == [.training, .test, nil])
    #expect(images.problems.count == 2)
  }

  @Test func findingsAreColumnsOrListsInACell() throws {
    try BlobPictures.write(2, to: folder.file("a"))
    let columns = try LabelledImages(
      path: text("image,mass,fluid\na/left/0.png,1,0\na/left/1.png,0,0\n", "columns.csv")
    )
    #expect(columns.areFindings && columns.classNames == ["mass", "fluid"])
    #expect(columns.items.map(\.classes) == [[0], []])
    let lists = try LabelledImages(
      path: text("image,findings\na/left/0.png,mass|fluid\na/left/1.png,\n", "lists.csv")
    )
    #expect(lists.areFindings && lists.classNames == ["fluid", "mass"])
    // In the order of the classes, whatever the cell's.
    #expect(lists.items.map(\.classes) == [[0, 1], []])
  }

  @Test func aTableOfPixelsHasTheLabelLast() throws {
    let rows = (0..<4).map { row in
      ((0..<25).map { "\(($0 * 10 + row) % 256)" } + ["\(row % 2)"]).joined(separator: ",")
    }
    let images = try LabelledImages(path: text(rows.joined(separator: "\n"), "pixels.csv"))
    #expect(images.count == 4 && images.classNames == ["0", "1"])
    let first = try images.items[1].read()
    #expect(first.height == 5 && first.values[3] == 31)
    let windows = try LabelledImages(path: text(rows.joined(separator: "\r\n"), "windows.csv"))
    #expect(windows.items.map(\.classes) == images.items.map(\.classes))
    #expect(throws: RecognitionError.self) {
      try LabelledImages(path: text(rows.joined(separator: "\n") + "\n1,2,3", "broken.csv"))
    }
  }

  @Test func arraysAsMedMNISTs() throws {
    // Made by make_npz.py: 4, 2 and 2 images of 6 x 5 pixels, labels 0 and 1.
    let images = try LabelledImages(path: Fixtures.path("recognition/small.npz"))
    #expect(images.count == 8 && !images.areFindings && images.classNames.count == 2)
    #expect(images.items.map { $0.classes[0] } == [0, 1, 0, 1, 1, 0, 0, 1])
    #expect(images.items.count { $0.split == .validation } == 2)
    let third = try images.items[2].read()
    #expect(third.height == 6 && third.width == 5 && third.values[7] == 67)
    let findings = try LabelledImages(path: Fixtures.path("recognition/findings.npz"))
    #expect(findings.areFindings && findings.items.map(\.classes) == [[0, 2], [], [1]])
    #expect(try findings.items[0].read().channels == 3)
  }

  @Test func whatIsNoDataSetIsSaidToBeNone() throws {
    func fails(_ path: String) {
      #expect("\(path)") { try LabelledImages(path: path) } throws: { $0 is any ClassifiedError }
    }
    fails(folder.file("nothing"))
    fails(try text("", "empty.csv"))
    fails(try text("image,label\n", "rowless.csv"))
    fails(try text("a,b\n1,2\n", "others.csv"))
    fails(try text("not a zip", "false.npz"))
    fails(try text("x", "picture.png"))
    try FileManager.default.createDirectory(
      atPath: folder.file("bare/only"),
      withIntermediateDirectories: true
    )
    fails(folder.file("bare"))
  }

  @Test func groupsStayTogetherAndClassesKeepTheirShares() {
    var images = BlobPictures.images(50)
    for index in images.items.indices { images.items[index].group = "g\(index / 5)" }
    let divided = images.divided(testShare: 0.2, validationShare: 0.25, seed: 3)
    for members in Dictionary(grouping: divided.items, by: \.group).values {
      #expect(Set(members.map(\.split)).count == 1)
    }
    for label in 0..<2 {
      let own = divided.items.filter { $0.classes == [label] }
      #expect(own.count { $0.split == .test } == 10)
      #expect(own.count { $0.split == .validation } == 10)
    }
    let again = images.divided(testShare: 0.2, validationShare: 0.25, seed: 3)
    #expect(again.items.map(\.split) == divided.items.map(\.split))
    let other = images.divided(testShare: 0.2, validationShare: 0.25, seed: 4)
    #expect(other.items.map(\.split) != divided.items.map(\.split))
  }
}
