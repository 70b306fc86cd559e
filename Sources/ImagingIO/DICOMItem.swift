import CDCMTK

/// One item of a DICOM data set, read where it lies: the main data set, the file meta group, or an
/// item of a sequence.
///
/// It keeps its file open and is used by one thread at a time, like the file.
package struct DICOMItem {
  /// The file that the item belongs to.
  package let file: DICOMFile
  /// The item; nil is the main data set.
  package let handle: OpaquePointer?

  /// One element of an item.
  package struct Element: Equatable {
    /// Group * 65536 + element.
    package var tag: UInt32
    /// Two letters (PS3.5 6.2).
    package var vr: String
    /// Bytes of the value; 0 for sequences and compressed pixels.
    package var length: Int
    /// Items of a sequence; 0 for values.
    package var items: Int
  }

  /// The elements, by tag.
  package var elements: [Element] {
    var count = 0
    guard cdcmtk_element_count(file.handle, handle, &count) == CDCMTK_OK else { return [] }
    return (0..<count).compactMap { index in
      var element = cdcmtk_element()
      guard cdcmtk_element_at(file.handle, handle, index, &element) == CDCMTK_OK else { return nil }
      return Element(element)
    }
  }

  /// An element by tag, or nil when it is not there.
  package func element(_ tag: UInt32) -> Element? {
    var element = cdcmtk_element()
    guard cdcmtk_find(file.handle, handle, tag, &element) == CDCMTK_OK else { return nil }
    return Element(element)
  }

  /// The values of an element as text without surrounding spaces; empty when absent or empty.
  ///
  /// Backslashes separate values, except in the text types that have but one (ST, LT, UT).
  package func texts(_ tag: UInt32) -> [String] {
    guard let bytes = textBytes(tag) else { return [] }
    let whole = file.decoded(bytes)
    if let vr = element(tag)?.vr, ["ST", "LT", "UT", "UR"].contains(vr) { return [whole] }
    return whole.split(separator: "\\", omittingEmptySubsequences: false)
      .map { DICOMFile.trimmed(Substring($0)) }
  }

  /// One value of an element as text without surrounding spaces, or nil when absent or empty.
  package func text(_ tag: UInt32, at index: Int = 0) -> String? {
    let values = texts(tag)
    guard values.indices.contains(index), !values[index].isEmpty else { return nil }
    return values[index]
  }

  /// The numbers of an element, or nil when it is absent or they are not all finite.
  package func numbers(_ tag: UInt32) -> [Double]? {
    var count = 0
    var values = [Double](repeating: 0, count: 16)
    var status = cdcmtk_item_doubles(file.handle, handle, tag, &values, values.count, &count)
    guard status == CDCMTK_OK else { return nil }
    if count > values.count {
      values = [Double](repeating: 0, count: count)
      status = cdcmtk_item_doubles(file.handle, handle, tag, &values, values.count, &count)
      guard status == CDCMTK_OK, count == values.count else { return nil }
    }
    values.removeLast(values.count - count)
    return values.allSatisfy(\.isFinite) ? values : nil
  }

  /// The first number of an element, or nil.
  package func number(_ tag: UInt32) -> Double? { numbers(tag)?.first }

  /// The bytes of a value in little endian, or nil when it is absent or a sequence.
  package func bytes(_ tag: UInt32) -> [UInt8]? {
    guard let element = element(tag), element.items == 0 else { return nil }
    var length = 0
    var status = CDCMTK_ABSENT
    let bytes = [UInt8](unsafeUninitializedCapacity: max(element.length, 1)) { buffer, count in
      status = Int(
        cdcmtk_item_bytes(file.handle, handle, tag, buffer.baseAddress, element.length, &length)
      )
      count = status == CDCMTK_OK ? min(length, element.length) : 0
    }
    return status == CDCMTK_OK ? bytes : nil
  }

  /// The items of a sequence; empty when it is absent.
  package func items(_ tag: UInt32) -> [DICOMItem] {
    (0..<(element(tag)?.items ?? 0)).compactMap { item(tag, at: $0) }
  }

  /// An item of a sequence, or nil when it is not there.
  package func item(_ tag: UInt32, at index: Int = 0) -> DICOMItem? {
    var child: OpaquePointer?
    guard index >= 0,
      cdcmtk_child(file.handle, handle, tag, UInt32(index), &child) == CDCMTK_OK, let child
    else { return nil }
    return DICOMItem(file: file, handle: child)
  }

  private func textBytes(_ tag: UInt32) -> [UInt8]? {
    var length = 0
    var status = CDCMTK_ABSENT
    var capacity = 256
    while true {
      let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        buffer.withMemoryRebound(to: CChar.self) { characters in
          status = Int(
            cdcmtk_item_text(
              file.handle,
              handle,
              tag,
              characters.baseAddress,
              capacity,
              &length
            )
          )
        }
        count = status == CDCMTK_OK ? min(length, capacity) : 0
      }
      guard status == CDCMTK_OK else { return nil }
      if length <= capacity { return bytes }
      capacity = length
    }
  }
}

extension DICOMItem.Element {
  fileprivate init(_ element: cdcmtk_element) {
    tag = element.tag
    vr = withUnsafeBytes(of: element.vr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    length = Int(element.length)
    items = Int(element.items)
  }
}
