import Foundation
import Imaging

/// The grid on which the frames of a segmentation lie, and the slice of each frame.
struct DICOMSegmentationPlacement {
  var geometry: ImageGeometry
  var shift: SliceShift?
  var sliceOfFrame: [Int]
  var problems: [InputProblem] = []

  /// Positions nearer than this are one slice, mm.
  private static let samePlaceMM = 1e-3
  /// A slice may lie off its even place by this part of the spacing (and `samePlaceMM`).
  private static let gapTolerance = 0.02
  /// A slice may lie off the line of the others by this part of a pixel.
  private static let lateralTolerance = 0.1
  /// No more slices without frames than this are filled in.
  private static let maximumMissing = 8192
  /// Frames may lie off the slices of the source by this part of the smallest spacing.
  private static let sourceTolerance = 0.05

  /// Places the frames.
  ///
  /// On the slices of the source where all frames lie on them. Otherwise on even slices from the
  /// first frame to the last, along the right-handed normal (in files by Lamina: in the recorded
  /// order); their distance is Spacing Between Slices where all positions fit it, else the smallest
  /// gap, else the slice thickness.
  /// - Throws: `ImagingIOError.unsupported` when the frames are not parallel, not in one line, or
  ///   not evenly spaced (with the positions).
  init(_ file: DICOMSegmentationFile, source: DICOMSource?) throws {
    guard file.frames.contains(where: { $0.plane != nil }) else {
      self = try Self.planar(file)
      return
    }
    let planes = file.frames.compactMap(\.plane)
    guard planes.count == file.frames.count, let first = planes.first else {
      throw ImagingIOError.damaged(path: file.path, reason: "some of its frames have no position")
    }
    for plane in planes {
      let turn = max(length(plane.row - first.row), length(plane.column - first.column))
      guard turn < 1e-3 else {
        throw ImagingIOError.mixedGeometry(path: file.path, what: "orientation")
      }
    }
    guard let pixelSpacing = file.pixelSpacing else {
      throw ImagingIOError.damaged(path: file.path, reason: "it states no pixel spacing")
    }
    if let source {
      if let placed = Self.onSource(file, planes: planes, source: source) {
        self = placed
        return
      }
      self = try Self.onSpan(file, planes: planes, pixelSpacing: pixelSpacing)
      problems.append(
        InputProblem(
          code: "not-on-source-slices",
          message: "The frames do not lie on the slices of the source.",
          remedy: "Resample the labels to the source, or check that the series is the right one."
        )
      )
    } else {
      self = try Self.onSpan(file, planes: planes, pixelSpacing: pixelSpacing)
    }
  }

  private init(geometry: ImageGeometry, shift: SliceShift?, sliceOfFrame: [Int]) {
    self.geometry = geometry
    self.shift = shift
    self.sliceOfFrame = sliceOfFrame
  }

  /// Frames without a place in the patient: one picture.
  private static func planar(_ file: DICOMSegmentationFile) throws -> Self {
    let segments = file.frames.map(\.segment)
    guard Set(segments).count == segments.count else {
      throw ImagingIOError.unsupported(
        path: file.path,
        what: "\(segments.count) frames without positions",
        remedy: "give a segmentation of one picture or of slices with positions"
      )
    }
    let spacing = file.pixelSpacing ?? SIMD2(1, 1)
    var placed = Self(
      geometry: try geometry(
        file,
        origin: .zero,
        spacing: SIMD3(spacing.x, spacing.y, 1),
        direction: .identity,
        slices: 1,
        isPlanar: true
      ),
      shift: nil,
      sliceOfFrame: segments.map { _ in 0 }
    )
    placed.problems.append(
      InputProblem(
        code: "no-patient-geometry",
        message: "The segmentation has no place in the patient; axes are those of the picture.",
        remedy: "Use it for 2-D work only."
      )
    )
    return placed
  }

  private static func geometry(
    _ file: DICOMSegmentationFile,
    origin: SIMD3<Double>,
    spacing: SIMD3<Double>,
    direction: Matrix3,
    slices: Int,
    isPlanar: Bool = false
  ) throws(ImagingIOError) -> ImageGeometry {
    do {
      return try ImageGeometry(
        size: SIMD3(file.size.x, file.size.y, slices),
        spacing: spacing,
        origin: origin,
        direction: direction,
        isPlanar: isPlanar
      )
    } catch {
      throw .damaged(path: file.path, reason: "\(error)")
    }
  }

