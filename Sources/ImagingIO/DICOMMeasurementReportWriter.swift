import Foundation
import Imaging
import Support

/// Writes measurement reports as DICOM structured reports.
///
/// Comprehensive 3D SR (PS3.3 A.35.13) with template TID 1500. A structure of a DICOM segmentation is
/// a Volumetric ROI (TID 1411) that refers to its segment; without a segmentation it is a
/// Measurement Group (TID 1501) that refers to the source images. The observer is a device, Lamina;
/// the report is unverified.
public enum DICOMMeasurementReportWriter {
  static let classUID = "1.2.840.10008.5.1.4.1.1.88.34"

  /// Writes a report.
  /// - Parameters:
  ///   - report: The measurements.
  ///   - source: The series that was measured.
  ///   - segmentation: The DICOM SEG file that Lamina wrote of the structures, or nil.
  ///   - path: The file to make.
  /// - Throws: `ImagingIOError.unsupported` when the segmentation lacks a structure of the report;
  ///   `.damaged` and `SupportError` when a file cannot be read or written.
  public static func write(
    _ report: MeasurementReport,
    source: DICOMSource,
    segmentation: String? = nil,
    to path: String
  ) throws {
    let segments = try segmentation.map(ReportSegments.init(path:))
    let modality = try source.slices.first.flatMap {
      try DICOMDerivedObject.open($0.path).root.text(DICOMTag.modality)
    }
    let key = try SHA256.hexDigest(of: Data(key(report, segments: segments).utf8))
    let derived = try DICOMDerivedObject(source: source, key: key, timeZone: report.timeZone)
    let images = images(of: source)
    let tree = try root(
      source: source,
      images: images,
      modality: modality,
      groups: try report.groups.map { group in
        try content(group, of: report, source: source, segments: segments, images: images, key: key)
      }
    )
    try write(
      tree,
      derived,
      DICOMDerivedObject.Identity(
        classUID: classUID,
        modality: "SR",
        seriesDescription: report.seriesDescription,
        seriesNumber: report.seriesNumber,
        date: report.date,
        content: key
      ),
      segments: segments,
      to: path
    )
  }

  /// Writes the tree of a report with what surrounds it.
  static func write(
    _ content: DICOMContent,
    _ derived: DICOMDerivedObject,
    _ identity: DICOMDerivedObject.Identity,
    segments: ReportSegments? = nil,
    to path: String
  ) throws {
    var object = try derived.dataSet(identity)
    // Reports have no frame of reference, and name their evidence in an element of their own.
    for tag in [0x0008_1115, 0x0020_0052, 0x0020_1040] as [UInt32] { object[tag] = nil }
    object.setEmpty(0x0008_1111)
    object.set(0x0040_A491, "COMPLETE")
    object.set(0x0040_A492, DICOMDerivedObject.notice)
    object.set(0x0040_A493, "UNVERIFIED")
    object.setEmpty(0x0040_A372)
    object.set(0x0040_A375, items: [evidence(derived, segments: segments)])
    let root = content.dataSet
    for (tag, element) in root.elements { object[tag] = element }
    try object.write(to: path)
  }

  /// Everything that sets one report apart from another.
  private static func key(_ report: MeasurementReport, segments: ReportSegments?) -> String {
    var parts = [
      report.algorithmName, report.algorithmVersion, report.seriesDescription,
      segments?.instanceUID ?? "",
    ]
    for group in report.groups {
      parts.append("\(group.definition) \(group.layer)")
      parts += group.measurements.map { "\($0)" }
    }
    return parts.map { "\($0.utf8.count):\($0)" }.joined()
  }

  /// The instances that the report refers to.
  private static func evidence(
    _ derived: DICOMDerivedObject,
    segments: ReportSegments?
  ) -> DICOMDataSet {
    var images = DICOMDataSet()
    images.set(DICOMTag.seriesUID, derived.source?.seriesUID ?? "")
    images.set(DICOMContent.Tag.references, items: derived.referencedInstances)
    var series = [images]
    if let segments {
      var reference = DICOMDataSet()
      reference.set(0x0008_1150, segments.classUID)
      reference.set(0x0008_1155, segments.instanceUID)
      var item = DICOMDataSet()
      item.set(DICOMTag.seriesUID, segments.seriesUID)
      item.set(DICOMContent.Tag.references, items: [reference])
      series.append(item)
    }
    var study = DICOMDataSet()
    study.set(0x0020_000D, derived.studyUID)
    study.set(0x0008_1115, items: series)
    return study
  }

  // MARK: - Content

  /// The images of a series, each once, as content items.
  static func images(of source: DICOMSource) -> [DICOMContent] {
    var seen: Set<String> = []
    return source.slices.filter { $0.isReferable && seen.insert($0.instanceUID).inserted }
      .map { slice in
        DICOMContent(
          relation: .contains,
          value: .image(
            classUID: slice.classUID,
            instanceUID: slice.instanceUID,
            frame: nil,
            segment: nil
          )
        )
      }
  }

