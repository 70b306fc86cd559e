/// The private "CSA" header of Siemens MR images: a table of named values.
///
/// Two layouts are in use. Both hold, for each name: 64 bytes of name, the multiplicity, the
/// representation, a type number, the number of items and a mark, as 32-bit words in little endian;
/// then the items, each with four words and its bytes, filled up to whole words. The second layout
/// begins with "SV10". The first has another way of stating an item's length. (Facts of the
/// layouts: nibabel's documentation, "Siemens format DICOM with CSA header".)
struct SiemensCSAHeader {
  /// The values by name, as text without padding.
  let values: [String: [String]]

  /// Reads the table, or nil when the bytes are none.
  init?(_ bytes: [UInt8], names: Set<String>) {
    let isSecond = bytes.starts(with: Array("SV10".utf8))
    var position = isSecond ? 8 : 0
    func word(_ place: Int) -> Int? {
      guard place >= 0, place + 4 <= bytes.count else { return nil }
      return (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
    }
    func text(_ place: Int, _ count: Int) -> String {
      let field = bytes[place..<place + count].prefix { $0 != 0 }
      return DICOMFile.trimmed(Substring(String(decoding: field, as: UTF8.self)))
    }
    guard let count = word(position), (1...1024).contains(count) else { return nil }
    position += 8
    var found: [String: [String]] = [:]
    var itemsOfFirst: Int?
    for _ in 0..<count {
      guard position + 84 <= bytes.count, let items = word(position + 76), items <= 4096 else {
        return nil
      }
      let name = text(position, 64)
      let first = itemsOfFirst ?? items
      itemsOfFirst = first
      position += 84
      var texts: [String] = []
      for _ in 0..<items {
        guard let before = word(position), let stated = word(position + 4) else { return nil }
        position += 16
        // The first layout adds the item count of the first name.
        var length = isSecond ? stated : before - first
        if !isSecond, length < 0 || length > bytes.count - position { length = stated }
        guard length >= 0, length <= bytes.count - position else { return nil }
        if names.contains(name), length <= 1024 {
          let value = text(position, length)
          if !value.isEmpty { texts.append(value) }
        }
        position += (length + 3) / 4 * 4
      }
      if names.contains(name) { found[name] = texts }
      if found.count == names.count { break }
    }
    values = found
  }

  /// The numbers of a name; empty when a value is none.
  func numbers(_ name: String) -> [Double] {
    let texts = values[name] ?? []
    let numbers = texts.compactMap { Double($0) }.filter(\.isFinite)
    return numbers.count == texts.count ? numbers : []
  }
}
