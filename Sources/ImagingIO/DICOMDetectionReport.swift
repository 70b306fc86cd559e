public import Foundation
public import Imaging
import Support

/// Boxes that were found in a series, as an Imaging Measurement Report holds them (PS3.16 TID 1500).
public struct DetectionReport: Sendable, Equatable {
  /// A box on one slice.
  public struct Region: Sendable, Equatable {
    /// The slice along the volume's third axis, from 0.
    public var slice: Int
    /// The first column and row; the first pixel reaches from 0 to 1.
    public var lower: SIMD2<Double>
    /// The edges beyond.
    public var upper: SIMD2<Double>
    /// How sure the detector is of this box, 0 to 1.
    public var score: Double

    /// Creates a box.
    /// - Parameters:
    ///   - slice: The slice along the volume's third axis, from 0.
    ///   - lower: The first column and row.
    ///   - upper: The edges beyond.
    ///   - score: How sure the detector is, 0 to 1.
    public init(slice: Int, lower: SIMD2<Double>, upper: SIMD2<Double>, score: Double) {
      self.slice = slice
      self.lower = lower
      self.upper = upper
      self.score = score
    }
  }

  /// An object that was found on one slice or several.
  public struct Finding: Sendable, Equatable {
    /// What it is, in words.
    public var name: String
    /// What it is, as a code; nil makes one of Lamina's own out of the name.
    public var code: CodedConcept?
    /// Its boxes.
    public var regions: [Region]

    /// Creates a finding.
    /// - Parameters:
    ///   - name: What it is, in words.
    ///   - code: What it is, as a code.
    ///   - regions: Its boxes.
    public init(name: String, code: CodedConcept? = nil, regions: [Region]) {
      self.name = name
      self.code = code
      self.regions = regions
    }
  }

  /// The findings.
  public var findings: [Finding]
  /// What found them, such as a model's name.
  public var algorithmName: String
  /// Its version.
  public var algorithmVersion: String
  /// When they were found.
  public var date: Date
  /// Series Description, to which the notice of research use is added.
  public var seriesDescription = "Detections"
  /// Series Number.
  public var seriesNumber = 9040
  /// The zone of dates when the source does not state one.
  public var timeZone: TimeZone = .current

  /// Creates a report.
  /// - Parameters:
  ///   - findings: The findings.
  ///   - algorithmName: What found them.
  ///   - algorithmVersion: Its version.
  ///   - date: When they were found.
  public init(findings: [Finding], algorithmName: String, algorithmVersion: String, date: Date) {
    self.findings = findings
    self.algorithmName = algorithmName
    self.algorithmVersion = algorithmVersion
    self.date = date
  }
}

/// Writes boxes as DICOM structured reports.
///
/// Comprehensive 3D SR (PS3.3 A.35.13) with template TID 1500. Every box is a planar region of interest
/// (TID 1410): a closed rectangle on its image, the finding, its score from 0 to 1, and the algorithm
/// (TID 4019). Boxes of one object on several slices share their tracking identifiers.
public enum DICOMDetectionReportWriter {
  /// What every report says of its scores.
  private static let parameters =
    "Scores are what the network gave, 0 to 1, and no probability of disease. \(DICOMDerivedObject.notice)."

