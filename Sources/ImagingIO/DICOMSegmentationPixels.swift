import CDCMTK
import Support

/// The pixels of a SEG file, frame by frame.
struct DICOMSegmentationPixels {
  private let segmentation: DICOMSegmentationFile
  /// All frames of one bit a pixel, least significant bit first; empty for whole bytes.
  private let packed: [UInt8]
  /// Values from here on belong to the segment; 1 in binary files.
  private let threshold: UInt16

  /// Deflated bits may not claim to expand further than deflate can (RFC 1951: about 1032).
  private static let maximumExpansion = 1040

  /// Checks that the pixel data is whole; bits are read at once.
  init(_ segmentation: DICOMSegmentationFile) throws {
    self.segmentation = segmentation
    let path = segmentation.path
    let count = segmentation.frames.count
    // 2 v >= maximum.
    threshold =
      segmentation.kind == .fractional ? UInt16(min((segmentation.maximum + 1) / 2, 65535)) : 1
    guard segmentation.bits == 1 else {
      packed = []
      try Self.check(segmentation)
      return
    }
    let (pixels, overflow) = segmentation.plane.multipliedReportingOverflow(by: count)
    let needed = (pixels - 1) / 8 + 1
    guard !overflow, let element = segmentation.file.root.element(0x7FE0_0010),
      element.length >= needed,
      needed / Self.maximumExpansion <= FileFacts(path)?.size ?? 0,
      let bytes = segmentation.file.root.bytes(0x7FE0_0010), bytes.count >= needed
    else {
      throw ImagingIOError.damaged(path: path, reason: "its pixel data ends early")
    }
    packed = bytes
  }

  /// Checks the description of pixels of whole bytes.
  private static func check(_ segmentation: DICOMSegmentationFile) throws {
    let path = segmentation.path
    let described = (try? segmentation.file.pixels()) ?? nil
    guard let pixels = described, pixels.is_truncated == 0,
      Int(pixels.rows) == segmentation.size.y, Int(pixels.columns) == segmentation.size.x,
      Int(pixels.frames) == segmentation.frames.count, pixels.samples == 1,
      Int(pixels.bits_allocated) == segmentation.bits, pixels.is_signed == 0
    else { throw ImagingIOError.damaged(path: path, reason: "its pixel data ends early") }
    guard pixels.can_decode != 0 else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "pixels in \(DICOMTransferSyntax.name(segmentation.file.transferSyntax))",
        remedy: "export it uncompressed"
      )
    }
    let (bytes, overflow) = (segmentation.plane * segmentation.bits / 8)
      .multipliedReportingOverflow(by: segmentation.frames.count)
    guard !overflow, pixels.is_encapsulated != 0 || UInt64(bytes) <= pixels.data_bytes else {
      throw ImagingIOError.damaged(path: path, reason: "its pixel data ends early")
    }
  }

  /// Calls the body with each pixel of a frame that belongs to its segment: its index, row by row.
  @inline(__always)
  func forEachSet(_ frame: Int, _ body: (Int) -> Void) throws {
    guard segmentation.bits == 1 else {
      let values = try values(frame)
      for (pixel, value) in values.enumerated() where value >= threshold { body(pixel) }
      return
    }
    let start = frame * segmentation.plane
    let end = start + segmentation.plane
    for place in start >> 3...(end - 1) >> 3 {
      var byte = packed[place]
      while byte != 0 {
        let bit = place << 3 + byte.trailingZeroBitCount
        if bit >= start, bit < end { body(bit - start) }
        byte &= byte - 1
      }
    }
  }

  /// The stored values of a frame, row by row; bits as 0 and 1.
  func values(_ frame: Int) throws -> [UInt16] {
    let plane = segmentation.plane
    if segmentation.bits == 1 {
      return (frame * plane..<(frame + 1) * plane).map { UInt16(packed[$0 >> 3] >> UInt8($0 & 7) & 1) }
    }
    do throws(DICOMFault) {
      if segmentation.bits == 8 {
        var bytes = [UInt8](repeating: 0, count: plane)
        try decode(frame, into: &bytes)
        return bytes.map(UInt16.init)
      }
      var words = [UInt16](repeating: 0, count: plane)
      try decode(frame, into: &words)
      return words
    } catch {
      throw ImagingIOError.damaged(
        path: segmentation.path,
        reason: "the pixels of frame \(frame + 1) cannot be decoded"
      )
    }
  }

  private func decode<Value>(_ frame: Int, into values: inout [Value]) throws(DICOMFault) {
    let outcome = values.withUnsafeMutableBytes { buffer -> Result<Void, DICOMFault> in
      Result { () throws(DICOMFault) in
        try segmentation.file.decodeFrame(frame, into: buffer)
      }
    }
    try outcome.get()
  }
}
