public import Foundation
import Imaging
import Support

/// A report for people as a DICOM object of the study: a PDF, or its pages as pictures.
///
/// Patient and study are those of the source. Whether a page shows who the patient is, is stated
/// (Burned In Annotation), because it decides how far the object may travel.
public struct DICOMReportDocument: Sendable {
  /// A page as a picture.
  public struct Page: Sendable, Equatable {
    /// Pixels of a row.
    public var width: Int
    /// Rows.
    public var height: Int
    /// Red, green and blue of each pixel in turn, row by row.
    public var rgb: [UInt8]

    /// Creates a page.
    /// - Parameters:
    ///   - width: Pixels of a row, 1 to 65535.
    ///   - height: Rows, 1 to 65535.
    ///   - rgb: Red, green and blue of each pixel.
    /// - Precondition: Three bytes for each pixel.
    public init(width: Int, height: Int, rgb: [UInt8]) {
      precondition(
        (1...65535).contains(width) && (1...65535).contains(height)
          && rgb.count == width * height * 3,
        "\(rgb.count) bytes for a page of \(width) x \(height) pixels"
      )
      self.width = width
      self.height = height
      self.rgb = rgb
    }
  }

  /// Document Title, and Series Description, to which the notice of research use is added.
  public var title: String
  /// Whether the pages show the patient's name or identifier.
  public var showsPatient: Bool
  /// What computed the content, such as a model's name.
  public var algorithmName: String
  /// Its version.
  public var algorithmVersion: String
  /// When the report was made.
  public var date: Date
  /// Series Number.
  public var seriesNumber = 9040
  /// The zone of dates when the source does not state one.
  public var timeZone: TimeZone = .current

  /// Describes a report.
  /// - Parameters:
  ///   - title: Document Title.
  ///   - showsPatient: Whether the pages show the patient's name or identifier.
  ///   - algorithmName: What computed the content.
  ///   - algorithmVersion: Its version.
  ///   - date: When the report was made.
  public init(
    title: String,
    showsPatient: Bool,
    algorithmName: String,
    algorithmVersion: String,
    date: Date
  ) {
    self.title = title
    self.showsPatient = showsPatient
    self.algorithmName = algorithmName
    self.algorithmVersion = algorithmVersion
    self.date = date
  }

  static let pdfClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
  static let captureClassUID = "1.2.840.10008.5.1.4.1.1.7"
  static let captureFramesClassUID = "1.2.840.10008.5.1.4.1.1.7.4"

