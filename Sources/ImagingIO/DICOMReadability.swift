extension DICOMInstance {
  /// Checks that the file's pixels are grey values that can be decoded.
  func checkReadable() throws(DICOMBlocker) {
    if isSegmentation {
      throw .unsupported(
        path: path,
        code: "segmentation",
        what: "a segmentation, not an image",
        remedy: "read it as a label map"
      )
    }
    guard !isTruncated, let pixels else {
      throw .damaged(path: path, reason: "it ends before its pixel data does")
    }
    guard pixels.rows > 0, pixels.columns > 0, pixels.frames > 0 else {
      throw .damaged(path: path, reason: "it does not state its rows, columns and frames")
    }
    guard pixels.frames <= DICOMPixelLayout.maximumFrames else {
      throw .unsupported(
        path: path,
        code: "too-many-frames",
        what: "\(pixels.frames) frames",
        remedy: "split it into files of at most \(DICOMPixelLayout.maximumFrames)"
      )
    }
    try checkDecodable(pixels)
    let gray = ["MONOCHROME1", "MONOCHROME2"]
    guard pixels.samples == 1, gray.contains(photometric ?? "MONOCHROME2") else {
      throw .unsupported(
        path: path,
        code: "colour",
        what: "colour pixels (\(photometric ?? "\(pixels.samples) samples"))",
        remedy: "give the grey-scale series, or convert the file to .png, which keeps colours"
      )
    }
    guard pixels.kind != .integer || [8, 16, 32].contains(pixels.bitsAllocated) else {
      throw .unsupported(
        path: path,
        code: "bits-allocated",
        what: "pixels of \(pixels.bitsAllocated) bits",
        remedy: "export it with 8, 16 or 32 bits a pixel"
      )
    }
    guard (1...pixels.bitsAllocated).contains(pixels.bitsStored),
      pixels.highBit < pixels.bitsAllocated, pixels.highBit + 1 >= pixels.bitsStored
    else {
      throw .damaged(
        path: path,
        reason: "\(pixels.bitsStored) stored bits up to bit \(pixels.highBit) do not fit into "
          + "\(pixels.bitsAllocated)"
      )
    }
    if hasBrokenTable {
      throw .damaged(path: path, reason: "its modality look-up table contradicts itself")
    }
  }

  /// Checks that the transfer syntax has a decoder and the size is no lie.
  func checkDecodable(_ pixels: DICOMPixelLayout) throws(DICOMBlocker) {
    guard pixels.canDecode else {
      throw .unsupported(
        path: path,
        code: "transfer-syntax",
        what: "pixels in \(DICOMTransferSyntax.name(transferSyntax))",
        remedy: "export it uncompressed"
      )
    }
    guard pixels.isBelievable else {
      throw .damaged(
        path: path,
        reason: "\(pixels.dataBytes) bytes cannot hold \(pixels.frames) frames of "
          + "\(pixels.columns) x \(pixels.rows) pixels"
      )
    }
  }
}

/// Names of transfer syntaxes for messages (PS3.6 annex A).
enum DICOMTransferSyntax {
  /// A name for people, with the UID when it is not a usual one.
  static func name(_ uid: String?) -> String {
    switch uid {
    case nil: "an unknown transfer syntax"
    case "1.2.840.10008.1.2.4.90": "JPEG 2000 (lossless)"
    case "1.2.840.10008.1.2.4.91": "JPEG 2000"
    case "1.2.840.10008.1.2.4.201": "High-Throughput JPEG 2000 (lossless)"
    case "1.2.840.10008.1.2.4.202": "High-Throughput JPEG 2000 (lossless, RPCL)"
    case "1.2.840.10008.1.2.4.203": "High-Throughput JPEG 2000"
    case let uid?: "transfer syntax \(uid.prefix(64))"
    }
  }
}
