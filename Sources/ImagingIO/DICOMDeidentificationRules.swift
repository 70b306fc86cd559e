import CDCMTK

/// What happens to each element: PS3.15 table E.1-1 with the chosen options, and stricter rules for
/// what the table leaves open.
///
/// Combined actions of the table (X/Z, X/D, Z/D, X/Z/D) depend on whether the object's definition
/// needs the element. The strongest of them (a dummy before an empty value before removal) fits
/// every definition and reveals as little; it is taken, except for dates and times of plain
/// single-frame images, where they are optional: an absent date misleads less than a dummy.
/// Elements that are absent stay so.
///
/// Beyond the table: unknown elements, group lengths, command groups, whole overlays, encrypted
/// attributes and MAC parameters are removed; names, dates, times, long texts, addresses and
/// application titles that the table does not list are emptied; UIDs that are neither registered
/// nor of a class are replaced.
struct DICOMDeidentificationRules: Sendable {
  /// What happens to an element.
  enum Action: String, Sendable {
    case keep, remove, empty, dummy, uid, shift, descend, name, identifier, age, descriptor
    /// A UID that stays when it is registered or names a class.
    case classUID
  }

  /// The table's actions.
  enum Listed {
    case remove, empty, dummy, uid, removeOrEmpty, removeOrDummy, emptyOrDummy, removeEmptyOrDummy
    case removeEmptyOrUID
  }

  private typealias Table = DICOMDeidentificationTable

  static let listed: [UInt32: Listed] = {
    let texts: [(String, Listed)] = [
      (Table.remove, .remove), (Table.empty, .empty), (Table.dummy, .dummy), (Table.uid, .uid),
      (Table.removeOrEmpty, .removeOrEmpty), (Table.removeOrDummy, .removeOrDummy),
      (Table.emptyOrDummy, .emptyOrDummy), (Table.removeEmptyOrDummy, .removeEmptyOrDummy),
      (Table.removeEmptyOrUID, .removeEmptyOrUID),
    ]
    var listed: [UInt32: Listed] = [:]
    for (text, action) in texts { for tag in Table.tags(text) { listed[tag] = action } }
    // Younger or rarer relatives of listed ones: birth and death dates in other calendars, issuers
    // of identifiers, breed registrations, encrypted originals, and keys to them.
    for tag: UInt32 in [
      0x0010_0024, 0x0010_0033, 0x0010_0034, 0x0010_1022, 0x0010_2294, 0x0400_0500, 0x0400_0510,
      0x0400_0520, 0x4FFE_0001,
    ] { listed[tag] = .remove }
    return listed
  }()

  private static let device = Set(Table.tags(Table.device))
  private static let institution = Set(Table.tags(Table.institution))
  private static let characteristics = Set(Table.tags(Table.characteristics)).union([0x0010_1022])
  private static let descriptors: Set<UInt32> = [0x0008_1030, 0x0008_103E, 0x0018_1030]

  /// Birth date and time, and the time of a satellite's signal: no option keeps them.
  private static let neverShifted: Set<UInt32> = [0x0010_0030, 0x0010_0032, 0x0016_0077]

  /// CT, MR, CR, PET, secondary capture, nuclear medicine and ultrasound images.
  private static let plainImages: Set<String> = Set(
    ["1.2", "1.4", "1.1", "1.128", "1.7", "1.20", "1.6.1"].map { "1.2.840.10008.5.1.4.1.\($0)" }
  )

  private let options: DICOMDeidentificationOptions
  private let datesAreOptional: Bool

  /// The rules for objects of a class.
  init(_ options: DICOMDeidentificationOptions, classUID: String) {
    self.options = options
    datesAreOptional = Self.plainImages.contains(classUID)
  }

  /// What happens to an element with the value representation that its file gives; the
  /// dictionary's is looked up.
  func action(_ tag: UInt32, vr: String) -> Action {
    let group = tag >> 16
    if group % 2 == 1 || group < 8 || tag & 0xFFFF == 0 { return .remove }
    if (0x5000...0x50FF).contains(group) || (0x6000...0x60FF).contains(group) { return .remove }
    if tag == 0x0010_0010 { return .name }
    if tag == 0x0010_0020 { return .identifier }
    let known = DICOMDataSet.dictionaryVR(tag)
    let isTime = ["DA", "DT", "TM"].contains(known) || ["DA", "DT", "TM"].contains(vr)
    if !isTime, let kept = retained(tag) { return kept }
    if isTime, options.dates == .shifted, !Self.neverShifted.contains(tag) { return .shift }
    if tag == 0x0008_0201, options.dates == .shifted { return .shift }
    if let listed = Self.listed[tag] {
      return action(listed, isTime: isTime, isSequence: vr == "SQ")
    }
    if known == "UN" || vr == "UN" { return .remove }
    return unlisted(tag, vrs: [vr, known])
  }

  private func retained(_ tag: UInt32) -> Action? {
    if options.kept.contains(.characteristics), Self.characteristics.contains(tag) {
      return tag == 0x0010_1010 ? .age : .keep
    }
    if options.kept.contains(.device), Self.device.contains(tag) { return .keep }
    if options.kept.contains(.institution), Self.institution.contains(tag) { return .keep }
    if options.kept.contains(.descriptors), Self.descriptors.contains(tag) { return .descriptor }
    return nil
  }

  private func action(_ listed: Listed, isTime: Bool, isSequence: Bool) -> Action {
    let isWeak = isTime && datesAreOptional
    switch listed {
    case .remove: return .remove
    case .empty: return .empty
    case .dummy: return .dummy
    case .uid: return .uid
    case .removeOrEmpty: return isWeak ? .remove : .empty
    case .removeOrDummy, .removeEmptyOrDummy: return isWeak ? .remove : .dummy
    case .emptyOrDummy: return isWeak ? .empty : .dummy
    case .removeEmptyOrUID: return isSequence ? .descend : .remove
    }
  }

  private func unlisted(_ tag: UInt32, vrs: [String]) -> Action {
    if vrs.contains("SQ") { return vrs[0] == "SQ" ? .descend : .remove }
    if vrs.contains("UI") { return .classUID }
    // A long code value is a code (PS3.3 8.1).
    if tag == 0x0008_0119 { return .keep }
    let open = ["PN", "DA", "DT", "TM", "LT", "ST", "UT", "UC", "UR", "AE"]
    return vrs.contains(where: open.contains) ? .empty : .keep
  }
}
