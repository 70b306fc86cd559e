#if canImport(Glibc)
  import Glibc
#endif

/// Memory pages of 2 MiB for large buffers, where the system has them.
///
/// A first touch then costs one fault for 512 small pages, and feature maps of hundreds of megabytes
/// need few entries of the processor's table of pages.
package enum LargePages {
  /// Bytes of a large page; buffers that use them start at a multiple.
  static let size = 2 << 20
  /// Bytes from which a buffer asks for large pages.
  static let worthwhileBytes = 8 << 20

  /// Asks for large pages within memory that need not begin at a multiple of their size.
  /// - Parameter memory: Memory that nobody has touched yet.
  package static func advise(_ memory: UnsafeMutableRawBufferPointer) {
    guard memory.count >= worthwhileBytes, let base = memory.baseAddress else { return }
    let start = base.alignedUp(toMultipleOf: size)
    advise(start, memory.count - (start - base))
  }

  /// Asks for large pages; a system without them goes on with small ones.
  static func advise(_ start: UnsafeMutableRawPointer, _ byteCount: Int) {
    #if canImport(Glibc)
      _ = madvise(start, byteCount / size * size, Int32(MADV_HUGEPAGE))
    #endif
  }
}