  /// Writes a report.
  /// - Parameters:
  ///   - report: The boxes.
  ///   - source: The series in which they were found.
  ///   - geometry: The grid of the volume that was looked at.
  ///   - path: The file to make.
  /// - Throws: `ImagingIOError.unsupported` when the grid is not that of the series' slices, or a slice has
  ///   lost its identifiers; `.damaged` and `SupportError` when a file cannot be read or written.
  public static func write(
    _ report: DetectionReport,
    source: DICOMSource,
    geometry: ImageGeometry,
    to path: String
  ) throws {
    guard source.liesOnSlices(geometry) else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "boxes on a grid that is not that of the series' slices",
        remedy: "look at the series as it is, without resampling"
      )
    }
    let modality = try source.slices.first.flatMap {
      try DICOMDerivedObject.open($0.path).root.text(DICOMTag.modality)
    }
    let text = "\(report.algorithmName)|\(report.algorithmVersion)|\(report.findings)"
    let key = try SHA256.hexDigest(of: Data(text.utf8))
    let derived = try DICOMDerivedObject(source: source, key: key, timeZone: report.timeZone)
    var groups: [DICOMContent] = []
    for (number, finding) in report.findings.enumerated() {
      let tracking = try DICOMUID.named("detection", source.seriesUID, key, "\(number)")
      let code = try finding.code ?? code(of: finding.name)
      for region in finding.regions {
        groups.append(
          group(
            region,
            of: report,
            name: "\(finding.name) \(number + 1)",
            code: code,
            tracking: tracking,
            image: try image(of: region, in: source, path: path)
          )
        )
      }
    }
    var root = try DICOMMeasurementReportWriter.root(
      source: source,
      images: DICOMMeasurementReportWriter.images(of: source),
      modality: modality,
      groups: groups
    )
    root.children.append(
      DICOMContent(
        relation: .contains,
        name: ReportConcept.comment,
        value: .text(
          "\(report.findings.count) \(report.findings.count == 1 ? "object" : "objects") found by "
            + "\(report.algorithmName). What is not marked may still be there. \(parameters)"
        )
      )
    )
    try DICOMMeasurementReportWriter.write(
      root,
      derived,
      DICOMDerivedObject.Identity(
        classUID: DICOMMeasurementReportWriter.classUID,
        modality: "SR",
        seriesDescription: report.seriesDescription,
        seriesNumber: report.seriesNumber,
        date: report.date,
        content: key
      ),
      to: path
    )
  }

  /// A code of Lamina's own for a class that has none: names of classes are the model's.
  private static func code(of name: String) throws -> CodedConcept {
    let digest = try SHA256.hexDigest(of: Data(name.utf8))
    return CodedConcept(value: "C" + digest.prefix(12), scheme: "99LAMINA", meaning: name)
  }

  private static func image(
    of region: DetectionReport.Region,
    in source: DICOMSource,
    path: String
  ) throws -> DICOMContent {
    guard source.slices.indices.contains(region.slice), source.slices[region.slice].isReferable
    else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "a box on slice \(region.slice + 1), whose file has no identifiers to refer to",
        remedy: "use the series as it left the scanner"
      )
    }
    let slice = source.slices[region.slice]
    return DICOMContent(
      relation: .selection,
      value: .image(
        classUID: slice.classUID,
        instanceUID: slice.instanceUID,
        frame: slice.frame,
        segment: nil
      )
    )
  }

  private static func group(
    _ region: DetectionReport.Region,
    of report: DetectionReport,
    name: String,
    code: CodedConcept,
    tracking: String,
    image: DICOMContent
  ) -> DICOMContent {
    let item = DICOMContent.item
    let (a, b) = (region.lower, region.upper)
    var rectangle = item(
      .contains,
      ReportConcept.region,
      .points(kind: "POLYLINE", [a.x, a.y, b.x, a.y, b.x, b.y, a.x, b.y, a.x, a.y])
    )
    rectangle.children = [image]
    var group = item(.contains, ReportConcept.group, .container(template: "1410"))
    group.children = [
      item(.context, ReportConcept.trackingID, .text(name)),
      item(.context, ReportConcept.trackingUID, .uid(tracking)),
      item(.modifier, ReportConcept.algorithmName, .text(report.algorithmName)),
      item(.modifier, ReportConcept.algorithmVersion, .text(report.algorithmVersion)),
      item(.modifier, ReportConcept.algorithmParameters, .text(parameters)),
      item(.contains, ReportConcept.finding, .code(code)),
      rectangle,
      item(
        .contains,
        ReportConcept.certainty,
        .number(region.score, unit: ReportConcept.score)
      ),
    ]
    return group
  }
}