  // MARK: - On the source

  /// The frames on the slices of the source, or nil when one lies on none or the slices are uneven.
  private static func onSource(
    _ file: DICOMSegmentationFile,
    planes: [DICOMPlane],
    source: DICOMSource
  ) -> Self? {
    guard let first = source.slices.first,
      source.slices.allSatisfy({ $0.size == file.size })
    else { return nil }
    let limit =
      sourceTolerance * min(first.pixelSpacing.min(), source.sliceSpacing) + samePlaceMM
    let normal = first.plane.direction.columns[2]
    let depths = source.slices.map { dot($0.plane.position, normal) }
    let order = depths.indices.sorted { depths[$0] < depths[$1] }
    var slices: [Int] = []
    for plane in planes {
      let turn = max(
        length(plane.row - first.plane.row),
        length(plane.column - first.plane.column)
      )
      guard turn < 1e-3 else { return nil }
      let depth = dot(plane.position, normal)
      let place = lowerBound(order.count) { depths[order[$0]] < depth - limit }
      guard place < order.count,
        length(source.slices[order[place]].plane.position - plane.position) <= limit
      else { return nil }
      slices.append(order[place])
    }
    let isReversed = source.slices.count > 1 && depths[0] > depths[depths.count - 1]
    guard
      let line = try? Line(
        positions: source.slices.map(\.plane.position),
        direction: first.plane.direction,
        isReversed: isReversed,
        spacings: [source.sliceSpacing],
        pixel: first.pixelSpacing.min(),
        path: file.path
      ),
      line.count == source.slices.count,
      let geometry = try? geometry(
        file,
        origin: line.origin,
        spacing: SIMD3(first.pixelSpacing.x, first.pixelSpacing.y, line.spacing),
        direction: line.direction,
        slices: line.count
      )
    else { return nil }
    return Self(geometry: geometry, shift: line.shift, sliceOfFrame: slices)
  }

