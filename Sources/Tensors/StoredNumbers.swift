import CKernels
import Support

/// How a file stores a number; always little-endian.
package enum StoredNumber: String, Sendable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"

  /// Bytes of one number.
  package var size: Int {
    switch self {
    case .float64: 8
    case .float32: 4
    case .float16, .bfloat16: 2
    }
  }

  /// A plain tensor of stored numbers, rounded to single precision.
  ///
  /// The bytes may start at any address.
  /// - Precondition: As many bytes as the shape needs.
  package func decoded(_ bytes: UnsafeRawBufferPointer, shape: [Int]) -> Tensor {
    let count = shape.reduce(1, *)
    precondition(bytes.count == count * size, "\(bytes.count) bytes for the shape \(shape)")
    let result = AlignedBuffer<Float>(uninitializedCount: count)
    switch self {
    case .float32:
      let bits: AlignedBuffer<UInt32> = Self.words(bytes)
      UnsafeMutableRawPointer(result.pointer).copyMemory(
        from: bits.pointer,
        byteCount: count * 4
      )
    case .float64:
      let bits: AlignedBuffer<UInt64> = Self.words(bytes)
      EngineThreads.forEachRange(count) { range in
        for i in range {
          result.mutableElements[i] = Float(Double(bitPattern: bits.elements[i]))
        }
      }
    case .float16, .bfloat16:
      let bits: AlignedBuffer<UInt16> = Self.words(bytes)
      let isHalf = self == .float16
      EngineThreads.forEachRange(count) { range in
        let (start, length) = (range.lowerBound, Int64(range.count))
        if isHalf {
          ck_widen_half(bits.pointer + start, result.pointer + start, length)
        } else {
          ck_widen(bits.pointer + start, result.pointer + start, length)
        }
      }
    }
    return Tensor(shape: shape, storage: result)
  }

  /// Hands out a tensor's values in row-major order as they are stored, rounded to nearest, ties to even.
  package func withEncoded<Result>(
    _ tensor: Tensor,
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    let source = tensor.single.plain.storage
    switch self {
    case .float32:
      let words = AlignedBuffer<UInt32>(uninitializedCount: Self.swapsBytes ? source.count : 0)
      for i in 0..<words.count {
        words.mutableElements[i] = source.elements[i].bitPattern.littleEndian
      }
      return try withExtendedLifetime((source, words)) {
        try body(
          Self.swapsBytes
            ? UnsafeRawBufferPointer(words.elements) : UnsafeRawBufferPointer(source.elements)
        )
      }
    case .float64:
      let words = AlignedBuffer<UInt64>(uninitializedCount: source.count)
      for i in 0..<words.count {
        words.mutableElements[i] = Double(source.elements[i]).bitPattern.littleEndian
      }
      return try withExtendedLifetime(words) {
        try body(UnsafeRawBufferPointer(words.elements))
      }
    case .float16, .bfloat16:
      let words = AlignedBuffer<UInt16>(uninitializedCount: source.count)
      let isHalf = self == .float16
      EngineThreads.forEachRange(source.count) { range in
        let (start, length) = (range.lowerBound, Int64(range.count))
        if isHalf {
          ck_narrow_half(source.pointer + start, words.pointer + start, length)
        } else {
          ck_narrow(source.pointer + start, words.pointer + start, length)
        }
      }
      if Self.swapsBytes {
        for i in 0..<words.count { words.mutableElements[i] = words.elements[i].littleEndian }
      }
      return try withExtendedLifetime(words) {
        try body(UnsafeRawBufferPointer(words.elements))
      }
    }
  }

  private static var swapsBytes: Bool { UInt16(1).littleEndian != 1 }

  /// Aligned words of the host's byte order.
  private static func words<Word: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer
  ) -> AlignedBuffer<Word> {
    let words = AlignedBuffer<Word>(uninitializedCount: bytes.count / MemoryLayout<Word>.size)
    if let base = bytes.baseAddress {
      UnsafeMutableRawPointer(words.pointer).copyMemory(from: base, byteCount: bytes.count)
    }
    if swapsBytes {
      for i in 0..<words.count {
        words.mutableElements[i] = Word(littleEndian: words.elements[i])
      }
    }
    return words
  }
}
