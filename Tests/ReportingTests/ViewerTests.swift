import Evaluation
import Foundation
import Imaging
import Reporting
import Support
import Testing

struct ViewerTests {
  private func item(
    _ scan: Volume<Float>,
    _ labels: LabelMap,
    unit: String = ""
  ) throws -> SegmentationReportData {
    var data = SegmentationReportData(
      caseID: "case 1",
      scan: scan,
      labelMap: labels,
      statistics: try StructureStatistics.measure(labels, scan: scan),
      provenance: ProvenanceRecord(programVersion: "0")
    )
    data.intensityUnit = unit
    return data
  }

  private func viewer(_ item: SegmentationReportData) throws -> ViewerPage {
    let page = try builder().html([.segmentation(item)], date: sampleDate)
    #expect(Markup.problems(page) == [])
    return try #require(try ViewerPage(page))
  }

  @Test func everyOrderOfAxesGivesTheSameViewer() throws {
    let (scan, labels) = try sampleScan()
    let expected = try viewer(item(scan, labels))
    #expect(expected.size == [12, 8, 6])
    #expect(expected.numbers("origin") == [-6, -8, -9])
    #expect(try expected.scan() == scan.voxels.map(Double.init))
    #expect(try expected.labels() == labels.labels.map(Int.init))
    for orientation in Orientation.all {
      let turned = try viewer(
        item(scan.reoriented(to: orientation), labels.reoriented(to: orientation))
      )
      #expect(try turned.scan() == expected.scan(), "\(orientation)")
      #expect(try turned.labels() == expected.labels(), "\(orientation)")
      #expect(turned.numbers("origin") == expected.numbers("origin"))
      // The voxel's number in the file is that of the file's own axes.
      let geometry = scan.reoriented(to: orientation).geometry
      var index = SIMD3<Double>.zero
      for (axis, entry) in turned.list("full").enumerated() {
        let (start, step) = (entry["start"] as? Double ?? 0, entry["step"] as? Double ?? 0)
        index[entry["grid"] as? Int ?? 0] = start + step * Double([5, 3, 2][axis])
      }
      #expect(geometry.position(ofIndex: index) == scan.geometry.position(ofIndex: [5, 3, 2]))
    }
  }

  @Test func structuresHaveTheirNamesVolumesAndMiddles() throws {
    let (scan, labels) = try sampleScan()
    let entries = try viewer(item(scan, labels)).list("structures")
    #expect(entries.map { $0["name"] as? String } == ["anterior", "posterior"])
    #expect(entries.map { $0["label"] as? Int } == [1, 2])
    // 3 x 5 x 3 voxels of 6 mm³.
    #expect(entries[0]["volume"] as? String == "0.27\u{202F}ml")
    #expect(entries[0]["centre"] as? [Int] == [3, 3, 3])
  }

  @Test func aLargeScanIsShownInBlocksAndThePageSaysSo() throws {
    // Noise does not pack, so that the budget of 4 MiB of text is met with fewer voxels.
    let geometry = try ImageGeometry(
      size: [200, 160, 120],
      spacing: [0.5, 0.5, 1],
      origin: .zero,
      direction: .identity
    )
    var random = RandomStream(seed: 3)
    let scan = Volume<Float>(
      geometry: geometry,
      voxels: (0..<geometry.voxelCount).map { _ in Float((random.uniform() * 4000).rounded()) }
    )
    let labels = LabelMap(
      geometry: geometry,
      labels: (0..<geometry.voxelCount).map { $0 % 200 < 100 ? 1 : 0 },
      table: []
    )
    let page = try builder().html([.segmentation(item(scan, labels))], date: sampleDate)
    #expect(page.utf8.count < 6 << 20)
    let viewer = try #require(try ViewerPage(page))
    #expect(viewer.size[2] == 120 && viewer.size[0] < 200)
    #expect(viewer.note.contains("blocks of 2 x"))
    #expect(viewer.note.contains("measurements are those of the full scan"))
    // The middle of the first block of two voxels lies between them.
    #expect(viewer.numbers("origin")[0] == 0.25)
    let stored = try viewer.labels()
    #expect(stored[0] == 1 && stored[viewer.size[0] - 1] == 0)
  }

