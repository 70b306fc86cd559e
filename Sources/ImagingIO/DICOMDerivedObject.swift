import Foundation
import Imaging
import Support

/// Attributes that every object derived from a DICOM series shares: patient, study, equipment,
/// frame of reference, and what the object is called.
///
/// With a source, patient and study are read from the file of its first slice, so that the new
/// object joins the same study. Without one they are empty (type 2 of PS3.5 7.4), and the study is
/// one of its own. Text is written as `ISO_IR 192`. It prints as nothing.
package struct DICOMDerivedObject: Sendable, CustomStringConvertible {
  /// What the object is, and what sets its identifiers apart.
  package struct Identity: Sendable {
    /// SOP Class UID.
    package var classUID: String
    /// The modality, such as "SEG".
    package var modality: String
    /// Series Description; the notice of research use is added.
    package var seriesDescription: String
    /// Series Number.
    package var seriesNumber: Int
    /// Instance Number.
    package var instanceNumber: Int
    /// When the content was made; date and time of series, instance and content.
    package var date: Date
    /// What the object holds, such as a digest of its values: objects of different content must get
    /// different identifiers, and equal runs equal ones.
    package var content: String
    /// What the series holds when it has several instances; nil means the content.
    package var seriesContent: String?

    /// Describes an object.
    /// - Parameters:
    ///   - classUID: SOP Class UID.
    ///   - modality: The modality, such as "SEG".
    ///   - seriesDescription: Series Description without the notice.
    ///   - seriesNumber: Series Number.
    ///   - instanceNumber: Instance Number.
    ///   - date: When the content was made.
    ///   - content: What the object holds, such as a digest.
    ///   - seriesContent: What the series holds when it has several instances.
    package init(
      classUID: String,
      modality: String,
      seriesDescription: String,
      seriesNumber: Int,
      instanceNumber: Int = 1,
      date: Date,
      content: String,
      seriesContent: String? = nil
    ) {
      self.classUID = classUID
      self.modality = modality
      self.seriesDescription = seriesDescription
      self.seriesNumber = seriesNumber
      self.instanceNumber = instanceNumber
      self.date = date
      self.content = content
      self.seriesContent = seriesContent
    }
  }

  /// What every object says in a description.
  package static let notice = "Research use only, not for clinical use"

  /// Study Instance UID.
  package let studyUID: String
  /// Frame of Reference UID; one of the study's own when the source has none.
  package let frameOfReferenceUID: String
  /// The source, or nil.
  package let source: DICOMSource?
  private let shared: DICOMDataSet
  private let timeZone: TimeZone

  /// Reads what a new object takes over.
  /// - Parameters:
  ///   - source: The series that the object is derived from, or nil.
  ///   - key: Without a source, what names the study and the frame of reference, such as a digest.
  ///   - timeZone: In which dates are written when the source does not state its zone.
  /// - Throws: `SupportError.unreadable` or `ImagingIOError.damaged` when the first slice's file
  ///   cannot be read any more.
  package init(source: DICOMSource?, key: String, timeZone: TimeZone = .current) throws {
    var shared = DICOMDataSet()
    for tag in Self.typeTwo { shared.setEmpty(tag) }
    var zone: TimeZone?
    if let slice = source?.slices.first {
      let item = try Self.open(slice.path).root
      shared.copy(Self.inherited.filter { item.text($0) != nil }, from: item)
      zone = item.text(0x0008_0201).flatMap(Self.zone)
      if zone != nil { shared.copy([0x0008_0201], from: item) }
    }
    self.source = source
    self.shared = shared
    self.timeZone = zone ?? timeZone
    if let uid = source?.studyUID, !uid.isEmpty {
      studyUID = uid
    } else {
      studyUID = try DICOMUID.named("study", source?.seriesUID ?? "", key)
    }
    if let uid = source?.frameOfReferenceUID, !uid.isEmpty {
      frameOfReferenceUID = uid
    } else {
      frameOfReferenceUID = try DICOMUID.named("frame of reference", studyUID, key)
    }
  }

  /// Never shows identifiers.
  package var description: String { "a derived DICOM object" }

  /// The shared modules of a new object (PS3.3 C.7, C.12).
  ///
  /// Patient, General Study, General Series, General and Enhanced General Equipment, Frame of
  /// Reference, Common Instance Reference, SOP Common, and the content's date and time.
  /// - Parameter identity: What the object is.
  /// - Returns: The data set, to be filled with the object's own modules.
  /// - Throws: `SupportError.libraryFailure`.
  package func dataSet(_ identity: Identity) throws -> DICOMDataSet {
    var dataSet = shared
    let (day, time) = dateAndTime(identity.date)
    let seriesUID = try DICOMUID.named(
      "series",
      studyUID,
      source?.seriesUID ?? "",
      identity.classUID,
      identity.seriesDescription,
      "\(identity.seriesNumber)",
      day,
      time,
      identity.seriesContent ?? identity.content
    )
    let instanceUID = try DICOMUID.named(
      "instance",
      seriesUID,
      "\(identity.instanceNumber)",
      identity.content
    )
    dataSet.set(DICOMTag.characterSet, "ISO_IR 192")
    dataSet.set(DICOMTag.classUID, identity.classUID)
    dataSet.set(DICOMTag.instanceUID, instanceUID)
    for tag in [0x0008_0012, 0x0008_0021, 0x0008_0023] as [UInt32] { dataSet.set(tag, day) }
    for tag in [0x0008_0013, 0x0008_0031, 0x0008_0033] as [UInt32] { dataSet.set(tag, time) }
    dataSet.set(DICOMTag.modality, identity.modality)
    dataSet.set(
      DICOMTag.seriesDescription,
      Self.text("\(identity.seriesDescription) (\(Self.notice))", limit: 64, ending: Self.notice)
    )
    dataSet.set(0x0020_000D, studyUID)
    dataSet.set(DICOMTag.seriesUID, seriesUID)
    dataSet.set(DICOMTag.seriesNumber, "\(identity.seriesNumber)")
    dataSet.set(0x0020_0013, "\(identity.instanceNumber)")
    dataSet.set(0x0020_0052, frameOfReferenceUID)
    dataSet.set(0x0008_0070, "Lamina")
    dataSet.set(0x0008_1090, "Lamina")
    dataSet.set(0x0018_1000, "Lamina \(Version.current)")
    dataSet.set(0x0018_1020, Version.current)
    if let references = referencedSeries { dataSet.set(0x0008_1115, items: [references]) }
    return dataSet
  }

  /// The source series as an item of a Referenced Series Sequence (PS3.3 C.12.2), or nil.
  ///
  /// Its UID and each of its instances once, in the order of the slices.
  package var referencedSeries: DICOMDataSet? {
    guard let source, !source.seriesUID.isEmpty, !referencedInstances.isEmpty else { return nil }
    var series = DICOMDataSet()
    series.set(DICOMTag.seriesUID, source.seriesUID)
    series.set(0x0008_114A, items: referencedInstances)
    return series
  }

  /// One item for each instance of the source: Referenced SOP Class and Instance UID.
  package var referencedInstances: [DICOMDataSet] {
    var seen: Set<String> = []
    let slices = (source?.slices ?? []).filter(\.isReferable)
    return slices.filter { seen.insert($0.instanceUID).inserted }.map { slice in
      var item = DICOMDataSet()
      item.set(0x0008_1150, slice.classUID)
      item.set(0x0008_1155, slice.instanceUID)
      return item
    }
  }

  /// A date and time as DICOM writes them (DA and TM, whole seconds), in the study's time zone.
  package func dateAndTime(_ date: Date) -> (day: String, time: String) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    let parts = calendar.dateComponents(
      [.year, .month, .day, .hour, .minute, .second],
      from: date
    )
    func digits(_ value: Int?, _ count: Int) -> String {
      let text = "\(min(max(value ?? 0, 0), 9999))"
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    return (
      digits(parts.year, 4) + digits(parts.month, 2) + digits(parts.day, 2),
      digits(parts.hour, 2) + digits(parts.minute, 2) + digits(parts.second, 2)
    )
  }

  // MARK: - Text

  /// Text that an element of limited length takes: without backslashes and control characters.
  /// - Parameters:
  ///   - text: The text.
  ///   - limit: Characters that the value representation allows: 16 for SH and CS, 64 for LO.
  ///   - ending: A part of the text that must stay at its end; what comes before is cut.
  /// - Returns: At most `limit` characters.
  package static func text(_ text: String, limit: Int, ending: String? = nil) -> String {
    let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
      scalar == "\\" ? "/" : scalar.value < 32 || scalar.value == 127 ? " " : scalar
    }
    if scalars.count <= limit { return string(scalars[...]) }
    guard let ending, ending.unicodeScalars.count + 3 <= limit else {
      return string(scalars.prefix(limit))
    }
    // What stands around the ending, such as a bracket, goes first.
    let kept = limit - ending.unicodeScalars.count - 2
    return string(scalars.prefix(kept)) + ": " + ending
  }

  private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    DICOMFile.trimmed(Substring(String(String.UnicodeScalarView(scalars))))
  }

  // MARK: - Source

  /// Patient and study attributes that must be there, if only empty.
  private static let typeTwo: [UInt32] = [
    0x0010_0010, 0x0010_0020, 0x0010_0030, 0x0010_0040, 0x0008_0020, 0x0008_0030, 0x0008_0050,
    0x0008_0090, 0x0020_0010, 0x0020_1040,
  ]

  /// What is taken over where the source has a value: the type 2 attributes, issuer of the patient
  /// identifier, age, de-identification, study description, and the position reference.
  private static let inherited: [UInt32] =
    typeTwo + [
      0x0010_0021, 0x0010_1010, 0x0012_0062, 0x0012_0063, 0x0008_1030,
    ]

  /// Opens a file of the source.
  static func open(_ path: String) throws -> DICOMFile {
    do throws(DICOMFault) {
      return try DICOMFile(path: path)
    } catch .unreadable {
      throw SupportError.unreadable(path: path, reason: "it could not be opened")
    } catch .damaged, .notDICOM {
      throw ImagingIOError.damaged(path: path, reason: "its header cannot be read")
    } catch {
      throw SupportError.libraryFailure(library: "DCMTK")
    }
  }

  /// The zone of an offset from UTC such as "+0130".
  private static func zone(_ offset: String) -> TimeZone? {
    let digits = offset.dropFirst()
    guard offset.utf8.count == 5, "+-".contains(offset.prefix(1)), digits.allSatisfy(\.isNumber),
      let hours = Int(digits.prefix(2)), let minutes = Int(digits.suffix(2)), hours < 15,
      minutes < 60
    else { return nil }
    let seconds = (hours * 60 + minutes) * 60
    return TimeZone(secondsFromGMT: offset.hasPrefix("-") ? -seconds : seconds)
  }
}
