import CDCMTK
import Foundation
import Support

/// De-identifies DICOM objects by the Basic Application Level Confidentiality Profile (PS3.15 E.2).
///
/// Pixel data and the transfer syntax stay as they are, bit for bit. Sequences are cleaned at any
/// depth. The same original gives the same new identifier in all objects under one key, so that
/// references between objects still lead there.
package struct DICOMDeidentification: Sendable {
  /// What is kept.
  package let options: DICOMDeidentificationOptions
  /// What new identifiers are derived from.
  package let key: DICOMDeidentificationKey

  /// Creates a de-identification.
  package init(options: DICOMDeidentificationOptions, key: DICOMDeidentificationKey) {
    self.options = options
    self.key = key
  }

  /// Cleans one file.
  /// - Parameters:
  ///   - input: A file of any kind.
  ///   - place: Chooses the output's path by the new identifiers; called only for what is written.
  /// - Returns: What became of it.
  /// - Throws: `SupportError` for unwritable outputs and failing libraries, and what `place` throws;
  ///   no error names the input.
  package func clean(
    _ input: String,
    place: (DICOMDeidentificationRecord) throws -> String
  ) throws -> DICOMDeidentificationOutcome {
    guard let first = DICOMScan.firstBytes(input), first != .other else { return .foreign }
    let file: DICOMFile
    do {
      file = try DICOMFile(path: input)
    } catch {
      switch error {
      case .noDictionary:
        throw SupportError.libraryFailure(library: "DCMTK, whose data dictionary is not there,")
      case .notDICOM: return .foreign
      default: return first == .part10 ? .damaged : .foreign
      }
    }
    let root = file.root
    let classUID = root.text(DICOMTag.classUID) ?? file.meta?.text(0x0002_0002) ?? ""
    if classUID == "1.2.840.10008.1.3.10" || root.element(0x0004_1220) != nil { return .directory }
    if classUID.isEmpty, root.element(DICOMTag.modality) == nil, root.element(0x7FE0_0010) == nil {
      return file.isComplete ? .foreign : .damaged
    }
    guard file.isComplete else { return .damaged }
    var record = try identity(of: root)
    record.flags = DICOMDeidentificationFlags.flags(of: input, root: root, classUID: classUID)
    record.isWithheld = !record.flags.isEmpty && !options.allowsFlagged
    let identifiers = DICOMDeidentificationIdentifiers(root, options: options)
    var cleaning = DICOMDeidentificationCleaning(
      rules: DICOMDeidentificationRules(options, classUID: classUID),
      key: key,
      daysBack: try key.days(patient(of: root)),
      name: record.pseudonym,
      subject: options.subject
    )
    try cleaning.clean(root)
    try cleaning.replace(identifiers, in: root)
    try sign(root)
    record.steps = cleaning.steps
    if record.isWithheld { return .withheld(record) }
    return try write(file, place(record), record, identifiers, cleaning.mappedUIDs)
  }

  private func write(
    _ file: DICOMFile,
    _ path: String,
    _ record: DICOMDeidentificationRecord,
    _ identifiers: DICOMDeidentificationIdentifiers,
    _ uids: Set<String>
  ) throws -> DICOMDeidentificationOutcome {
    errno = 0
    switch Int(cdcmtk_save_as_read(file.handle, path)) {
    case CDCMTK_OK: break
    case CDCMTK_UNSUPPORTED: return .unsupported
    case CDCMTK_UNREADABLE:
      let reason = errno == 0 ? "writing failed" : String(cString: strerror(errno))
      unlink(path)
      throw SupportError.unwritable(path: path, reason: reason)
    default:
      unlink(path)
      throw SupportError.libraryFailure(library: "DCMTK")
    }
    guard identifiers.remain(in: path, uids: uids, allowed: allowedTexts(record)) else {
      return .written(record)
    }
    unlink(path)
    var record = record
    record.isWithheld = true
    record.flags.append(
      .init(
        code: "identifier-left",
        message: "An original name, identifier or UID remains, probably within compressed pixels."
      )
    )
    return .withheld(record)
  }

  // MARK: - Identity

  /// What tells patients apart: the identifier, else the name, else the study.
  private func patient(of root: DICOMItem) -> String {
    for tag: UInt32 in [0x0010_0020, 0x0010_0010] {
      let value = root.texts(tag).joined(separator: "\\")
      if !value.isEmpty { return value }
    }
    return root.text(0x0020_000D) ?? ""
  }

  private func identity(of root: DICOMItem) throws -> DICOMDeidentificationRecord {
    var record = DICOMDeidentificationRecord()
    let patient = patient(of: root)
    record.patientDigest = try key.digest("patient", patient)
    record.pseudonym = try options.subject ?? key.pseudonym(patient)
    record.studyDigest = try key.digest("study", root.text(0x0020_000D) ?? "")
    record.seriesDigest = try key.digest("series", root.text(DICOMTag.seriesUID) ?? "")
    record.instanceDigest = try key.digest("instance", root.text(DICOMTag.instanceUID) ?? "")
    return record
  }

  // MARK: - What was done

  private static let method = "Lamina \(Version.current)"

  private func allowedTexts(_ record: DICOMDeidentificationRecord) -> [String] {
    [Self.method, record.pseudonym, DICOMDeidentificationCleaning.dummyText, "REMOVED", "MODIFIED"]
      + options.codes.flatMap { [$0.value, $0.meaning] }
  }

  /// Says in the object itself what was done (PS3.3 C.7.1.1, C.12.1; PS3.15 E.2).
  private func sign(_ root: DICOMItem) throws(SupportError) {
    var added = DICOMDataSet()
    added.set(0x0012_0062, "YES")
    added.set(0x0012_0063, Self.method)
    added.set(
      0x0012_0064,
      items: options.codes.map { code in
        var item = DICOMDataSet()
        item.set(0x0008_0100, code.value)
        item.set(0x0008_0102, "DCM")
        item.set(0x0008_0104, code.meaning)
        return item
      }
    )
    added.set(0x0028_0303, options.dates == .shifted ? "MODIFIED" : "REMOVED")
    for tag in added.elements.keys { root.file.removeAll(tag, item: nil) }
    try added.put(into: root.file, item: nil)
  }
}

extension DICOMFile {
  /// Removes an element of an item however often it is there.
  func removeAll(_ tag: UInt32, item: OpaquePointer?) {
    while cdcmtk_remove(handle, item, tag) == CDCMTK_OK {}
  }
}

/// Keywords of elements (PS3.6).
package enum DICOMKeyword {
  /// The keyword of a tag, or nil for private and unknown elements.
  package static func of(_ tag: UInt32) -> String? {
    var characters = [CChar](repeating: 0, count: 129)
    guard cdcmtk_keyword(tag, &characters, characters.count) == CDCMTK_OK else { return nil }
    let bytes = characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension DICOMDeidentification {
  /// The file itself, or all files below a folder by path; links are followed once.
  /// - Parameter path: A file or folder.
  /// - Returns: Absolute or relative paths, as the folder was given.
  /// - Throws: `SupportError`, whose paths are original names.
  package static func files(of path: String) throws -> [String] { try DICOMScan.files(of: path) }
}
