import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct DICOMMeasurementReportTests {
  private static let liver = LabelDefinition(
    id: 3,
    name: "Leber",
    color: LabelDefinition.defaultColor(0),
    code: CodedConcept(value: "10200004", scheme: "SCT", meaning: "Liver")
  )
  private static let lesion = LabelDefinition(
    id: 9,
    name: "lesion",
    color: LabelDefinition.defaultColor(1)
  )

  private var report: MeasurementReport {
    var report = MeasurementReport(
      groups: [
        MeasurementReport.Group(
          definition: Self.liver,
          measurements: [
            .volume(ml: 1234.5), .largestDiameter(mm: 187.25),
            .intensity(.mean, value: 57.125, of: .hounsfield),
            .intensity(.standardDeviation, value: 1 / 3.0, of: .hounsfield),
            .intensity(.minimum, value: -1024, of: .hounsfield),
            .intensity(.maximum, value: 3071, of: .hounsfield),
          ]
        ),
        MeasurementReport.Group(
          definition: Self.lesion,
          measurements: [
            .volume(ml: 0), .intensity(.mean, value: .nan, of: .magneticResonance),
          ]
        ),
      ],
      algorithmName: "Net",
      algorithmVersion: "1.2",
      date: Date(timeIntervalSince1970: 1_700_000_000)
    )
    report.timeZone = .gmt
    return report
  }

  private func source() throws -> DICOMSource {
    try DICOMSource(files: (1...4).map { Fixtures.path("dicom-rt/series/\($0).dcm") })
  }

  private func checkMeasurements(_ groups: [ReadMeasurementReport.Group]) throws {
    #expect(groups.map(\.trackingID) == ["Leber", "lesion"])
    #expect(groups[0].finding == Self.liver.code)
    #expect(groups[1].finding?.value == "85756007")
    #expect(groups[0].measurements == report.groups[0].measurements)
    // What could not be measured is not there.
    #expect(groups[1].measurements == [report.groups[1].measurements[0]])
    #expect(groups[0].measurements[2].unit.value == "[hnsf'U]")
    #expect(Set(groups.map(\.trackingUID)).count == 2)
  }

  @Test func reportsReadBackEqual() throws {
    let folder = try TemporaryFolder()
    for name in ["a.dcm", "b.dcm"] {
      try DICOMMeasurementReportWriter.write(report, source: source(), to: folder.file(name))
    }
    #expect(
      FileManager.default.contentsEqual(atPath: folder.file("a.dcm"), andPath: folder.file("b.dcm"))
    )
    let read = try ReadMeasurementReport(folder.file("a.dcm"))
    try checkMeasurements(read.groups)
    #expect(read.groups[0].segment == nil)
    #expect(read.procedure?.meaning == "Computed tomography")
    #expect(read.observer == "Lamina \(Version.current)")
    #expect(read.images == (1...4).map { "1.2.826.0.1.3680043.8.498.78.2.\($0)" })
    let root = try DICOMFile(path: folder.file("a.dcm")).root
    #expect(root.text(0x0020_000D) == "1.2.826.0.1.3680043.8.498.78.1")
    #expect(root.text(0x0040_A493) == "UNVERIFIED")
    #expect(root.text(DICOMTag.seriesDescription)?.contains("not for clinical use") == true)
    let evidence = root.item(0x0040_A375)?.item(0x0008_1115)?.items(0x0008_1199)
    #expect(evidence?.count == 4)
  }

  @Test func structuresReferToTheirSegments() throws {
    let source = try source()
    let folder = try TemporaryFolder()
    let image = try DICOMFormat().read(
      Fixtures.path("dicom-rt/series"),
      selection: VolumeSelection(),
      progress: SilentProgress()
    )
    let geometry = image.volume.geometry
    let labels = (0..<geometry.voxelCount).map { [0, 3, 9][$0 % 3] as UInt16 }
    let map = LabelMap(geometry: geometry, labels: labels, table: [Self.liver, Self.lesion])
    let object = DICOMSegmentationObject(
      layers: [map],
      source: source,
      algorithm: DICOMSegmentationObject.Algorithm(name: "Net", version: "1.2"),
      date: report.date
    )
    try DICOMSegmentation.write(object, to: folder.file("seg.dcm"))
    try DICOMMeasurementReportWriter.write(
      report,
      source: source,
      segmentation: folder.file("seg.dcm"),
      to: folder.file("sr.dcm")
    )
    let read = try ReadMeasurementReport(folder.file("sr.dcm"))
    try checkMeasurements(read.groups)
    let segmentation = try DICOMFile(path: folder.file("seg.dcm")).root
    let uid = segmentation.text(DICOMTag.instanceUID)
    #expect(read.groups.map(\.segmentationUID) == [uid, uid])
    let segments = segmentation.items(0x0062_0002)
    for (group, name) in zip(read.groups, ["Leber", "lesion"]) {
      let segment = segments.first { $0.number(0x0062_0004) == group.segment.map(Double.init) }
      #expect(segment?.text(0x0062_0005) == name)
    }
    var missing = report
    missing.groups[0].layer = 2
    #expect(throws: ImagingIOError.self) {
      try DICOMMeasurementReportWriter.write(
        missing,
        source: source,
        segmentation: folder.file("seg.dcm"),
        to: folder.file("none.dcm")
      )
    }
    #expect(throws: ImagingIOError.self) {
      try DICOMMeasurementReportWriter.write(
        report,
        source: source,
        segmentation: Fixtures.path("dicom-rt/series/1.dcm"),
        to: folder.file("none.dcm")
      )
    }
  }

  @Test func reportsOfHighdicomAreRead() throws {
    let read = try ReadMeasurementReport(Fixtures.path("dicom-rt/highdicom-report.dcm"))
    #expect(read.groups.count == 1)
    let group = try #require(read.groups.first)
    #expect(group.trackingID == "Lesion 1")
    #expect(group.finding?.value == "52988006")
    #expect(group.segment == 2)
    #expect(group.measurements.map(\.value) == [12.75, 41.5])
    #expect(group.measurements.map(\.unit.value) == ["mm3", "[hnsf'U]"])
    #expect(group.measurements[1].derivation?.value == "373098007")
    #expect(read.procedure?.scheme == "LN")
  }

  @Test func otherObjectsAreNoReports() {
    for name in ["planning.dcm", "series/1.dcm"] {
      #expect(throws: ImagingIOError.self) {
        try ReadMeasurementReport(Fixtures.path("dicom-rt/\(name)"))
      }
    }
  }
}
