import CDCMTK

/// Finds objects that may show identity outside their elements: in pixels, sound or free text.
enum DICOMDeidentificationFlags {
  private typealias Flag = DICOMDeidentificationRecord.Flag

  /// What to look at in a file, by its header and by its pixels.
  /// - Parameters:
  ///   - path: The file; it is opened anew to decode frames.
  ///   - root: Its data set, unchanged yet.
  ///   - classUID: SOP Class UID.
  /// - Returns: The reasons; none for an object that is safe as far as that can be told.
  static func flags(
    of path: String,
    root: DICOMItem,
    classUID: String
  ) -> [DICOMDeidentificationRecord.Flag] {
    let byHeader = header(root, classUID)
    let hasPixels = root.element(0x7FE0_0010) != nil
    guard hasPixels, !pixelsAreLabels(classUID) else { return byHeader }
    if let overlay = overlayInPixels(root) { return byHeader + [overlay] }
    // What the header gives away need not be found again.
    return byHeader.isEmpty ? looked(path) : byHeader
  }

  // MARK: - Header

  private static let storage = "1.2.840.10008.5.1.4.1.1."

  private static func header(
    _ root: DICOMItem,
    _ classUID: String
  ) -> [DICOMDeidentificationRecord.Flag] {
    var flags: [Flag] = []
    func add(_ code: String, _ message: String) { flags.append(Flag(code: code, message: message)) }
    let kind = classUID.hasPrefix(storage) ? String(classUID.dropFirst(storage.count)) : ""
    let modality = root.text(DICOMTag.modality) ?? ""
    let annotation = root.text(0x0028_0301)
    if annotation == "YES" {
      add("burned-in-annotation", "The header says that annotation is burned into the pixels.")
    }
    if kind.hasPrefix("104.") || root.element(0x0042_0011) != nil {
      add("encapsulated-document", "An encapsulated document holds free text.")
    }
    if kind.hasPrefix("88.") || root.element(0x0040_A730) != nil {
      add("structured-report", "A structured report holds free text.")
    }
    if kind.hasPrefix("9.4.") || root.element(0x5400_0100) != nil && modality == "AU" {
      add("audio", "A recording of sound may hold speech.")
    }
    if kind.hasPrefix("77.1.4") || kind.hasPrefix("77.1.1") || modality == "XC" {
      add("photograph", "A photograph may show a face.")
    }
    if kind == "7" || kind.hasPrefix("7.") {
      add("secondary-capture", "A secondary capture often shows a screen with names on it.")
    }
    if annotation != "NO", ["US", "OT", "XA", "RF", "ES"].contains(modality) {
      add("modality", "Devices of the modality \(modality) usually burn annotation into images.")
    }
    let types = root.texts(DICOMTag.imageType).map { $0.uppercased() }
    if types.contains(where: { $0.contains("SCREEN") || $0.contains("DOSE") }) {
      add("screen-save", "The image type names a saved screen.")
    }
    if root.element(0x7FE0_0010) != nil, (root.number(0x0028_0002) ?? 1) > 1 {
      add("colour-image", "Colour images cannot be searched for text.")
    }
    // Reformatted slices are secondary too; they are told from screens by the depth of their pixels.
    if types.dropFirst().first == "SECONDARY", (root.number(0x0028_0101) ?? 16) <= 8 {
      add("secondary-image", "A secondary image of 8 bits often shows a screen.")
    }
    return flags
  }

  /// Segmentations, dose and parameter maps: computed values, in which nobody writes.
  private static func pixelsAreLabels(_ classUID: String) -> Bool {
    ["66.4", "66.7", "30", "481.2"].contains { classUID == storage + $0 }
  }

  /// Overlays that lie in unused bits of the pixels (retired in 2004) stay when pixels stay.
  private static func overlayInPixels(_ root: DICOMItem) -> DICOMDeidentificationRecord.Flag? {
    for group: UInt32 in stride(from: 0x6000, through: 0x601E, by: 2) {
      guard root.element(group << 16 | 0x0010) != nil, root.element(group << 16 | 0x3000) == nil,
        (root.number(group << 16 | 0x0100) ?? 1) > 1
      else { continue }
      return Flag(
        code: "overlay-in-pixels",
        message: "An overlay lies in unused bits of the pixels."
      )
    }
    return nil
  }

  // MARK: - Pixels

  private static func looked(_ path: String) -> [DICOMDeidentificationRecord.Flag] {
    let unseen = Flag(
      code: "pixels-not-inspected",
      message: "The pixels cannot be decoded here, so that nobody has looked for text in them."
    )
    guard let file = try? DICOMFile(path: path) else { return [unseen] }
    let description: cdcmtk_pixels?
    do { description = try file.pixels() } catch { return [unseen] }
    // No integer pixels: floating point values are measurements.
    guard let pixels = description else { return [] }
    guard pixels.can_decode != 0, pixels.samples == 1, pixels.frames > 0 else { return [unseen] }
    let frames = Set([0, Int(pixels.frames) / 2, Int(pixels.frames) - 1])
    for frame in frames.sorted() {
      guard let values = decoded(frame, file, pixels) else { return [unseen] }
      let detector = DICOMDeidentificationTextDetector(
        values: values,
        width: Int(pixels.columns),
        height: Int(pixels.rows)
      )
      if detector.findsText() {
        return [Flag(code: "text-in-pixels", message: "The pixels seem to show a line of text.")]
      }
    }
    return []
  }

  private static func decoded(
    _ frame: Int,
    _ file: DICOMFile,
    _ pixels: cdcmtk_pixels
  ) -> [Int32]? {
    let count = Int(pixels.rows) * Int(pixels.columns)
    switch (pixels.bits_allocated, pixels.is_signed) {
    case (8, 0): return decoded(UInt8.self, frame, file, count) { Int32($0) }
    case (8, _): return decoded(Int8.self, frame, file, count) { Int32($0) }
    case (16, 0): return decoded(UInt16.self, frame, file, count) { Int32($0) }
    case (16, _): return decoded(Int16.self, frame, file, count) { Int32($0) }
    case (32, 0): return decoded(UInt32.self, frame, file, count) { Int32(clamping: $0) }
    case (32, _): return decoded(Int32.self, frame, file, count) { $0 }
    default: return nil
    }
  }

  private static func decoded<Stored>(
    _ type: Stored.Type,
    _ frame: Int,
    _ file: DICOMFile,
    _ count: Int,
    _ convert: (Stored) -> Int32
  ) -> [Int32]? where Stored: FixedWidthInteger {
    var values = [Stored](repeating: 0, count: count)
    let isDecoded = values.withUnsafeMutableBytes { buffer in
      cdcmtk_decode_frame(file.handle, UInt32(frame), buffer.baseAddress, buffer.count)
        == CDCMTK_OK
    }
    guard isDecoded else { return nil }
    return values.map(convert)
  }
}
