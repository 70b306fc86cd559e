import Foundation
import Imaging

/// Slices of one series that form one volume, or points of one 4-D volume; or the reason why they
/// do not.
struct DICOMStack: Sendable {
  /// One entry for each point, at least one: its slices in the order of the volume.
  let points: [[DICOMFrame]]
  /// What distinguishes each point.
  let labels: [String]
  /// Why these slices are together.
  let why: String
  /// The volume's grid, or what stands against it.
  let layout: Layout

  /// How the slices lie.
  enum Layout: Sendable {
    /// On a straight, evenly spaced grid.
    case straight(ImageGeometry)
    /// Parallel, but tilted, shifted or unevenly spaced: to be refused or regridded.
    case crooked(SliceRegridding, DICOMIrregularity)
    /// Not as a volume.
    case refused(DICOMBlocker)
  }

  /// Slices closer than this are at the same place, mm.
  static let samePlaceMM = 1e-3

  /// Makes a stack of one point, or of several of equal grids.
  /// - Parameters:
  ///   - passes: At least one, each with at least one frame.
  ///   - labels: What distinguishes each.
  ///   - path: The input, for messages.
  ///   - why: Why these slices are together.
  init(passes: [DICOMPass], labels: [String], path: String, why: String) {
    points = passes.map(\.frames)
    self.labels = labels
    self.why = why
    do throws(DICOMBlocker) {
      for point in points {
        for frame in point {
          if let blocker = frame.blocker { throw blocker }
          guard frame.slope != 0 else {
            throw .damaged(path: frame.instance.path, reason: "its rescale slope is 0")
          }
        }
      }
      layout = try Self.layout(of: points[0], path: path)
    } catch {
      layout = .refused(error)
    }
  }

  /// The slices of the first point.
  var slices: [DICOMFrame] { points[0] }

  /// Slices of all points.
  var sliceCount: Int { points.reduce(0) { $0 + $1.count } }

  /// Whether the slices of two passes lie at the same places.
  static func haveEqualGrids(_ a: DICOMPass, _ b: DICOMPass) -> Bool {
    guard a.frames.count == b.frames.count else { return false }
    let gap = a.frames.count > 1 ? distance(a.frames[0], a.frames[1]) : 1
    let pixel = a.frames[0].pixelSpacing?.min() ?? 1
    let tolerance = 1e-3 + 0.01 * min(gap, pixel)
    return zip(a.frames, b.frames).allSatisfy { distance($0, $1) <= tolerance }
  }

  private static func distance(_ a: DICOMFrame, _ b: DICOMFrame) -> Double {
    guard let a = a.plane?.position, let b = b.plane?.position else {
      return (a.plane == nil) == (b.plane == nil) ? 0 : .infinity
    }
    return dot(a - b, a - b).squareRoot()
  }

  // MARK: - Geometry

  private static func layout(of slices: [DICOMFrame], path: String) throws(DICOMBlocker) -> Layout {
    let first = slices[0]
    guard let plane = first.plane else {
      return .straight(try planarGrid(of: slices, path: path))
    }
    guard let pixelSpacing = first.pixelSpacing else {
      throw .unsupported(
        path: first.instance.path,
        code: "no-pixel-spacing",
        what: "a slice without Pixel Spacing",
        remedy: "give the series as the scanner exported it"
      )
    }
    let direction = plane.direction
    let depths = slices.compactMap { $0.depth(along: direction.columns[2]) }
    try checkDistinct(depths, path: path)
    let origins = slices.compactMap { $0.plane?.position }
    if let irregularity = DICOMIrregularity(
      origins: origins,
      direction: direction,
      pixel: pixelSpacing.min()
    ) {
      do {
        let regridding = try SliceRegridding(
          sliceOrigins: origins,
          direction: direction,
          planeSize: first.size,
          planeSpacing: pixelSpacing
        )
        return .crooked(regridding, irregularity)
      } catch {
        throw irregularity.blocker(path: path, remedy: "complete the series")
      }
    }
    var sliceSpacing = first.sliceSpacing
    if let last = depths.last, slices.count > 1 {
      sliceSpacing = (last - depths[0]) / Double(slices.count - 1)
    }
    return .straight(
      try makeGrid(
        path: path,
        size: SIMD3(first.size.x, first.size.y, slices.count),
        spacing: SIMD3(pixelSpacing.x, pixelSpacing.y, sliceSpacing ?? 1),
        origin: plane.position,
        direction: direction,
        isPlanar: sliceSpacing == nil
      )
    )
  }

