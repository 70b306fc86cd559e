import Imaging

/// Siemens mosaics: the slices of one volume as tiles of one picture, row by row.
///
/// The number of tiles and the direction in which slices follow each other come from the CSA
/// header; Image Position is that of a picture of the mosaic's size around the slice's centre, so
/// it is moved by half of what the mosaic is larger than a tile.
enum DICOMMosaic {
  /// The tiles of a mosaic.
  /// - Parameters:
  ///   - base: The picture as a frame.
  ///   - root: The main data set.
  /// - Returns: One frame for each slice.
  /// - Throws: `DICOMBlocker` when the header does not tell where the slices lie.
  static func frames(
    _ base: DICOMFrame,
    root: DICOMItem
  ) throws(DICOMBlocker) -> [DICOMFrame] {
    let path = base.instance.path
    guard base.instance.pixels?.frames == 1, let plane = base.plane,
      let spacing = base.pixelSpacing, let gap = base.sliceSpacing
    else { throw refusal(path, "whose position, orientation or spacing is missing") }
    let header = header(root)
    guard let count = tileCount(root, header: header) else {
      throw refusal(path, "whose number of slices is not in its CSA header")
    }
    let across = Int(Double(count).squareRoot().rounded(.up))
    guard across > 0, base.size.x % across == 0, base.size.y % across == 0 else {
      throw refusal(
        path,
        "of \(count) slices, into which \(base.size.x) x \(base.size.y) pixels cannot be cut"
      )
    }
    let normal = plane.direction.columns[2]
    guard let vector = normalVector(root, header: header) else {
      throw refusal(path, "whose slice normal is not in its CSA header")
    }
    let agreement = dot(vector, normal)
    guard abs(abs(agreement) - 1) < 1e-2 else {
      throw refusal(path, "whose slice normal contradicts its orientation")
    }
    let step = normal * (agreement < 0 ? -gap : gap)
    let size = SIMD2(base.size.x / across, base.size.y / across)
    let margin = SIMD2<Double>(base.size &- size) * spacing / 2
    let origin = plane.position + plane.row * margin.x + plane.column * margin.y
    return (0..<count).map { index in
      var frame = base
      frame.size = size
      frame.tile = SIMD2(index % across, index / across) &* size
      frame.plane?.position = origin + step * Double(index)
      return frame
    }
  }

  private static func refusal(_ path: String, _ words: String) -> DICOMBlocker {
    .unsupported(
      path: path,
      code: "mosaic",
      what: "a Siemens mosaic \(words)",
      remedy: "export it as single slices"
    )
  }

  private static func header(_ root: DICOMItem) -> SiemensCSAHeader? {
    let names: Set<String> = ["NumberOfImagesInMosaic", "SliceNormalVector"]
    for element: UInt32 in [0x10, 0x20] {
      guard
        let tag = DICOMPrivate.tag(
          root,
          group: 0x29,
          creator: "SIEMENS CSA HEADER",
          element: element
        ), let bytes = root.bytes(tag),
        let header = SiemensCSAHeader(bytes, names: names),
        !(header.values["NumberOfImagesInMosaic"] ?? []).isEmpty
      else { continue }
      return header
    }
    return nil
  }

  private static func tileCount(_ root: DICOMItem, header: SiemensCSAHeader?) -> Int? {
    let candidates = [
      header?.numbers("NumberOfImagesInMosaic").first,
      DICOMPrivate.numbers(root, group: 0x19, creator: "SIEMENS MR HEADER", element: 0x0A)?.first,
    ]
    return candidates.lazy.compactMap { $0.flatMap { Int(exactly: $0) } }
      .first { (1...4096).contains($0) }
  }

  private static func normalVector(_ root: DICOMItem, header: SiemensCSAHeader?) -> SIMD3<Double>? {
    let numbers = header?.numbers("SliceNormalVector") ?? []
    guard numbers.count == 3 else { return nil }
    return SIMD3(numbers[0], numbers[1], numbers[2])
  }
}
