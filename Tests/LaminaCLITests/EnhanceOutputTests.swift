import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// What `lamina enhance` says of segmentations, and the DICOM series that it writes.
@Suite struct EnhanceOutputTests {
  private let folder = try? TemporaryFolder()

  private func file(_ name: String) throws -> String { try #require(folder).file(name) }

  @Test func aSegmentationBeforeAndAfterIsComparedByStructure() throws {
    let (dataset, model, page) = (try file("data"), try file("boxes"), try file("page.html"))
    let scan = try Samples.trainBoxes(to: model, dataset: dataset)
    func enhance(_ output: String, _ options: String...) throws -> Program.Result {
      try Program.start(
        ["enhance", scan, "--model", "gaussian", "--segment-with", model, "--json"]
          + ["--output", try file(output)] + options
      ).wait()
    }
    let given = try enhance(
      "a.nii.gz",
      "--labels",
      dataset + "/labelsTr/0.nii.gz",
      "--report",
      page
    )
    #expect(given.status == 0, "\(given.error)")
    let record = try #require(given.json as? [String: Any])
    let segmentation = try #require(record["segmentation"] as? [String: Any])
    #expect(segmentation["truth"] as? String == "reference")
    let structures = try #require(segmentation["structures"] as? [[String: Any]])
    #expect(structures.count == 1 && structures[0]["name"] as? String == "box")
    #expect(structures[0]["volumeBeforeML"] is Double || structures[0]["volumeBeforeML"] is Int)
    let html = String(decoding: try Data(contentsOf: URL(fileURLWithPath: page)), as: UTF8.self)
    #expect(html.contains("What it did to the segmentation"))

    let degraded = try enhance("b.nii.gz", "--degrade", "rician:5%")
    #expect(degraded.status == 0, "\(degraded.error)")
    let cases = (degraded.json as? [String: Any])?["cases"] as? [[String: Any]]
    let own = try #require(cases?.first?["segmentation"] as? [String: Any])
    #expect(own["truth"] as? String == "clean")

    // Labels of another grid.
    let other = try enhance("c.nii.gz", "--labels", dataset + "/labelsTr/1.nii.gz")
    #expect(other.status == 65)
  }

  @Test func aSeriesBecomesADerivedSeriesWithItsSteps() throws {
    let source = Fixtures.path("dicom/oblique-mr")
    let output = try file("series")
    let result = try Program.run(
      "enhance",
      source,
      "--model",
      "median",
      "--write",
      "dicom",
      "--output",
      output + "/"
    )
    #expect(result.status == 0, "\(result.error)")
    let (before, after) = (
      try ImageFormats.read(source), try ImageFormats.read(output)
    )
    #expect(after.volume.geometry.difference(from: before.volume.geometry) == nil)
    #expect(after.summary.uid != before.summary.uid && after.summary.modality == "MR")
    let slice = try Data(contentsOf: URL(fileURLWithPath: output + "/IM0001.dcm"))
    let text = String(decoding: slice, as: UTF8.self)
    #expect(text.contains("DERIVED\\SECONDARY"))
    #expect(text.contains("Enhanced by median") && text.contains("invent"))
    #expect(text.lowercased().contains("not for clinical use"))

    let plain = try file("scan.nii.gz")
    try Samples.writeScan(to: plain)
    let refused = try Program.run(
      "enhance",
      plain,
      "--model",
      "median",
      "--write",
      "dicom",
      "--output",
      try file("other")
    )
    #expect(refused.status == 64)
    #expect(!FileManager.default.fileExists(atPath: try file("other")))
  }
}
