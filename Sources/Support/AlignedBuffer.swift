/// A fixed block of memory, aligned to 64 bytes so that every SIMD load of it may be an aligned one.
///
/// The buffer is a reference with one writer: whoever creates it fills it, then shares it and
/// writes no more (value types above it copy first, see `isKnownUniquelyReferenced`).
public final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  // Sendable invariant: memory is written only before the buffer is shared or while it is uniquely
  // referenced.

  /// The alignment of the first element in bytes: a cache line, and an AVX-512 register.
  public static var alignment: Int { 64 }

  /// The first element.
  public let pointer: UnsafeMutablePointer<Element>
  /// The number of elements.
  public let count: Int

  /// Creates a buffer whose memory holds arbitrary values.
  /// - Parameter count: The number of elements, at least 0.
  public init(uninitializedCount count: Int) {
    precondition(count >= 0, "negative buffer size \(count)")
    let byteCount = max(count * MemoryLayout<Element>.stride, 1)
    let isLarge = byteCount >= LargePages.worthwhileBytes
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: byteCount,
      alignment: isLarge ? LargePages.size : Self.alignment
    )
    if isLarge { LargePages.advise(raw, byteCount) }
    pointer = raw.bindMemory(to: Element.self, capacity: count)
    self.count = count
  }

  /// Creates a buffer of equal values.
  /// - Parameters:
  ///   - value: The value of every element.
  ///   - count: The number of elements, at least 0.
  public convenience init(repeating value: Element, count: Int) {
    self.init(uninitializedCount: count)
    pointer.initialize(repeating: value, count: count)
  }

  deinit {
    UnsafeMutableRawPointer(pointer).deallocate()
  }

  /// The elements for reading.
  public var elements: UnsafeBufferPointer<Element> { .init(start: pointer, count: count) }
  /// The elements for writing; see the type's note on who may.
  public var mutableElements: UnsafeMutableBufferPointer<Element> {
    .init(start: pointer, count: count)
  }
}