  @Test func tomographyHasItsWindowsAndKeepsItsNumbers() throws {
    let (scan, labels) = try sampleScan()
    let values = scan.map { $0 * 30 - 1024 }
    let tomography = try viewer(item(values, labels, unit: "HU"))
    let windows = tomography.list("windows")
    let names = windows.compactMap { $0["name"] as? String }
    #expect(names.starts(with: ["Soft tissue", "Lung", "Bone", "Brain"]))
    #expect(windows[0]["low"] as? Double == -160 && windows[0]["high"] as? Double == 240)
    #expect(try tomography.scan() == values.voxels.map { min(Double($0), 3071) })
    #expect(
      try !viewer(item(scan, labels)).list("windows").contains { $0["name"] as? String == "Bone" }
    )
  }

  @Test func fractionsAreRoundedAndItIsSaid() throws {
    let (scan, labels) = try sampleScan()
    let values = scan.map { $0 / 7 }
    let viewer = try viewer(item(values, labels))
    #expect(viewer.note.contains("values are rounded to"))
    let step = try #require(viewer.entry("scan")["slope"] as? Double)
    for (shown, truth) in zip(try viewer.scan(), values.voxels) {
      #expect(abs(shown - Double(truth)) <= 0.501 * step)
    }
  }

  @Test func theReferenceIsHeldToo() throws {
    let (scan, labels) = try sampleScan()
    var data = try item(scan, labels)
    data.reference = shifted(labels, by: [1, 0, 0])
    let viewer = try viewer(data)
    #expect(try viewer.labels("reference") == shifted(labels, by: [1, 0, 0]).labels.map(Int.init))
  }

  @Test func surfacesAreHeldForEveryStructure() throws {
    let (scan, labels) = try sampleScan()
    let parts = try #require(viewer(item(scan, labels)).entry("mesh")["parts"] as? [[String: Int]])
    #expect(parts.map { $0["label"] } == [1, 2])
    // Euler's formula for a closed surface like a ball: triangles = 2 (vertices - 2).
    for part in parts {
      let (vertices, triangles) = (part["vertices"] ?? 0, part["triangles"] ?? 0)
      #expect(triangles == 2 * (vertices - 2) && triangles > 0)
    }
  }

  @Test func thePolicyAllowsTheViewersProgramAlone() throws {
    let (scan, labels) = try sampleScan()
    let page = try builder().html([.segmentation(item(scan, labels))], date: sampleDate)
    let from = try #require(page.firstRange(of: "\n<script>"))
    let to = try #require(page[from.upperBound...].firstRange(of: "</script>"))
    let program = String(page[from.upperBound..<to.lowerBound])
    let digest = try SHA256.hexDigest(of: Data(program.utf8))
    let bytes = stride(from: 0, to: digest.count, by: 2).compactMap { place in
      UInt8(digest.dropFirst(place).prefix(2), radix: 16)
    }
    #expect(page.contains("script-src 'sha256-\(Data(bytes).base64EncodedString())'"))
    #expect(program.utf8.count < 40_000)
    for word in ["fetch(", "XMLHttpRequest", "import(", "eval(", "innerHTML", "http"] {
      #expect(!program.contains(word), "\(word)")
    }
  }

  @Test func namesCannotEndTheData() throws {
    let (scan, labels) = try sampleScan()
    let named = LabelMap(
      geometry: labels.geometry,
      labels: labels.labels,
      table: [LabelDefinition(id: 1, name: hostile, color: LabelDefinition.defaultColor(0))]
    )
    let viewer = try viewer(item(scan, named))
    #expect(viewer.list("structures")[0]["name"] as? String == hostile)
  }

  @Test func aPageWithoutAScanHasNoProgram() throws {
    let (_, labels) = try sampleScan()
    var data = try item(sampleScan().scan, labels)
    data.scan = nil
    let page = try builder().html([.segmentation(data)], date: sampleDate)
    #expect(!page.contains("<script"))
    #expect(page.contains("Seen from the front"))
  }
}
