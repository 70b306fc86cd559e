import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct DICOMDerivedObjectTests {
  private func identity(_ content: String) -> DICOMDerivedObject.Identity {
    DICOMDerivedObject.Identity(
      classUID: "1.2.840.10008.5.1.4.1.1.481.3",
      modality: "RTSTRUCT",
      seriesDescription: "Contours",
      seriesNumber: 5,
      date: SyntheticSegmentation.date,
      content: content
    )
  }

  @Test func withoutASourceTypeTwoIsEmptyAndTheStudyItsOwn() throws {
    let derived = try DICOMDerivedObject(source: nil, key: "a", timeZone: .gmt)
    let data = try derived.dataSet(identity("x"))
    for tag in [0x0010_0010, 0x0010_0020, 0x0010_0030, 0x0010_0040, 0x0008_0050] as [UInt32] {
      #expect(data[tag]?.value == .texts([]))
    }
    #expect(data[0x0020_000D]?.value == .texts([derived.studyUID]))
    #expect(data[0x0020_0052]?.value == .texts([derived.frameOfReferenceUID]))
    #expect(data[0x0008_1115] == nil)
    #expect(try DICOMDerivedObject(source: nil, key: "a").studyUID == derived.studyUID)
    #expect(try DICOMDerivedObject(source: nil, key: "b").studyUID != derived.studyUID)
    #expect("\(derived)" == "a derived DICOM object")
  }

  @Test func instancesOfOneSeriesShareItsName() throws {
    let derived = try DICOMDerivedObject(source: nil, key: "a", timeZone: .gmt)
    let uids = try [("x", "s"), ("y", "s"), ("x", nil)].map { content, series in
      var one = identity(content)
      one.seriesContent = series
      let data = try derived.dataSet(one)
      return [data[0x0008_0018], data[0x0020_000E]]
    }
    #expect(uids[0][0] != uids[1][0])
    #expect(uids[0][1] == uids[1][1])
    #expect(uids[0][1] != uids[2][1])
  }

  @Test func datesAreInTheZoneOfTheSource() throws {
    let folder = try TemporaryFolder()
    let geometry = try SyntheticSegmentation.geometry([4, 4, 2])
    let files = try SyntheticSegmentation.writeSeries(geometry, to: folder.path)
    let first = try DICOMFile(path: files[0])
    try first.put("-0330", tag: 0x0008_0201, vr: "SH", item: nil)
    try first.save(to: folder.file("zone.dcm"), syntax: "1.2.840.10008.1.2.1")
    let source = try DICOMSource(files: [folder.file("zone.dcm"), files[1]])
    let derived = try DICOMDerivedObject(source: source, key: "", timeZone: .gmt)
    let (day, time) = derived.dateAndTime(SyntheticSegmentation.date)
    #expect(day == "20231114")
    #expect(time == "184320")
    let data = try derived.dataSet(identity("x"))
    #expect(data[0x0008_0201]?.value == .texts(["-0330"]))
    #expect(data[0x0010_0010]?.value == .texts(["Test^Größe"]))
    #expect(data[0x0020_000D]?.value == .texts(["2.25.11"]))
    #expect(derived.referencedInstances.count == 2)
  }

  @Test func textFitsItsElement() {
    #expect(DICOMDerivedObject.text("a\\b\nc", limit: 16) == "a/b c")
    #expect(DICOMDerivedObject.text(String(repeating: "x", count: 70), limit: 64).count == 64)
    let long = String(repeating: "x", count: 70) + " (the end)"
    let cut = DICOMDerivedObject.text(long, limit: 64, ending: "the end")
    #expect(cut.count == 64)
    #expect(cut.hasSuffix("xx: the end"))
  }
}