  private static func lowerBound(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isBefore(middle) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: - On the span of the frames

  private static func onSpan(
    _ file: DICOMSegmentationFile,
    planes: [DICOMPlane],
    pixelSpacing: SIMD2<Double>
  ) throws -> Self {
    let direction = planes[0].direction
    let normal = direction.columns[2]
    let depths = planes.map { dot($0.position, normal) }
    let order = depths.indices.sorted { (depths[$0], $0) < (depths[$1], $1) }
    var isReversed = false
    if file.isOurs, let low = order.first, let high = order.last,
      let lowRank = file.frames[low].rank, let highRank = file.frames[high].rank
    {
      isReversed = lowRank > highRank && depths[high] - depths[low] > samePlaceMM
    }
    let sorted: [Int] = isReversed ? order.reversed() : order
    var positions: [SIMD3<Double>] = []
    var placeOfFrame = [Int](repeating: 0, count: planes.count)
    for frame in sorted {
      let position = planes[frame].position
      if let last = positions.last, abs(dot(position - last, normal)) < samePlaceMM {
        guard length(position - last) < lateralTolerance * pixelSpacing.min() + samePlaceMM else {
          throw ImagingIOError.unsupported(
            path: file.path,
            what: "frames beside each other in one plane",
            remedy: "give a segmentation whose frames are whole slices"
          )
        }
      } else {
        positions.append(position)
      }
      placeOfFrame[frame] = positions.count - 1
    }
    guard positions.count > 1 else {
      let spacing = file.sliceSpacing ?? file.thickness
      let grid = try geometry(
        file,
        origin: positions[0],
        spacing: SIMD3(pixelSpacing.x, pixelSpacing.y, spacing ?? 1),
        direction: direction,
        slices: 1,
        isPlanar: spacing == nil
      )
      return Self(geometry: grid, shift: nil, sliceOfFrame: placeOfFrame)
    }
    let smallest = zip(positions, positions.dropFirst()).map { abs(dot($1 - $0, normal)) }.min()
    let line = try Line(
      positions: positions,
      direction: direction,
      isReversed: isReversed,
      spacings: [file.sliceSpacing, smallest, file.thickness].compactMap { $0 },
      pixel: pixelSpacing.min(),
      path: file.path
    )
    let grid = try geometry(
      file,
      origin: line.origin,
      spacing: SIMD3(pixelSpacing.x, pixelSpacing.y, line.spacing),
      direction: line.direction,
      slices: line.count
    )
    return Self(
      geometry: grid,
      shift: line.shift,
      sliceOfFrame: placeOfFrame.map { line.slices[$0] }
    )
  }

  /// Even places along a line through given positions.
  private struct Line {
    var origin: SIMD3<Double>
    var direction: Matrix3
    var spacing: Double
    var shift: SliceShift?
    /// The slice of each position.
    var slices: [Int]
    /// The number of slices.
    var count: Int

    /// Finds the spacing, of those given in their order, that all positions fit.
    init(
      positions: [SIMD3<Double>],
      direction: Matrix3,
      isReversed: Bool,
      spacings: [Double],
      pixel: Double,
      path: String
    ) throws(ImagingIOError) {
      let right = direction.columns
      let stacking = isReversed ? -right[2] : right[2]
      self.direction = Matrix3(right[0], right[1], stacking)
      origin = positions[0]
      let depths = positions.map { [origin] in dot($0 - origin, stacking) }
      let whole = depths[depths.count - 1]
      var fitting: (spacing: Double, slices: [Int])?
      if depths.count == 1, let spacing = spacings.first { fitting = (spacing, [0]) }
      for candidate in spacings where fitting == nil && whole / candidate < 1e6 {
        let steps = zip(depths, depths.dropFirst()).map { (($1 - $0) / candidate).rounded() }
        let count = steps.reduce(0, +)
        guard steps.allSatisfy({ $0 >= 1 }), count < Double(positions.count + maximumMissing)
        else { continue }
        let spacing = whole / count
        var slices = [0]
        for step in steps { slices.append(slices[slices.count - 1] + Int(step)) }
        let isEven = zip(depths, slices).allSatisfy {
          abs($0 - Double($1) * spacing) <= gapTolerance * spacing + samePlaceMM
        }
        if isEven { fitting = (spacing, slices) }
      }
      guard let fitting else {
        throw .unsupported(
          path: path,
          what: "frames at uneven positions, \(Self.words(depths)) mm along the normal",
          remedy: "give the series that was segmented, or a segmentation of even slices"
        )
      }
      spacing = fitting.spacing
      slices = fitting.slices
      count = fitting.slices[fitting.slices.count - 1] + 1
      try align(positions, depths: depths, pixel: pixel, path: path)
    }

    /// Finds how the slices are shifted against each other, if they are.
    private mutating func align(
      _ positions: [SIMD3<Double>],
      depths: [Double],
      pixel: Double,
      path: String
    ) throws(ImagingIOError) {
      guard count > 1 else { return }
      let steps = Double(count - 1)
      let end = positions[positions.count - 1] - origin
      let beside = SIMD2(dot(end, direction.columns[0]), dot(end, direction.columns[1]))
      let limit = lateralTolerance * pixel + samePlaceMM
      let isShifted = max(abs(beside.x), abs(beside.y)) > limit
      let step = isShifted ? beside / steps : .zero
      for (position, slice) in zip(positions, slices) {
        let off = position - origin
        let here = SIMD2(dot(off, direction.columns[0]), dot(off, direction.columns[1]))
        let gap = here - step * Double(slice)
        guard max(abs(gap.x), abs(gap.y)) <= limit else {
          throw .unsupported(
            path: path,
            what: "frames that are shifted against each other out of line",
            remedy: "give a segmentation of one stack of slices"
          )
        }
      }
      if isShifted { shift = SliceShift(shift: step, sliceSpacing: spacing) }
    }

    /// The first positions, rounded to micrometres.
    private static func words(_ depths: [Double]) -> String {
      let shown = depths.prefix(40).map { "\(($0 * 1000).rounded() / 1000)" }
      return shown.joined(separator: ", ") + (depths.count > 40 ? ", ..." : "")
    }
  }
}

private func length(_ vector: SIMD3<Double>) -> Double { dot(vector, vector).squareRoot() }
