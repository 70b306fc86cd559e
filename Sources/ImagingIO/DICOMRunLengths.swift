/// RLE Lossless compression of frames (PS3.5 annex G).
enum DICOMRunLengths {
  /// Compresses a frame of grey values.
  /// - Parameters:
  ///   - values: The frame in little endian, row by row.
  ///   - width: Bytes a value, 1 or 2.
  ///   - columns: Values a row; runs end with the row.
  /// - Returns: The header of 64 bytes and one segment a byte, the highest first, each even.
  static func compressed(_ values: [UInt8], width: Int, columns: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64)
    bytes.reserveCapacity(64 + values.count / 8)
    bytes[0] = UInt8(width)
    var row = [UInt8](repeating: 0, count: columns)
    for segment in 0..<width {
      let offset = bytes.count
      for byte in 0..<4 { bytes[4 + 4 * segment + byte] = UInt8(offset >> (8 * byte) & 0xFF) }
      var place = width - 1 - segment
      while place < values.count {
        for column in 0..<columns {
          row[column] = values[place]
          place += width
        }
        append(row, to: &bytes)
      }
      if bytes.count % 2 != 0 { bytes.append(0) }
    }
    return bytes
  }

  /// Packs one row: runs of at least three equal bytes, the rest as it is, 128 bytes at most each.
  private static func append(_ row: [UInt8], to bytes: inout [UInt8]) {
    var start = 0
    var position = 0
    while position < row.count {
      var end = position + 1
      while end < row.count, row[end] == row[position] { end += 1 }
      if end - position >= 3 {
        appendLiteral(row[start..<position], to: &bytes)
        var left = end - position
        while left > 1 {
          let count = min(left, 128)
          bytes.append(UInt8(257 - count))
          bytes.append(row[position])
          left -= count
        }
        // One byte left over begins what follows.
        start = end - left
      }
      position = end
    }
    appendLiteral(row[start...], to: &bytes)
  }

  private static func appendLiteral(_ row: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
    var rest = row
    while !rest.isEmpty {
      let part = rest.prefix(128)
      bytes.append(UInt8(part.count - 1))
      bytes.append(contentsOf: part)
      rest = rest.dropFirst(part.count)
    }
  }
}
