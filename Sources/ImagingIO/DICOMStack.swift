import CDCMTK
import Foundation
import Imaging

/// Slices of one series that form one volume, or the reason why they do not.
struct DICOMStack: Sendable {
  /// The slices; in the order of the volume when `geometry` is there.
  private(set) var slices: [DICOMInstance]
  /// Why these slices are together.
  let why: String
  /// The volume's grid, or what stands against it.
  private(set) var geometry: Result<ImageGeometry, DICOMBlocker>

  /// Slice gaps may differ from their median by 1 % (a header's rounding stays below that, a
  /// missing slice is far above).
  static let gapTolerance = 0.01
  /// Slices may lie off the first slice's normal by a tenth of a pixel, plus 1 mm in a metre.
  static let lateralTolerancePixels = 0.1
  static let lateralToleranceSlope = 1e-3
  /// Slices closer than this are at the same place, mm.
  static let samePlaceMM = 1e-3

  /// Orders slices of one plane direction, size and pixel spacing.
  /// - Parameters:
  ///   - slices: At least one.
  ///   - path: The input, for messages.
  ///   - why: Why these slices are together.
  init(slices: [DICOMInstance], path: String, why: String) {
    self.slices = slices
    self.why = why
    do throws(DICOMBlocker) {
      for slice in slices { try slice.checkReadable() }
      if let direction = slices[0].plane?.direction {
        self.slices = Self.ordered(slices, along: direction.columns[2])
        geometry = .success(try Self.grid(of: self.slices, direction: direction, path: path))
      } else {
        geometry = .success(try Self.planarGrid(of: slices, path: path))
      }
    } catch {
      geometry = .failure(error)
    }
  }

  /// Sorts by position along the normal; by name where that is equal.
  static func ordered(_ slices: [DICOMInstance], along normal: SIMD3<Double>) -> [DICOMInstance] {
    slices.map { ($0.depth(along: normal) ?? 0, $0) }
      .sorted { ($0.0, $0.1.path) < ($1.0, $1.1.path) }
      .map(\.1)
  }

  /// Whether two neighbours of sorted slices are at the same place.
  static func hasDuplicates(_ slices: [DICOMInstance], along normal: SIMD3<Double>) -> Bool {
    let depths = slices.compactMap { $0.depth(along: normal) }
    return zip(depths, depths.dropFirst()).contains { $1 - $0 < samePlaceMM }
  }

  // MARK: - Geometry

  /// The grid of sorted slices.
  private static func grid(
    of slices: [DICOMInstance],
    direction: Matrix3,
    path: String
  ) throws(DICOMBlocker) -> ImageGeometry {
    let first = slices[0]
    guard let origin = first.plane?.position, let pixelSpacing = first.pixelSpacing,
      let pixels = first.pixels
    else {
      throw .unsupported(
        path: first.path,
        code: "no-pixel-spacing",
        what: "a slice without Pixel Spacing",
        remedy: "give the series as the scanner exported it"
      )
    }
    let depths = slices.compactMap { $0.depth(along: direction.columns[2]) }
    try checkDistinct(depths, path: path)
    try checkLine(slices, direction: direction, path: path)
    try checkEven(depths, path: path)

    var sliceSpacing = first.sliceSpacing
    if let last = depths.last, slices.count > 1 {
      sliceSpacing = (last - depths[0]) / Double(slices.count - 1)
    }
    return try makeGrid(
      path: path,
      size: SIMD3(Int(pixels.columns), Int(pixels.rows), slices.count),
      spacing: SIMD3(pixelSpacing.x, pixelSpacing.y, sliceSpacing ?? 1),
      origin: origin,
      direction: direction,
      isPlanar: sliceSpacing == nil
    )
  }

  /// The grid of one image that has no place in the patient.
  private static func planarGrid(
    of slices: [DICOMInstance],
    path: String
  ) throws(DICOMBlocker) -> ImageGeometry {
    guard slices.count == 1, let pixels = slices[0].pixels else {
      throw .unsupported(
        path: path,
        code: "no-position",
        what: "\(slices.count) slices without a valid Image Position and Image Orientation",
        remedy: "give one file alone, or the series as the scanner exported it"
      )
    }
    let spacing = slices[0].pixelSpacing ?? SIMD2(1, 1)
    return try makeGrid(
      path: path,
      size: SIMD3(Int(pixels.columns), Int(pixels.rows), 1),
      spacing: SIMD3(spacing.x, spacing.y, 1),
      origin: .zero,
      direction: .identity,
      isPlanar: true
    )
  }

  private static func makeGrid(
    path: String,
    size: SIMD3<Int>,
    spacing: SIMD3<Double>,
    origin: SIMD3<Double>,
    direction: Matrix3,
    isPlanar: Bool
  ) throws(DICOMBlocker) -> ImageGeometry {
    do {
      return try ImageGeometry(
        size: size,
        spacing: spacing,
        origin: origin,
        direction: direction,
        isPlanar: isPlanar
      )
    } catch {
      throw .damaged(path: path, code: "invalid-geometry", reason: "\(error)")
    }
  }

  /// Checks that sorted positions are distinct.
  private static func checkDistinct(_ depths: [Double], path: String) throws(DICOMBlocker) {
    if let index = depths.indices.dropLast().first(where: {
      depths[$0 + 1] - depths[$0] < samePlaceMM
    }) {
      let place = words(depths[index])
      throw .unsupported(
        path: path,
        code: "duplicate-position",
        what: "different slices at the same position, \(place) mm along the normal",
        remedy: "separate the slices into series, or remove the copies"
      )
    }
  }

