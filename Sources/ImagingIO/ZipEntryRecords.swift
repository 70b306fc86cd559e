/// The records of a zip archive of one deflated entry (PKWARE's APPNOTE, sections 4.3.7 to 4.5.3).
struct ZipEntryRecords {
  let name: String
  let checksum: UInt32
  let size: Int
  let packedSize: Int

  /// Version 4.5: the first that knows zip64.
  private static let version: UInt16 = 45
  private static let deflated: UInt16 = 8
  /// 1 January 1980, the earliest date that can be stored: equal runs give equal bytes.
  private static let date: UInt16 = 1 << 5 | 1
  private static let everywhere = UInt32.max

  /// The record before the entry's bytes; it has the wide sizes always.
  var localHeader: [UInt8] {
    var bytes = LittleEndianBytes()
    bytes.append(UInt32(0x0403_4B50))
    bytes.append(Self.version)
    appendShared(&bytes)
    bytes.append(UInt16(20))
    bytes.bytes += Array(name.utf8)
    bytes.append(UInt16(1))
    bytes.append(UInt16(16))
    bytes.append(UInt64(size))
    bytes.append(UInt64(packedSize))
    return bytes.bytes
  }

  /// Flags, method, date, checksum, sizes and the name's length.
  private func appendShared(_ bytes: inout LittleEndianBytes) {
    bytes.append(UInt16(0))
    bytes.append(Self.deflated)
    bytes.append(UInt16(0))
    bytes.append(Self.date)
    bytes.append(checksum)
    bytes.append(Self.everywhere)
    bytes.append(Self.everywhere)
    bytes.append(UInt16(name.utf8.count))
  }

  /// The directory and its end, in both widths.
  func directory(at offset: Int, directoryOffset: Int) -> [UInt8] {
    var bytes = LittleEndianBytes()
    bytes.append(UInt32(0x0201_4B50))
    bytes.append(UInt16(3) << 8 | Self.version)
    bytes.append(Self.version)
    appendShared(&bytes)
    bytes.append(UInt16(28))
    bytes.append(UInt16(0))
    bytes.append(UInt16(0))
    bytes.append(UInt16(0))
    // A plain file that its owner may write and all may read.
    bytes.append(UInt32(0o100644) << 16)
    bytes.append(Self.everywhere)
    bytes.bytes += Array(name.utf8)
    bytes.append(UInt16(1))
    bytes.append(UInt16(24))
    bytes.append(UInt64(size))
    bytes.append(UInt64(packedSize))
    bytes.append(UInt64(offset))
    let length = bytes.bytes.count
    bytes.append(UInt32(0x0606_4B50))
    bytes.append(UInt64(44))
    bytes.append(UInt16(3) << 8 | Self.version)
    bytes.append(Self.version)
    bytes.append(UInt32(0))
    bytes.append(UInt32(0))
    bytes.append(UInt64(1))
    bytes.append(UInt64(1))
    bytes.append(UInt64(length))
    bytes.append(UInt64(directoryOffset))
    bytes.append(UInt32(0x0706_4B50))
    bytes.append(UInt32(0))
    bytes.append(UInt64(directoryOffset + length))
    bytes.append(UInt32(1))
    bytes.append(UInt32(0x0605_4B50))
    bytes.append(UInt16(0))
    bytes.append(UInt16(0))
    bytes.append(UInt16(1))
    bytes.append(UInt16(1))
    bytes.append(UInt32(length))
    bytes.append(Self.everywhere)
    bytes.append(UInt16(0))
    return bytes.bytes
  }
}

private struct LittleEndianBytes {
  var bytes: [UInt8] = []

  mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
