import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

/// Surfaces by `convert`, and scans with pages of their own by `report`.
@Suite struct SurfaceVerbTests {
  @Test func convertWritesSurfacesOfLabels() throws {
    let folder = try TemporaryFolder()
    try Samples.writeLabels([1, 2, 4], to: folder.file("labels.nii.gz"))
    for (name, files) in [("a.stl", 1), ("a.glb", 1), ("a.obj", 2)] {
      let result = try Program.run(
        "convert",
        folder.file("labels.nii.gz"),
        folder.file(name),
        "--smoothing",
        "0",
        "--json"
      )
      #expect(result.status == 0, "\(result.error)")
      let made = (result.json as? [String: Any])?["files"] as? [String]
      #expect(made?.count == files && made?.first == folder.file(name))
      #expect(made?.allSatisfy { FileManager.default.fileExists(atPath: $0) } == true)
    }
    let again = try Program.run("convert", folder.file("labels.nii.gz"), folder.file("a.stl"))
    #expect(again.status == 73)
  }

  @Test func convertRefusesSurfacesOfNothing() throws {
    let folder = try TemporaryFolder()
    try Samples.writeLabels([0], to: folder.file("labels.nii.gz"))
    let result = try Program.run("convert", folder.file("labels.nii.gz"), folder.file("a.glb"))
    #expect(result.status == 65)
    #expect(!FileManager.default.fileExists(atPath: folder.file("a.glb")))
  }

  @Test func manyScansGetPagesOfTheirOwn() throws {
    let folder = try TemporaryFolder()
    for number in 1...13 {
      let result = folder.file("results/case-\(number)")
      try FileManager.default.createDirectory(atPath: result, withIntermediateDirectories: true)
      try Samples.writeLabels([1, 2], to: result + "/segmentation.nii.gz")
    }
    let run = try Program.run(
      "report",
      folder.file("results"),
      "--output",
      folder.file("all.html"),
      "--json"
    )
    #expect(run.status == 0, "\(run.error)")
    #expect((run.json as? [String: Any])?["pages"] as? Int == 13)
    let pages = try FileManager.default.contentsOfDirectory(atPath: folder.file("all-pages"))
    #expect(pages.count == 13)
    let html = try String(contentsOfFile: folder.file("all.html"), encoding: .utf8)
    #expect(html.contains("href=\"all-pages/case-0013.html\""))
  }

  @Test func rangesAreReadAndRefused() throws {
    let folder = try TemporaryFolder()
    let result = folder.file("case")
    try FileManager.default.createDirectory(atPath: result, withIntermediateDirectories: true)
    try Samples.writeLabels([1], to: result + "/segmentation.nii.gz")
    for (text, status) in [
      ("[{\"name\": \"label 1\", \"volumeML\": [1000, 2000], \"source\": \"a book\"}]", 0),
      ("[{\"name\": \"label 1\", \"volumeML\": [2, 1], \"source\": \"a book\"}]", 65), ("{}", 65),
    ] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("ranges.json")))
      let run = try Program.run(
        "report",
        result,
        "--ranges",
        folder.file("ranges.json"),
        "--output",
        folder.file("page.html"),
        "--force"
      )
      #expect(run.status == Int32(status), "\(run.error)")
    }
    let html = try String(contentsOfFile: folder.file("page.html"), encoding: .utf8)
    #expect(html.contains("implausible volume") && html.contains("a book"))
  }
}
