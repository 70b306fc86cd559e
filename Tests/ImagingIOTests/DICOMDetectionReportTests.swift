import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct DICOMDetectionReportTests {
  private static let series = "dicom-rt/series"

  private var report: DetectionReport {
    var report = DetectionReport(
      findings: [
        DetectionReport.Finding(
          name: "nodule",
          regions: [
            .init(slice: 1, lower: [2.5, 3], upper: [6, 7.25], score: 0.75),
            .init(slice: 2, lower: [2, 3], upper: [6, 8], score: 0.5),
          ]
        ),
        DetectionReport.Finding(
          name: "Leber",
          code: CodedConcept(value: "10200004", scheme: "SCT", meaning: "Liver"),
          regions: [.init(slice: 0, lower: [0, 0], upper: [4, 4], score: 1)]
        ),
      ],
      algorithmName: "Net",
      algorithmVersion: "1.2",
      date: Date(timeIntervalSince1970: 1_700_000_000)
    )
    report.timeZone = .gmt
    return report
  }

  private func loaded() throws -> LoadedVolume {
    try DICOMFormat().read(
      Fixtures.path(Self.series),
      selection: VolumeSelection(),
      progress: SilentProgress()
    )
  }

  @Test func boxesComeBackOnTheirImages() throws {
    let folder = try TemporaryFolder()
    let loaded = try loaded()
    let source = try #require(loaded.source)
    for name in ["a.dcm", "b.dcm"] {
      try DICOMDetectionReportWriter.write(
        report,
        source: source,
        geometry: loaded.volume.geometry,
        to: folder.file(name)
      )
    }
    #expect(
      FileManager.default.contentsEqual(atPath: folder.file("a.dcm"), andPath: folder.file("b.dcm"))
    )
    let read = try ReadMeasurementReport(folder.file("a.dcm"))
    #expect(read.groups.map(\.trackingID) == ["nodule 1", "nodule 1", "Leber 2"])
    // Boxes of one object are one thing that is tracked.
    #expect(read.groups[0].trackingUID == read.groups[1].trackingUID)
    #expect(read.groups[0].trackingUID != read.groups[2].trackingUID)
    #expect(read.groups.map { $0.measurements.first?.value } == [0.75, 0.5, 1])
    #expect(read.groups.allSatisfy { $0.measurements.first?.unit.value == "{0:1}" })
    #expect(read.groups[2].finding?.value == "10200004")
    #expect(read.groups[0].finding?.scheme == "99LAMINA")
    #expect(read.groups[0].finding?.meaning == "nodule")

    // The image of slice k is the file whose plane is the volume's slice k.
    let names = try loaded.files.map { try DICOMFile(path: $0).root.text(DICOMTag.instanceUID) }
    let regions = read.groups.compactMap(\.regions.first)
    #expect(regions.map(\.imageUID) == [names[1], names[2], names[0]])
    #expect(regions.allSatisfy { $0.kind == "POLYLINE" && $0.points.first == $0.points.last })
    #expect(
      regions[0].points == [[2.5, 3], [6, 3], [6, 7.25], [2.5, 7.25], [2.5, 3]]
    )
    let root = try DICOMFile(path: folder.file("a.dcm")).root
    #expect(root.text(DICOMTag.classUID) == "1.2.840.10008.5.1.4.1.1.88.34")
    #expect(root.text(0x0040_A493) == "UNVERIFIED")
    let texts = root.items(0x0040_A730).compactMap { $0.text(0x0040_A160) }
    #expect(texts.contains { $0.contains("not for clinical use") && $0.contains("2 objects") })
  }

  @Test func nothingFoundIsAReportToo() throws {
    let folder = try TemporaryFolder()
    let loaded = try loaded()
    let source = try #require(loaded.source)
    var empty = report
    empty.findings = []
    try DICOMDetectionReportWriter.write(
      empty,
      source: source,
      geometry: loaded.volume.geometry,
      to: folder.file("none.dcm")
    )
    let read = try ReadMeasurementReport(folder.file("none.dcm"))
    #expect(read.groups.isEmpty && !read.images.isEmpty)
  }

  @Test func boxesElsewhereAreRefused() throws {
    let folder = try TemporaryFolder()
    let loaded = try loaded()
    let source = try #require(loaded.source)
    let own = loaded.volume.geometry
    let moved = try ImageGeometry(
      size: own.size,
      spacing: own.spacing,
      origin: own.origin + [3, 0, 0],
      direction: own.direction
    )
    #expect(throws: ImagingIOError.self) {
      try DICOMDetectionReportWriter.write(
        report,
        source: source,
        geometry: moved,
        to: folder.file("x.dcm")
      )
    }
    var beyond = report
    beyond.findings[0].regions[0].slice = own.size.z
    #expect(throws: ImagingIOError.self) {
      try DICOMDetectionReportWriter.write(
        beyond,
        source: source,
        geometry: own,
        to: folder.file("y.dcm")
      )
    }
  }
}
