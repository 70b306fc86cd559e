import Support

extension DICOMFormat {
  /// Reads one colour image for 2-D work.
  ///
  /// RGB and YBR pixels are given as RGB, palette colours by their tables. Samples of more than
  /// 8 bits, and 16-bit palettes, are scaled to 8 bits by their upper bits.
  /// - Parameters:
  ///   - path: A DICOM file.
  ///   - frame: The frame of a file of several, from 1.
  /// - Returns: Columns, rows, and three bytes a pixel, row by row.
  /// - Throws: `ImagingIOError.unrecognised` when the file is not DICOM, `.unsupported` when it
  ///   holds no colour or has no decoder, `.damaged` when it contradicts itself,
  ///   `.noSuchSelection` for a frame that is not there; `SupportError` when it cannot be read.
  public static func readColor(
    _ path: String,
    frame: Int = 1
  ) throws -> (width: Int, height: Int, rgb: [UInt8]) {
    guard FileFacts(path) != nil else { throw SupportError.notFound(path: path) }
    let file: DICOMFile
    do {
      file = try DICOMFile(path: path)
    } catch .notDICOM {
      throw ImagingIOError.unrecognised(path: path)
    } catch {
      throw DICOMPixels.error(error, of: path)
    }
    let picture = DICOMColorPicture(DICOMInstance(path: path, file: file), file: file)
    let layout = try picture.layout(frame: frame)
    do {
      return (layout.columns, layout.rows, try picture.pixels(layout, frame: frame - 1))
    } catch {
      throw DICOMPixels.error(error, of: path)
    }
  }
}

/// The colour pixels of an open file.
private struct DICOMColorPicture {
  let instance: DICOMInstance
  let file: DICOMFile

  init(_ instance: DICOMInstance, file: DICOMFile) {
    self.instance = instance
    self.file = file
  }

  /// Checks that the pixels are colours that can be decoded.
  func layout(frame: Int) throws(ImagingIOError) -> DICOMPixelLayout {
    let path = instance.path
    guard !instance.isTruncated, let layout = instance.pixels, layout.kind == .integer,
      layout.rows > 0, layout.columns > 0
    else { throw .damaged(path: path, reason: "it ends before its pixel data does") }
    do throws(DICOMBlocker) { try instance.checkDecodable(layout) } catch { throw error.error }
    guard isPalette || layout.samples == 3 else {
      throw .unsupported(
        path: path,
        what: "no colour (\(instance.photometric ?? "\(layout.samples) samples"))",
        remedy: "read it as a volume"
      )
    }
    guard layout.bitsAllocated == 8 || layout.bitsAllocated == 16,
      (1...layout.bitsAllocated).contains(layout.bitsStored)
    else {
      throw .unsupported(
        path: path,
        what: "colour samples of \(layout.bitsAllocated) bits",
        remedy: "export it with 8 or 16 bits a sample"
      )
    }
    guard (1...layout.frames).contains(frame) else {
      throw .noSuchSelection(path: path, selection: "frame \(frame)")
    }
    return layout
  }

  private var isPalette: Bool {
    instance.photometric == "PALETTE COLOR" && instance.pixels?.samples == 1
  }

  func pixels(_ layout: DICOMPixelLayout, frame: Int) throws(DICOMFault) -> [UInt8] {
    let bytes = AlignedBuffer<UInt8>(uninitializedCount: layout.bytesPerFrame)
    let raw = UnsafeMutableRawBufferPointer(bytes.mutableElements)
    try file.decodeFrame(frame, into: raw)
    let samples: [Int] =
      layout.bitsAllocated == 8
      ? raw.map { layout.isSigned ? Int(Int8(bitPattern: $0)) : Int($0) }
      : raw.assumingMemoryBound(to: UInt16.self).map {
        layout.isSigned ? Int(Int16(bitPattern: $0)) : Int($0)
      }
    if !isPalette {
      let excess = max(0, layout.bitsStored - 8)
      return samples.map { UInt8(clamping: $0 >> excess) }
    }
    let tables = try palette(isSigned: layout.isSigned)
    var rgb: [UInt8] = []
    rgb.reserveCapacity(samples.count * 3)
    for sample in samples {
      for table in tables {
        let place = min(max(sample - table.first, 0), table.values.count - 1)
        rgb.append(table.values[place])
      }
    }
    return rgb
  }

  /// Red, green and blue as bytes (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6).
  private func palette(
    isSigned: Bool
  ) throws(DICOMFault) -> [(first: Int, values: [UInt8])] {
    var tables: [(first: Int, values: [UInt8])] = []
    for color: UInt32 in 1...3 {
      guard
        let table = DICOMLookupTable(
          file.root,
          descriptor: 0x0028_1100 | color,
          data: 0x0028_1200 | color,
          isSigned: isSigned
        )
      else { throw .damaged }
      // Some writers say 16 bits and fill the lower 8.
      let isWide = table.bits > 8 && table.values.contains { $0 > 255 }
      let values = table.values.map { UInt8(truncatingIfNeeded: isWide ? $0 >> 8 : $0) }
      tables.append((table.first, values))
    }
    return tables
  }
}
