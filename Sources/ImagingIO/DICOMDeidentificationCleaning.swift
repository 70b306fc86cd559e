import CDCMTK
import Foundation
import Support

/// Changes the elements of one object where they lie, and counts what it does.
struct DICOMDeidentificationCleaning {
  let rules: DICOMDeidentificationRules
  let key: DICOMDeidentificationKey
  /// Days by which dates move.
  let daysBack: Int
  /// The patient's new name.
  let name: String
  /// The new identifier of every patient, or nil for pseudonyms.
  let subject: String?
  /// How often each element was changed.
  private(set) var steps: [DICOMDeidentificationRecord.Step: Int] = [:]
  /// Original UIDs that were replaced.
  private(set) var mappedUIDs: Set<String> = []

  /// What stands for a text that may not be empty.
  static let dummyText = "ANONYMIZED"

  init(
    rules: DICOMDeidentificationRules,
    key: DICOMDeidentificationKey,
    daysBack: Int,
    name: String,
    subject: String?
  ) {
    self.rules = rules
    self.key = key
    self.daysBack = daysBack
    self.name = name
    self.subject = subject
  }

  /// Cleans an item and what is below it; with `isDummy` all text below is replaced, as in a
  /// sequence of which only the structure may stay.
  mutating func clean(_ item: DICOMItem, isDummy: Bool = false) throws(SupportError) {
    // A tag twice in an item: the second would escape what is done by tag.
    var seen: Set<UInt32> = []
    for element in item.elements {
      let action = rules.action(element.tag, vr: element.vr)
      guard seen.insert(element.tag).inserted else {
        item.file.removeAll(element.tag, item: item.handle)
        note(element.tag, .removed)
        continue
      }
      try apply(isDummy ? dummied(action, element) : action, to: element, of: item, isDummy)
    }
  }

  private mutating func apply(
    _ action: DICOMDeidentificationRules.Action,
    to element: DICOMItem.Element,
    of item: DICOMItem,
    _ isDummy: Bool
  ) throws(SupportError) {
    let tag = element.tag
    switch action {
    case .keep: try keep(element, of: item)
    case .remove: remove(tag, of: item)
    case .empty: try empty(element, of: item)
    case .dummy: try dummy(element, of: item)
    case .descend: try descend(element, of: item, isDummy)
    case .name: try put(name, .replaced, element, of: item)
    case .identifier: try put(try identifier(item), .replaced, element, of: item)
    case .uid: try mapUIDs(element, of: item) { cdcmtk_is_registered_uid($0) == CDCMTK_OK }
    case .classUID: try mapUIDs(element, of: item) { Self.isHarmless($0, tag: tag) }
    case .shift: try shift(element, of: item)
    case .age: try age(element, of: item)
    case .descriptor:
      let words = item.texts(tag).joined(separator: " ")
      if DICOMDeidentificationVocabulary.covers(words) {
        note(tag, .kept)
      } else {
        remove(tag, of: item)
      }
    }
  }

  private mutating func note(_ tag: UInt32, _ change: DICOMDeidentificationRecord.Change) {
    steps[.init(tag: tag, change: change), default: 0] += 1
  }

  // MARK: - Removing, emptying, replacing

  private mutating func remove(_ tag: UInt32, of item: DICOMItem) {
    item.file.removeAll(tag, item: item.handle)
    note(tag, .removed)
  }

  private mutating func put(
    _ text: String,
    _ change: DICOMDeidentificationRecord.Change,
    _ element: DICOMItem.Element,
    of item: DICOMItem
  ) throws(SupportError) {
    let known = DICOMDataSet.dictionaryVR(element.tag)
    let vr = known == "UN" ? element.vr : known
    item.file.removeAll(element.tag, item: item.handle)
    note(element.tag, change)
    if vr == "SQ" {
      guard cdcmtk_put_empty_sequence(item.file.handle, item.handle, element.tag) == CDCMTK_OK
      else { throw DICOMDataSet.refusal(element.tag) }
    } else if Self.textVRs.contains(vr) {
      try item.file.put(text, tag: element.tag, vr: vr, item: item.handle)
    } else {
      let zeros = [UInt8](repeating: 0, count: text.isEmpty ? 0 : Self.width(vr))
      try item.file.put(zeros, tag: element.tag, vr: vr, item: item.handle)
    }
  }

  private mutating func empty(
    _ element: DICOMItem.Element,
    of item: DICOMItem
  ) throws(SupportError) {
    try put("", .emptied, element, of: item)
  }

  private mutating func dummy(
    _ element: DICOMItem.Element,
    of item: DICOMItem
  ) throws(SupportError) {
    if element.vr == "SQ", DICOMDataSet.dictionaryVR(element.tag) == "SQ" {
      return try descend(element, of: item, true)
    }
    // An element without a value needs no dummy.
    guard element.length > 0 || element.items > 0 else { return try empty(element, of: item) }
    let vr = DICOMDataSet.dictionaryVR(element.tag)
    if vr == "UI" { return try mapUIDs(element, of: item) { _ in false } }
    try put(Self.dummy(vr), .replaced, element, of: item)
  }

  /// A value that is plainly none (PS3.15 E.1.1, action D).
  private static func dummy(_ vr: String) -> String {
    switch vr {
    case "DA": "19000101"
    case "TM": "000000"
    case "DT": "19000101000000"
    case "DS", "IS": "0"
    case "AS": "000Y"
    case "UR": "about:blank"
    default: dummyText
    }
  }

  private static let textVRs: Set<String> = [
    "AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR",
    "UT",
  ]

  private static func width(_ vr: String) -> Int {
    switch vr {
    case "FD", "OD", "SV", "UV", "OV": 8
    case "FL", "OF", "SL", "UL", "OL", "AT": 4
    default: 2
    }
  }