  /// The tree of a report (TID 1500): observer, procedure, images, and groups of measurements.
  static func root(
    source: DICOMSource,
    images: [DICOMContent],
    modality: String?,
    groups: [DICOMContent]
  ) throws -> DICOMContent {
    let (modalityCode, procedure) = ReportConcept.modality(modality)
    let item = DICOMContent.item
    var libraryGroup = item(.contains, ReportConcept.libraryGroup, .container(template: nil))
    if let modalityCode {
      libraryGroup.children.append(
        item(.acquisition, ReportConcept.modality, .code(modalityCode))
      )
    }
    libraryGroup.children += images
    var library = item(.contains, ReportConcept.library, .container(template: "1600"))
    library.children = [libraryGroup]
    var measurements = item(.contains, ReportConcept.measurements, .container(template: nil))
    measurements.children = groups
    let device = try DICOMUID.named("device", "Lamina", Version.current)
    var root = DICOMContent(name: ReportConcept.report, value: .container(template: "1500"))
    root.children = [
      item(.modifier, ReportConcept.language, .code(ReportConcept.english)),
      item(.context, ReportConcept.observerType, .code(ReportConcept.device)),
      item(.context, ReportConcept.deviceUID, .uid(device)),
      item(.context, ReportConcept.deviceName, .text("Lamina \(Version.current)")),
      item(.context, ReportConcept.deviceManufacturer, .text("Lamina")),
      item(.context, ReportConcept.deviceModel, .text("Lamina \(Version.current)")),
      item(.modifier, ReportConcept.procedure, .code(procedure)),
      library, measurements,
    ]
    return root
  }

  private static func content(
    _ group: MeasurementReport.Group,
    of report: MeasurementReport,
    source: DICOMSource,
    segments: ReportSegments?,
    images: [DICOMContent],
    key: String
  ) throws -> DICOMContent {
    let id = group.definition.id
    let trackingUID = try DICOMUID.named(
      "tracking",
      source.seriesUID,
      key,
      "\(group.layer)",
      "\(id)"
    )
    var container = DICOMContent(
      relation: .contains,
      name: ReportConcept.group,
      value: .container(template: segments == nil ? "1501" : "1411")
    )
    func add(
      _ relation: DICOMContent.Relation,
      _ name: CodedConcept,
      _ value: DICOMContent.Value
    ) {
      container.children.append(DICOMContent(relation: relation, name: name, value: value))
    }
    add(.context, ReportConcept.trackingID, .text(group.definition.name))
    add(.context, ReportConcept.trackingUID, .uid(trackingUID))
    add(.modifier, ReportConcept.algorithmName, .text(report.algorithmName))
    add(.modifier, ReportConcept.algorithmVersion, .text(report.algorithmVersion))
    add(.contains, ReportConcept.finding, .code(group.definition.code ?? DICOMCode.tissue))
    if let segments {
      add(
        .contains,
        ReportConcept.segment,
        .image(
          classUID: segments.classUID,
          instanceUID: segments.instanceUID,
          frame: nil,
          segment: try segments.number(layer: group.layer, label: id)
        )
      )
      add(.contains, ReportConcept.sourceSeries, .uid(source.seriesUID))
    } else {
      container.children += images.map { image in
        var image = image
        image.name = ReportConcept.sourceImage
        return image
      }
    }
    container.children += group.measurements.filter(\.value.isFinite).map { measurement in
      var item = DICOMContent(
        relation: .contains,
        name: measurement.concept,
        value: .number(measurement.value, unit: measurement.unit)
      )
      let modifiers = [
        (ReportConcept.method, measurement.method),
        (ReportConcept.derivation, measurement.derivation),
      ]
      item.children = modifiers.compactMap { name, code in
        code.map { DICOMContent(relation: .modifier, name: name, value: .code($0)) }
      }
      return item
    }
    return container
  }
}

/// The segments of a segmentation that Lamina wrote.
struct ReportSegments {
  let classUID: String
  let instanceUID: String
  let seriesUID: String
  private let path: String
  private var numbers: [SIMD2<Int>: Int] = [:]

  /// Reads a segmentation's header.
  init(path: String) throws {
    let root = try DICOMDerivedObject.open(path).root
    guard let classUID = root.text(DICOMTag.classUID),
      [DICOMSegmentation.classUID, DICOMSegmentation.labelMapClassUID].contains(classUID),
      let instanceUID = root.text(DICOMTag.instanceUID),
      let seriesUID = root.text(DICOMTag.seriesUID)
    else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "no segmentation",
        remedy: "give the DICOM SEG file of the measured structures"
      )
    }
    self.path = path
    self.classUID = classUID
    self.instanceUID = instanceUID
    self.seriesUID = seriesUID
    for item in root.items(0x0062_0002) {
      guard let number = item.number(0x0062_0004).flatMap({ Int(exactly: $0) }),
        let (layer, label) = DICOMSegmentation.origin(ofTrackingID: item.text(0x0062_0020))
      else { continue }
      numbers[SIMD2(layer, label)] = number
    }
  }

  /// The segment of a label.
  func number(layer: Int, label: Int) throws -> Int {
    guard let number = numbers[SIMD2(layer, label)] else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "no segment of label \(label)",
        remedy: "give the DICOM SEG file of the measured structures"
      )
    }
    return number
  }
}
