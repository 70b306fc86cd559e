import Foundation

/// The original names and identifiers of an object, to find where else they are repeated.
///
/// It lives as long as one object is cleaned and prints as nothing.
struct DICOMDeidentificationIdentifiers: CustomStringConvertible {
  /// Upper-case values and parts of names with five characters and more.
  private var long: Set<String> = []
  /// Upper-case parts of names with three or four letters, which are looked for as words.
  private var short: Set<String> = []
  /// Whole names and identifiers as they were.
  private var whole: Set<String> = []

  /// Never shows identifiers.
  var description: String { "identifiers" }

  /// Patients' identifiers and other names, accession and admission, address and telephone.
  private static let personal: Set<UInt32> = [
    0x0010_0020, 0x0010_1000, 0x0010_1001, 0x0010_1040, 0x0010_2154, 0x0008_0050, 0x0038_0010,
    0x0012_0040, 0x0040_2016, 0x0040_2017,
  ]
  private static let institution: Set<UInt32> = [0x0008_0080, 0x0008_0081, 0x0008_1040]
  private static let device: Set<UInt32> = [0x0008_1010, 0x0018_1000]

  /// Collects the identifiers of a data set and everything below.
  init(_ root: DICOMItem, options: DICOMDeidentificationOptions) {
    var tags = Self.personal
    if !options.kept.contains(.institution) { tags.formUnion(Self.institution) }
    if !options.kept.contains(.device) { tags.formUnion(Self.device) }
    collect(root, tags)
  }

  private mutating func collect(_ item: DICOMItem, _ tags: Set<UInt32>) {
    for element in item.elements where (element.tag >> 16) % 2 == 0 {
      for child in item.items(element.tag) { collect(child, tags) }
      let isName = element.vr == "PN"
      guard element.length > 0, element.vr != "SQ", isName || tags.contains(element.tag) else {
        continue
      }
      for value in item.texts(element.tag) {
        let upper = value.uppercased()
        if upper.count >= 5 { long.insert(upper) }
        let isPatient = element.tag == 0x0010_0010 || element.tag == 0x0010_0020
        if isPatient, value.utf8.count >= 5 { whole.insert(value) }
        guard isName else { continue }
        for part in upper.split(whereSeparator: { "^= ,".contains($0) }) {
          if part.count >= 5 {
            long.insert(String(part))
          } else if part.count >= 3, part.allSatisfy(\.isLetter) {
            short.insert(String(part))
          }
        }
      }
    }
  }

  /// Whether a text repeats an identifier; short names count as `wholeWords` alone, if at all.
  func occur(in text: String, wholeWords: Bool) -> Bool {
    let upper = text.uppercased()
    if long.contains(where: { Self.contains(upper, $0) }) { return true }
    guard wholeWords else { return false }
    return upper.split { !$0.isLetter }.contains { short.contains(String($0)) }
  }

  /// Numbers must stand by themselves: five digits turn up within others by chance.
  private static func contains(_ text: String, _ part: String) -> Bool {
    guard part.allSatisfy(\.isNumber) else { return text.contains(part) }
    return text.split { !$0.isNumber }.contains { $0 == part }
  }

  // MARK: - The file as written

  /// Whether whole names, identifiers or replaced UIDs are left anywhere in a file's bytes.
  ///
  /// They count when no letter, digit or dot stands beside them. Short numbers are left out, as they
  /// turn up by chance; `allowed` are texts that were added and may hold the same words. A deflated
  /// file is not looked through; its data set was.
  func remain(in path: String, uids: Set<String>, allowed: [String]) -> Bool {
    let words = whole.filter { word in
      let isNumber = word.allSatisfy(\.isNumber)
      return Set(word).count >= 3 && !(isNumber && word.count < 8)
        && !allowed.contains { $0.uppercased().contains(word.uppercased()) }
    }
    let patterns = words.union(uids.filter { $0.utf8.count >= 10 }).map { Array($0.utf8) }
    guard !patterns.isEmpty,
      let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    else { return false }
    return data.withUnsafeBytes { bytes in patterns.contains { Self.isThere($0, in: bytes) } }
  }

  private static func isThere(_ pattern: [UInt8], in bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress, let first = pattern.first else { return false }
    var start = 0
    while start + pattern.count <= bytes.count,
      let found = memchr(base + start, Int32(first), bytes.count - pattern.count - start + 1)
    {
      let place = UnsafeRawPointer(found) - base
      start = place + 1
      guard memcmp(found, pattern, pattern.count) == 0 else { continue }
      let before = place > 0 ? bytes[place - 1] : 0
      let end = place + pattern.count
      let after = end < bytes.count ? bytes[end] : 0
      if !isPart(before), !isPart(after) { return true }
    }
    return false
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E: true
    default: false
    }
  }
}
