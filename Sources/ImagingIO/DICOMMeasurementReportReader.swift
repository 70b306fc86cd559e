public import Imaging

/// What an Imaging Measurement Report says, as plain values.
public struct ReadMeasurementReport: Sendable, Equatable {
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