  /// Checks that sorted positions are evenly spaced.
  private static func checkEven(_ depths: [Double], path: String) throws(DICOMBlocker) {
    let gaps = zip(depths.dropFirst(), depths).map { $0 - $1 }
    // The lower median, so that of two gaps the smaller is the spacing.
    let expected = gaps.sorted().dropLast(gaps.count / 2).last ?? 0
    for (index, gap) in gaps.enumerated() where abs(gap - expected) > gapTolerance * expected {
      throw .failed(
        code: "uneven-slices",
        error: .unevenSlices(
          path: path,
          expectedMM: expected,
          foundMM: gap,
          afterSlice: index + 1,
          count: depths.count
        ),
        remedy: "Complete the series, or export it with even spacing."
      )
    }
  }

  /// Checks that the positions run along the normal, not beside it.
  private static func checkLine(
    _ slices: [DICOMInstance],
    direction: Matrix3,
    path: String
  ) throws(DICOMBlocker) {
    guard let first = slices.first, let last = slices.last,
      let origin = first.plane?.position, let end = last.plane?.position, slices.count > 1
    else { return }
    let pixel = first.pixelSpacing?.min() ?? 1
    var worst = 0.0
    var isOff = false
    for slice in slices {
      guard let position = slice.plane?.position else { continue }
      let along = dot(position - origin, direction.columns[2])
      let beside = length(position - origin - direction.columns[2] * along)
      isOff = isOff || beside > lateralTolerancePixels * pixel + lateralToleranceSlope * along
      worst = max(worst, beside)
    }
    guard isOff else { return }
    let along = dot(end - origin, direction.columns[2])
    let beside = length(end - origin - direction.columns[2] * along)
    let tilt = atan2(beside, along) * 180 / .pi
    if beside < worst / 2 {
      throw .unsupported(
        path: path,
        code: "slices-not-in-line",
        what: "slices that are shifted against each other by up to \(words(worst)) mm in plane",
        remedy: "export the series as one stack"
      )
    }
    throw .unsupported(
      path: path,
      code: "gantry-tilt",
      what: "slices stacked at a tilt of \((tilt * 100).rounded() / 100) degrees to their normal",
      remedy: "regrid the series to straight slices first"
    )
  }

  private static func length(_ vector: SIMD3<Double>) -> Double {
    dot(vector, vector).squareRoot()
  }

  private static func words(_ millimetres: Double) -> String {
    "\((millimetres * 1000).rounded() / 1000)"
  }
}

extension DICOMInstance {
  /// Checks that the file's pixels are grey values of one frame that can be decoded.
  func checkReadable() throws(DICOMBlocker) {
    if isEnhanced || (pixels?.frames ?? 1) > 1 {
      throw .unsupported(
        path: path,
        code: "multi-frame",
        what: "an enhanced or multi-frame image of \(pixels?.frames ?? 0) frames",
        remedy: "export it as single-frame slices"
      )
    }
    if isMosaic {
      throw .unsupported(
        path: path,
        code: "mosaic",
        what: "a Siemens mosaic, many slices in one picture",
        remedy: "export it as single slices"
      )
    }
    if hasFloatPixels {
      throw .unsupported(
        path: path,
        code: "float-pixels",
        what: "floating-point pixels",
        remedy: "export it with integer pixels and a rescale slope"
      )
    }
    guard !isTruncated, let pixels else {
      throw .damaged(path: path, reason: "it ends before its pixel data does")
    }
    guard pixels.rows > 0, pixels.columns > 0 else {
      throw .damaged(path: path, reason: "it does not state its rows and columns")
    }
    guard pixels.can_decode != 0 else {
      throw .unsupported(
        path: path,
        code: "transfer-syntax",
        what: "pixels in \(DICOMTransferSyntax.name(transferSyntax))",
        remedy: "export it uncompressed"
      )
    }
    let gray = ["MONOCHROME1", "MONOCHROME2"]
    guard pixels.samples == 1, gray.contains(photometric ?? "MONOCHROME2") else {
      throw .unsupported(
        path: path,
        code: "colour",
        what: "colour pixels (\(photometric ?? "\(pixels.samples) samples"))",
        remedy: "give the grey-scale series"
      )
    }
    guard [8, 16, 32].contains(pixels.bits_allocated) else {
      throw .unsupported(
        path: path,
        code: "bits-allocated",
        what: "pixels of \(pixels.bits_allocated) bits",
        remedy: "export it with 8, 16 or 32 bits a pixel"
      )
    }
    guard (1...pixels.bits_allocated).contains(pixels.bits_stored),
      pixels.high_bit < pixels.bits_allocated, pixels.high_bit + 1 >= pixels.bits_stored
    else {
      throw .damaged(
        path: path,
        reason: "\(pixels.bits_stored) stored bits up to bit \(pixels.high_bit) do not fit into "
          + "\(pixels.bits_allocated)"
      )
    }
    if hasModalityTable {
      throw .unsupported(
        path: path,
        code: "modality-table",
        what: "values behind a modality look-up table",
        remedy: "export it with rescale slope and intercept"
      )
    }
    guard slope != 0 else { throw .damaged(path: path, reason: "its rescale slope is 0") }
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