  /// The grid of one image that has no place in the patient.
  private static func planarGrid(
    of slices: [DICOMFrame],
    path: String
  ) throws(DICOMBlocker) -> ImageGeometry {
    guard slices.count == 1 else {
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
      size: SIMD3(slices[0].size.x, slices[0].size.y, 1),
      spacing: SIMD3(spacing.x, spacing.y, 1),
      origin: .zero,
      direction: .identity,
      isPlanar: true
    )
  }

  static func makeGrid(
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
    let doubled = depths.indices.dropLast()
      .filter { depths[$0 + 1] - depths[$0] < samePlaceMM }.map { depths[$0] }
    guard !doubled.isEmpty else { return }
    let places = DICOMIrregularity.list(doubled.map(DICOMIrregularity.words))
    throw .unsupported(
      path: path,
      code: "duplicate-position",
      what: "different slices at the same position, \(places) mm along the normal",
      remedy: "separate the slices into series, or remove the copies"
    )
  }
}

/// How slices miss a straight, evenly spaced grid.
struct DICOMIrregularity: Equatable, Sendable {
  /// A stable word: "gantry-tilt", "slices-not-in-line" or "uneven-slices".
  let code: String
  /// What is wrong, without the file's name.
  let words: String
  /// The angle between the stacking and the normal, degrees; 0 for slices in line.
  let tiltDegrees: Double

  /// Slice gaps may differ from their median by 1 % (a header's rounding stays below that, a
  /// missing slice is far above).
  static let gapTolerance = 0.01
  /// Slices may lie off the first slice's normal by a tenth of a pixel, plus 1 mm in a metre.
  static let lateralTolerancePixels = 0.1
  static let lateralToleranceSlope = 1e-3

  /// What is irregular about sorted slices at distinct places, or nil.
  init?(origins: [SIMD3<Double>], direction: Matrix3, pixel: Double) {
    guard origins.count > 1, let first = origins.first else { return nil }
    let local = origins.map { direction.transposed * ($0 - first) }
    var parts: [String] = []
    var code: String?
    var degrees = 0.0

    let end = local[local.count - 1]
    let isOff = local.contains {
      Self.beside($0) > Self.lateralTolerancePixels * pixel + Self.lateralToleranceSlope * $0.z
    }
    if isOff {
      // What remains beside the line through first and last slice.
      let worst = local.map { Self.beside($0 - end * ($0.z / end.z)) }.max() ?? 0
      let allowed = Self.lateralTolerancePixels * pixel + Self.lateralToleranceSlope * end.z
      degrees = atan2(Self.beside(end), end.z) * 180 / .pi
      if worst > allowed {
        code = "slices-not-in-line"
        let most = local.map(Self.beside).max() ?? 0
        parts.append(
          "slices that are shifted against each other by up to \(Self.words(most)) mm in plane"
        )
      } else {
        code = "gantry-tilt"
        parts.append(
          "slices stacked at a tilt of \((degrees * 100).rounded() / 100) degrees to their normal"
        )
      }
    }
    let gaps = zip(local.dropFirst(), local).map { $0.z - $1.z }
    // The lower median, so that of two gaps the smaller is the spacing.
    let expected = gaps.sorted()[(gaps.count - 1) / 2]
    let depth = dot(first, direction.columns[2])
    let uneven = gaps.indices.filter { abs(gaps[$0] - expected) > Self.gapTolerance * expected }
    if !uneven.isEmpty {
      code = code ?? "uneven-slices"
      let places = uneven.map { index in
        "\(Self.words(gaps[index])) mm after slice \(index + 1) of \(origins.count) (from "
          + "\(Self.words(depth + local[index].z)) to \(Self.words(depth + local[index + 1].z)) mm)"
      }
      parts.append(
        (isOff ? "" : "slices ") + "spaced unevenly along their normal: \(Self.words(expected)) mm "
          + "but \(Self.list(places))"
      )
    }
    guard let code else { return nil }
    self.code = code
    words = parts.joined(separator: " and ")
    tiltDegrees = degrees
  }

  /// The refusal of such slices.
  func blocker(
    path: String,
    remedy: String = "complete the series, or resample the slices to a straight grid with --regrid"
  ) -> DICOMBlocker {
    .unsupported(path: path, code: code, what: words, remedy: remedy)
  }

  private static func beside(_ local: SIMD3<Double>) -> Double {
    (local.x * local.x + local.y * local.y).squareRoot()
  }

  /// Up to 40 entries of a list; the number of the others.
  static func list(_ entries: [String]) -> String {
    let shown = entries.prefix(40).joined(separator: ", ")
    return entries.count > 40 ? shown + " and \(entries.count - 40) more" : shown
  }

  static func words(_ millimetres: Double) -> String {
    "\((millimetres * 1000).rounded() / 1000 + 0)"
  }
}