  // MARK: - Sequences

  private mutating func descend(
    _ element: DICOMItem.Element,
    of item: DICOMItem,
    _ isDummy: Bool
  ) throws(SupportError) {
    for child in item.items(element.tag) { try clean(child, isDummy: isDummy) }
    note(element.tag, .cleaned)
  }

  /// Words of enumerations, which give a dummied item its form: value types, relationships and
  /// ranges of structured reports and waveforms, and how a presentation state draws.
  private static func givesForm(_ tag: UInt32) -> Bool {
    tag >> 16 == 0x0070 || (0x0040_A000...0x0040_A1FF).contains(tag)
  }

  private func dummied(
    _ action: DICOMDeidentificationRules.Action,
    _ element: DICOMItem.Element
  ) -> DICOMDeidentificationRules.Action {
    guard action == .keep || action == .shift, Self.textVRs.contains(element.vr) else {
      return action
    }
    return element.vr == "CS" && Self.givesForm(element.tag) ? action : .dummy
  }

  // MARK: - Values that stay in part

  /// An element that the profile keeps: one that must hold a number has to hold one.
  private mutating func keep(
    _ element: DICOMItem.Element,
    of item: DICOMItem
  ) throws(SupportError) {
    let known = DICOMDataSet.dictionaryVR(element.tag)
    guard known == "DS" || known == "IS" || known == "AS" else { return }
    let allowed = known == "AS" ? "0123456789DWMY" : "0123456789+-.eE"
    let isPlain = item.texts(element.tag).allSatisfy { $0.allSatisfy(allowed.contains) }
    if !isPlain { remove(element.tag, of: item) }
  }

  private func identifier(_ item: DICOMItem) throws(SupportError) -> String {
    if let subject { return subject }
    let original = item.texts(0x0010_0020).joined(separator: "\\")
    return original.isEmpty ? name : try key.pseudonym(original)
  }

  private mutating func mapUIDs(
    _ element: DICOMItem.Element,
    of item: DICOMItem,
    unless isKept: (String) -> Bool
  ) throws(SupportError) {
    let originals = item.texts(element.tag)
    var changed = false
    var values: [String] = []
    for original in originals {
      if original.isEmpty || isKept(original) {
        values.append(original)
      } else {
        values.append(try key.uid(original))
        mappedUIDs.insert(original)
        changed = true
      }
    }
    guard changed || originals.isEmpty else { return }
    try put(values.joined(separator: "\\"), .uidMapped, element, of: item)
  }

  /// Whether a UID names a kind of thing: it is well formed, and of a class, of a terminology, or
  /// below the root of the standard.
  private static func isHarmless(_ uid: String, tag: UInt32) -> Bool {
    let parts = uid.split(separator: ".", omittingEmptySubsequences: false)
    guard uid.utf8.count <= 64,
      parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
    else { return false }
    let classes: Set<UInt32> = [0x0008_0016, 0x0008_001A, 0x0008_001B, 0x0008_0062, 0x0008_1150]
    if classes.contains(tag) { return true }
    if uid.hasPrefix("1.2.840.10008.") { return parts.dropFirst(4).allSatisfy { $0.count <= 5 } }
    return tag == 0x0008_010C && uid.hasPrefix("2.16.840.1.113883.6.")
  }

  private mutating func shift(
    _ element: DICOMItem.Element,
    of item: DICOMItem
  ) throws(SupportError) {
    let values = item.texts(element.tag)
    if DICOMDataSet.dictionaryVR(element.tag) == "TM" || element.tag == 0x0008_0201 {
      let isPlain = values.allSatisfy { $0.allSatisfy("0123456789.:+-".contains) && $0.count <= 16 }
      return isPlain ? note(element.tag, .kept) : try empty(element, of: item)
    }
    var moved: [String] = []
    for value in values {
      if value.isEmpty {
        moved.append("")
      } else if let date = DICOMDeidentificationDates.moved(value, daysBack: daysBack) {
        moved.append(date)
      } else {
        return try empty(element, of: item)
      }
    }
    try put(moved.joined(separator: "\\"), .shifted, element, of: item)
  }

  /// Ages above 89 years become 90: there are few such people.
  private mutating func age(
    _ element: DICOMItem.Element,
    of item: DICOMItem
  ) throws(SupportError) {
    guard let age = item.text(element.tag), age.utf8.count == 4,
      let number = Int(age.dropLast()), number >= 0, "DWMY".contains(age.suffix(1))
    else { return try empty(element, of: item) }
    if age.hasSuffix("Y"), number > 89 { return try put("090Y", .replaced, element, of: item) }
    note(element.tag, .kept)
  }

  // MARK: - Identifiers in other elements

  /// Replaces values of the text types that repeat an original identifier.
  mutating func replace(
    _ identifiers: DICOMDeidentificationIdentifiers,
    in item: DICOMItem
  ) throws(SupportError) {
    for element in item.elements {
      for child in item.items(element.tag) { try replace(identifiers, in: child) }
      // Elements that describe pixels and text hold words of the standard alone.
      guard ["LO", "SH", "UC", "CS"].contains(element.vr), element.tag >> 16 != 0x0028,
        ![DICOMTag.characterSet, DICOMTag.modality, 0x0010_0020].contains(element.tag)
      else { continue }
      let values = item.texts(element.tag)
      let clean = values.map {
        identifiers.occur(in: $0, wholeWords: element.vr != "CS") ? Self.dummyText : $0
      }
      guard clean != values else { continue }
      try put(clean.joined(separator: "\\"), .replaced, element, of: item)
    }
  }
}
