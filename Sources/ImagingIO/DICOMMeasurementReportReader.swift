public import Imaging

/// What an Imaging Measurement Report says, as plain values.
public struct ReadMeasurementReport: Sendable, Equatable {
  /// A line or points on an image.
  public struct Region: Sendable, Equatable {
    /// How the points are meant, such as "POLYLINE".
    public let kind: String
    /// Column and row of each point; the first pixel reaches from 0 to 1.
    public let points: [SIMD2<Double>]
    /// SOP Instance UID of the image, or nil.
    public let imageUID: String?
    /// The frame from 1, or nil.
    public let frame: Int?
  }

  /// The measurements of one structure.
  public struct Group: Sendable, Equatable {
    /// Tracking Identifier.
    public let trackingID: String
    /// Tracking Unique Identifier.
    public let trackingUID: String
    /// The finding, or nil.
    public let finding: CodedConcept?
    /// The number of the segment, or nil.
    public let segment: Int?
    /// SOP Instance UID of the segmentation, or nil.
    public let segmentationUID: String?
    /// The numbers; not finite where they could not be measured.
    public let measurements: [MeasurementReport.Measurement]
    /// Lines and points on images.
    public let regions: [Region]
  }

  /// The procedure that is reported, or nil.
  public let procedure: CodedConcept?
  /// The observer's name, or nil.
  public let observer: String?
  /// SOP Instance UIDs of the images in the library.
  public let images: [String]
  /// The measurement groups.
  public let groups: [Group]

  /// Reads a report (PS3.16 TID 1500) of any writer.
  /// - Parameter path: The file.
  /// - Throws: `SupportError.unreadable`; `ImagingIOError.damaged` when it is no DICOM or breaks
  ///   off; `.unsupported` when it is no measurement report.
  public init(_ path: String) throws {
    let file = try DICOMDerivedObject.open(path)
    guard file.isComplete else {
      throw ImagingIOError.damaged(path: path, reason: "it breaks off")
    }
    guard let root = DICOMContent(file.root), case .container = root.value,
      root.name?.value == ReportConcept.report.value
    else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "no imaging measurement report",
        remedy: "give a DICOM structured report of template 1500"
      )
    }
    procedure = root.first(ReportConcept.procedure).flatMap(Self.code)
    observer = root.first(ReportConcept.deviceName).flatMap(Self.text)
    images = root.all(ReportConcept.library).flatMap(\.children).flatMap { item in
      ([item] + item.children).compactMap { item in
        if case .image(_, let uid, _, _) = item.value { return uid }
        return nil
      }
    }
    groups = root.all(ReportConcept.measurements).flatMap { $0.all(ReportConcept.group) }
      .map(Group.init)
  }

  fileprivate static func code(_ item: DICOMContent) -> CodedConcept? {
    if case .code(let code) = item.value { return code }
    return nil
  }

  fileprivate static func text(_ item: DICOMContent) -> String? {
    switch item.value {
    case .text(let text): text
    case .uid(let uid): uid
    default: nil
    }
  }
}

extension ReadMeasurementReport.Group {
  fileprivate init(_ item: DICOMContent) {
    trackingID = item.first(ReportConcept.trackingID).flatMap(ReadMeasurementReport.text) ?? ""
    trackingUID = item.first(ReportConcept.trackingUID).flatMap(ReadMeasurementReport.text) ?? ""
    finding = item.first(ReportConcept.finding).flatMap(ReadMeasurementReport.code)
    if case .image(_, let uid, _, let number) = item.first(ReportConcept.segment)?.value {
      segment = number
      segmentationUID = uid
    } else {
      segment = nil
      segmentationUID = nil
    }
    regions = item.children.compactMap { child in
      guard case .points(let kind, let numbers) = child.value else { return nil }
      let image = child.children.first { $0.relation == .selection }?.value
      let points = stride(from: 0, to: numbers.count - 1, by: 2).map {
        SIMD2(numbers[$0], numbers[$0 + 1])
      }
      guard case .image(_, let uid, let frame, _)? = image else {
        return .init(kind: kind, points: points, imageUID: nil, frame: nil)
      }
      return .init(kind: kind, points: points, imageUID: uid, frame: frame)
    }
    measurements = item.children.compactMap { child in
      guard case .number(let value, let unit) = child.value, let concept = child.name else {
        return nil
      }
      return MeasurementReport.Measurement(
        concept,
        derivation: child.first(ReportConcept.derivation).flatMap(ReadMeasurementReport.code),
        method: child.first(ReportConcept.method).flatMap(ReadMeasurementReport.code),
        value: value,
        unit: unit
      )
    }
  }
}
