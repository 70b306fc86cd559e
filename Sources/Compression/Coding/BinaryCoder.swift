/// Writes or reads bits, so that one description of a code serves both ways.
package protocol BinaryCoding {
  /// Writes a bit, or reads it.
  /// - Parameters:
  ///   - bit: What to write; of no effect when reading.
  ///   - probability: The probability of 1 in units of 2^-16, 1 to 65535.
  /// - Returns: The bit written or read.
  mutating func code(_ bit: Bool, probability: Int) -> Bool
}

/// Writes bits, each with a probability, as one number between 0 and 1: an arithmetic coder.
///
/// Witten, Neal and Cleary 1987, "Arithmetic Coding for Data Compression", with an interval of 32 bits of
/// which whole bytes are written as soon as both ends agree on them.
package struct BinaryEncoder: BinaryCoding {
  private var low: UInt32 = 0
  private var high: UInt32 = .max
  private var bytes: [UInt8] = []

  /// Begins to write.
  package init() {}

  @inline(__always)
  package mutating func code(_ bit: Bool, probability: Int) -> Bool {
    let range = UInt64(high - low)
    let middle = low + UInt32((range * UInt64(probability)) >> 16)
    if bit { high = middle } else { low = middle + 1 }
    while (low ^ high) & 0xFF00_0000 == 0 {
      bytes.append(UInt8(high >> 24))
      low <<= 8
      high = high << 8 | 0xFF
    }
    return bit
  }

  /// Ends the stream.
  /// - Returns: Its bytes.
  package mutating func finish() -> [UInt8] {
    // Any number within the interval will do; reading goes on with zeros.
    bytes.append(UInt8(truncatingIfNeeded: (low >> 24) + (low & 0xFF_FFFF == 0 ? 0 : 1)))
    return bytes
  }
}

/// Reads what `BinaryEncoder` wrote.
package struct BinaryDecoder: BinaryCoding {
  /// How many bytes may be read after the end before the stream counts as cut short.
  private static let spareBytes = 4

  private var low: UInt32 = 0
  private var high: UInt32 = .max
  private var value: UInt32 = 0
  private var place = 0
  private let bytes: [UInt8]

  /// Begins to read.
  /// - Parameter bytes: A stream.
  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    for _ in 0..<4 { value = value << 8 | next() }
  }

  /// Whether more was read than there is, as of a stream that was cut short.
  package var isExhausted: Bool { place > bytes.count + Self.spareBytes }

  @inline(__always)
  package mutating func code(_ bit: Bool, probability: Int) -> Bool {
    let range = UInt64(high - low)
    let middle = low + UInt32((range * UInt64(probability)) >> 16)
    let found = value <= middle
    if found { high = middle } else { low = middle + 1 }
    while (low ^ high) & 0xFF00_0000 == 0 {
      low <<= 8
      high = high << 8 | 0xFF
      value = value << 8 | next()
    }
    return found
  }

  @inline(__always)
  private mutating func next() -> UInt32 {
    defer { place += 1 }
    return place < bytes.count ? UInt32(bytes[place]) : 0
  }
}
