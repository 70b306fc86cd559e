import Imaging
import ImagingIO
import Support

/// The way from a scan's grid to the one that TotalSegmentator's models see, and back.
///
/// A box of the scan is turned to right, anterior, superior, and resampled with the centres of the
/// outer voxels in place. Spacings are taken in single precision, as NIfTI holds them; sizes and
/// margins depend on it.
struct TotalSegmentatorGrid: Sendable {
  /// The scan's grid.
  let scan: ImageGeometry
  /// The part of it that is seen.
  let box: VoxelBox
  /// The models' grid.
  let geometry: ImageGeometry
  /// That part, turned.
  private let turned: ImageGeometry
  private let isCropped: Bool
  private let isResampled: Bool

  /// Plans the way.
  /// - Parameters:
  ///   - scan: The scan's grid.
  ///   - box: The part that is seen, or nil for all.
  ///   - spacing: The models' spacing to the right, to the front and upwards, mm; nil for the scan's.
  /// - Throws: `ImagingError.invalidGeometry` when an axis would have no voxel, or too many.
  init(_ scan: ImageGeometry, box: VoxelBox? = nil, spacing: [Double]?) throws {
    self.scan = scan
    self.box = box ?? scan.box
    isCropped = box != nil
    let turned = scan.covering(self.box).reoriented(to: .ras)
    self.turned = turned
    let own = (0..<3).map { Double(Float(turned.spacing[$0])) }
    guard let spacing, own != spacing else {
      geometry = turned
      isResampled = false
      return
    }
    var size = SIMD3<Int>()
    var newSpacing = SIMD3<Double>()
    for axis in 0..<3 {
      let zoom = own[axis] / spacing[axis]
      let samples = (Double(turned.size[axis]) * zoom).rounded(.toNearestOrEven)
      guard samples >= 1, samples < Double(ImageGeometry.maximumVoxelCount) else {
        throw ImagingError.invalidGeometry(
          reason: "at the model's spacing it would have \(samples) voxels along an axis"
        )
      }
      size[axis] = Int(samples)
      newSpacing[axis] = turned.spacing[axis] / zoom
    }
    geometry = try ImageGeometry(
      size: size,
      spacing: newSpacing,
      origin: turned.origin,
      direction: turned.direction
    )
    isResampled = true
  }

  /// Finds the box around what is marked, with a margin; nil when nothing is.
  /// - Parameters:
  ///   - mask: One value for each voxel of the scan.
  ///   - marginMM: What is added on every side, mm, without fractions of a voxel.
  ///   - scan: The scan's grid.
  /// - Returns: The box, cut to the grid.
  static func box(around mask: [Bool], marginMM: Double, in scan: ImageGeometry) -> VoxelBox? {
    guard
      let box = Volume(geometry: scan, voxels: mask).boundingBox(where: { $0 })
    else { return nil }
    var margin = SIMD3<Int>()
    for axis in 0..<3 {
      let voxels = marginMM / Double(Float(scan.spacing[axis]))
      margin[axis] = Int(min(voxels, Double(scan.size[axis])))
    }
    return box.expanded(by: margin).intersection(scan.box)
  }

  // MARK: - Values

  /// What the models see: integers without their fractions wherever something was cropped or resampled.
  func prepared(_ volume: AnyVolume) -> AnyVolume {
    if !isCropped && !isResampled { return volume.reoriented(to: .ras) }
    let size = turned.size
    let values = volume.reoriented(to: .ras)
      .accept(
        IntegerReader(
          box: boxInTurned,
          size: scan.reoriented(to: .ras).size,
          truncates: isCropped,
          zoom: isResampled
            ? ZoomResampling(
              from: size,
              to: geometry.size,
              order: .linear,
              alignment: .centers
            ) : nil
        )
      )
    return .int32(Volume(geometry: geometry, voxels: values))
  }

  /// The box in the indices of the scan that was turned as a whole.
  private var boxInTurned: VoxelBox {
    let whole = scan.reoriented(to: .ras)
    let first = whole.index(ofPosition: turned.origin)
    let lower = SIMD3(
      Int(first.x.rounded()),
      Int(first.y.rounded()),
      Int(first.z.rounded())
    )
    return VoxelBox(lower: lower, upper: lower &+ turned.size)
  }

  // MARK: - Labels

  /// Brings labels back onto the scan's grid; what was not seen is background.
  func restored(_ labels: [UInt16]) -> [UInt16] {
    var back = labels
    if isResampled {
      back = ZoomResampling(
        from: geometry.size,
        to: turned.size,
        order: .nearest,
        alignment: .centers
      ).resample(labels: back)
    }
    let part = LabelMap(geometry: turned, labels: back, table: [])
      .reoriented(to: scan.orientation)
    guard isCropped else { return part.labels }
    return part.padded(
      to: VoxelBox(lower: SIMD3(0, 0, 0) &- box.lower, upper: scan.size &- box.lower)
    ).labels
  }
}

/// Reads a box of values as integers, resampled if asked for.
private struct IntegerReader: ValueVisitor {
  let box: VoxelBox
  let size: SIMD3<Int>
  /// Whether fractions are dropped before values are resampled too.
  let truncates: Bool
  let zoom: ZoomResampling?

  func visit<Scalar: SingleConvertible>(_ values: UnsafeBufferPointer<Scalar>) -> [Int32] {
    let (box, size, truncates) = (box, size, truncates)
    // Only read.
    nonisolated(unsafe) let values = values
    let read: @Sendable (Int, UnsafeMutableBufferPointer<Double>) -> Void = { z, slice in
      var place = 0
      for y in box.lower.y..<box.upper.y {
        let row = box.lower.x + size.x * (y + size.y * (z + box.lower.z))
        for x in 0..<box.size.x {
          let value = values[row + x].double
          slice[place + x] = truncates ? Double(Int32(truncatingValue: value)) : value
        }
        place += box.size.x
      }
    }
    if let zoom { return zoom.truncated(slice: read) }
    let count = box.size.x * box.size.y
    let slice = AlignedBuffer<Double>(uninitializedCount: count)
    return (0..<box.size.z).flatMap { z in
      read(z, slice.mutableElements)
      return slice.elements.map { Int32(truncatingValue: $0) }
    }
  }
}