  /// Writes a PDF as an Encapsulated PDF (PS3.3 A.45.1).
  /// - Parameters:
  ///   - pdf: The file's bytes.
  ///   - source: The series that the report is about, or nil.
  ///   - path: The file to make.
  /// - Throws: `ImagingIOError.unsupported` when the bytes are no PDF or 4 GB and more;
  ///   `SupportError` when a file cannot be read or written.
  public func write(pdf: Data, source: DICOMSource?, to path: String) throws {
    guard pdf.starts(with: Data("%PDF-".utf8)), pdf.count < 0xFFFF_FFFE else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "no PDF of less than 4 GB",
        remedy: "give the bytes of a PDF file"
      )
    }
    let digest = try SHA256.hexDigest(of: pdf)
    let (derived, start) = try base(
      Self.pdfClassUID,
      modality: "DOC",
      digest: digest,
      source: source
    )
    var object = start
    setDocument(&object)
    // The source is named in an element of the document's own.
    object[0x0008_1115] = nil
    object.setEmpty(0x0008_002A)
    object.set(0x0042_0010, DICOMDerivedObject.text(title, limit: 1024))
    object.setEmpty(0x0040_A043)
    object.set(0x0042_0012, "application/pdf")
    object.set(0x0042_0011, bytes: [UInt8](pdf))
    object.set(0x0042_0015, number: Double(pdf.count))
    if derived.source != nil { object.set(0x0042_0013, items: derived.referencedInstances) }
    try object.write(to: path)
  }

  /// Writes pages as a Secondary Capture: one as a single frame, several as a Multi-frame True Color
  /// image (PS3.3 A.8.1, A.8.5).
  /// - Parameters:
  ///   - pages: The pages, all of one size.
  ///   - source: The series that the report is about, or nil.
  ///   - path: The file to make.
  /// - Throws: `ImagingIOError.unsupported` when there is no page, sizes differ, or they are 4 GB and
  ///   more; `SupportError` when a file cannot be read or written.
  public func write(pages: [Page], source: DICOMSource?, to path: String) throws {
    guard let first = pages.first,
      pages.allSatisfy({ $0.width == first.width && $0.height == first.height }),
      first.rgb.count * pages.count < 0xFFFF_FFFE
    else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "\(pages.count) pages that are not pictures of one size and less than 4 GB together",
        remedy: "draw all pages alike"
      )
    }
    let bytes = pages.flatMap(\.rgb)
    let digest = try SHA256.hexDigest(of: Data(bytes)) + " \(first.width) \(pages.count)"
    let classUID = pages.count == 1 ? Self.captureClassUID : Self.captureFramesClassUID
    let (derived, start) = try base(classUID, modality: "OT", digest: digest, source: source)
    var object = start
    setDocument(&object)
    object.set(DICOMTag.imageType, "DERIVED", "SECONDARY")
    object.setEmpty(0x0020_0020)
    object.setEmpty(0x0020_0060)
    object.set(0x0008_2111, "\(algorithmName) \(algorithmVersion): \(DICOMDerivedObject.notice)")
    if derived.source != nil { object.set(0x0008_2112, items: derived.referencedInstances) }
    object.set(0x0028_0302, "NO")
    object.set(0x0028_2110, "00")
    object.set(0x0028_0002, number: 3)
    object.set(DICOMTag.photometric, "RGB")
    object.set(0x0028_0006, number: 0)
    object.set(0x0028_0010, number: Double(first.height))
    object.set(0x0028_0011, number: Double(first.width))
    object.set(0x0028_0100, number: 8)
    object.set(0x0028_0101, number: 8)
    object.set(0x0028_0102, number: 7)
    object.set(0x0028_0103, number: 0)
    if pages.count > 1 {
      object.set(0x0028_0008, "\(pages.count)")
      // Frame Increment Pointer to Page Number Vector, as an attribute tag in little endian.
      object.set(0x0028_0009, bytes: [0x18, 0x00, 0x01, 0x20])
      object.set(0x0018_2001, texts: (1...pages.count).map(String.init))
    }
    try object.write(to: path, pixels: .native(bytes, vr: "OB"))
  }

  private func base(
    _ classUID: String,
    modality: String,
    digest: String,
    source: DICOMSource?
  ) throws -> (DICOMDerivedObject, DICOMDataSet) {
    let key = [title, "\(showsPatient)", algorithmName, algorithmVersion, digest]
      .map { "\($0.utf8.count):\($0)" }.joined()
    let derived = try DICOMDerivedObject(source: source, key: key, timeZone: timeZone)
    let object = try derived.dataSet(
      DICOMDerivedObject.Identity(
        classUID: classUID,
        modality: modality,
        seriesDescription: title,
        seriesNumber: seriesNumber,
        date: date,
        content: key
      )
    )
    return (derived, object)
  }

  /// What both kinds of documents state; neither has a place in the patient.
  private func setDocument(_ object: inout DICOMDataSet) {
    for tag in [0x0020_0052, 0x0020_1040] as [UInt32] { object[tag] = nil }
    // Made at a workstation.
    object.set(0x0008_0064, "WSD")
    object.set(0x0028_0301, showsPatient ? "YES" : "NO")
    let software = "\(algorithmName) \(algorithmVersion)"
    object.set(
      0x0018_1020,
      Version.current,
      DICOMDerivedObject.text(software, limit: 64)
    )
  }
}
