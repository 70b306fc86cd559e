import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct DICOMReportDocumentTests {
  private func document(showsPatient: Bool = false) -> DICOMReportDocument {
    var document = DICOMReportDocument(
      title: "Segmentation report",
      showsPatient: showsPatient,
      algorithmName: "Net",
      algorithmVersion: "1.2",
      date: Date(timeIntervalSince1970: 1_700_000_000)
    )
    document.timeZone = .gmt
    return document
  }

  private func source() throws -> DICOMSource {
    try DICOMSource(files: [Fixtures.path("dicom-rt/series/1.dcm")])
  }

  @Test func pdfIsKeptByteForByte() throws {
    let folder = try TemporaryFolder()
    let pdf = Data("%PDF-1.4\nodd\n%%EOF\n".utf8)
    try document().write(pdf: pdf, source: source(), to: folder.file("a.dcm"))
    let root = try DICOMFile(path: folder.file("a.dcm")).root
    let bytes = try #require(root.bytes(0x0042_0011))
    #expect(Data(bytes.prefix(Int(root.number(0x0042_0015) ?? 0))) == pdf)
    #expect(bytes.count == 20)
    #expect(root.text(0x0042_0012) == "application/pdf")
    #expect(root.text(0x0028_0301) == "NO")
    #expect(root.text(DICOMTag.modality) == "DOC")
    #expect(root.text(0x0020_000D) == "1.2.826.0.1.3680043.8.498.78.1")
    #expect(root.item(0x0042_0013)?.text(0x0008_1155) == "1.2.826.0.1.3680043.8.498.78.2.1")
    #expect(root.text(DICOMTag.seriesDescription)?.contains("not for clinical use") == true)
    #expect(throws: ImagingIOError.self) {
      try document().write(pdf: Data("<html>".utf8), source: nil, to: folder.file("b.dcm"))
    }
  }

  @Test(arguments: [1, 3])
  func pagesAreKeptPixelForPixel(count: Int) throws {
    let folder = try TemporaryFolder()
    let pages = (0..<count).map { page in
      DICOMReportDocument.Page(
        width: 5,
        height: 3,
        rgb: (0..<45).map { UInt8($0 * 5 + page) }
      )
    }
    try document(showsPatient: true).write(pages: pages, source: source(), to: folder.file("a.dcm"))
    let file = try DICOMFile(path: folder.file("a.dcm"))
    let root = file.root
    #expect(root.bytes(0x7FE0_0010)?.prefix(45 * count) == pages.flatMap(\.rgb)[...])
    #expect(root.text(0x0028_0301) == "YES")
    #expect(root.texts(0x0018_2001) == (count == 1 ? [] : ["1", "2", "3"]))
    #expect(try file.pixels()?.frames == UInt32(count))
    #expect(try file.pixels()?.samples == 3)
    #expect(throws: ImagingIOError.self) {
      try document().write(pages: [], source: nil, to: folder.file("b.dcm"))
    }
  }

  @Test func documentsWithoutASourceHaveAStudyOfTheirOwn() throws {
    let folder = try TemporaryFolder()
    let pdf = Data("%PDF-1.4\n".utf8)
    try document().write(pdf: pdf, source: nil, to: folder.file("a.dcm"))
    let root = try DICOMFile(path: folder.file("a.dcm")).root
    #expect(root.text(0x0020_000D)?.hasPrefix("2.25.") == true)
    #expect(root.element(0x0010_0010)?.length == 0)
  }
}
