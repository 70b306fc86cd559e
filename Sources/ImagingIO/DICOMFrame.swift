import Imaging

/// Where one image of a file lies in the patient (PS3.3 C.7.6.2).
struct DICOMPlane: Equatable, Sendable {
  /// The direction in which the column index grows.
  var row: SIMD3<Double>
  /// The direction in which the row index grows.
  var column: SIMD3<Double>
  /// Centre of the first pixel, LPS mm.
  var position: SIMD3<Double>

  /// How far the two directions may be from unit length and right angles; headers round.
  static let tolerance = 5e-3
  /// Positions further away than ten kilometres are not believed, mm.
  static let farthest = 1e7

  /// The plane of the header's numbers, or nil when they do not span one.
  init?(orientation: [Double]?, position: [Double]?) {
    guard let orientation, let position, orientation.count == 6, position.count == 3,
      position.allSatisfy({ abs($0) < Self.farthest })
    else { return nil }
    let row = SIMD3(orientation[0], orientation[1], orientation[2])
    let column = SIMD3(orientation[3], orientation[4], orientation[5])
    guard abs(dot(row, row) - 1) < Self.tolerance, abs(dot(column, column) - 1) < Self.tolerance,
      abs(dot(row, column)) < Self.tolerance
    else { return nil }
    self.row = row
    self.column = column
    self.position = SIMD3(position[0], position[1], position[2])
  }

  /// Rotation nearest to the header's rounded directions: x along the row, z along the normal.
  var direction: Matrix3 {
    let normal = unit(cross(row, column))
    // Both directions turn by half of what they miss of a right angle.
    let along = unit(unit(row) + unit(cross(column, normal)))
    return Matrix3(along, cross(normal, along), normal)
  }

  private func unit(_ vector: SIMD3<Double>) -> SIMD3<Double> {
    vector / dot(vector, vector).squareRoot()
  }
}

/// One image of one plane: a file of one frame, a frame of several, or a tile of a mosaic.
struct DICOMFrame: Sendable {
  /// The file.
  let instance: DICOMInstance
  /// The frame in the file, from 0.
  var index = 0
  /// Where a tile begins in its picture, column and row; nil when the frame is the whole picture.
  var tile: SIMD2<Int>?
  /// Columns and rows.
  var size: SIMD2<Int>
  /// The place in the patient, or nil.
  var plane: DICOMPlane?
  /// Distance of pixel centres along the column index and the row index, mm.
  var pixelSpacing: SIMD2<Double>?
  /// Distance between slices as the header has it, for single slices only.
  var sliceSpacing: Double?
  var slope = 1.0
  var intercept = 0.0
  var hasRescale = false
  /// What must not be mixed with other images.
  var kind = DICOMImageKind.plain
  /// Values that may tell images of one place apart.
  var facts: [DICOMDiscriminator: DICOMFact] = [:]
  /// Why the frame cannot be part of a volume, or nil.
  var blocker: DICOMBlocker?

  /// A frame of which nothing is known yet but its file.
  init(_ instance: DICOMInstance) {
    self.instance = instance
    size = SIMD2(instance.pixels?.columns ?? 0, instance.pixels?.rows ?? 0)
  }

  /// Frame number from 1 in a file of several, or nil.
  var number: Int? { (instance.pixels?.frames ?? 1) > 1 ? index + 1 : nil }

  /// Distance along the plane's normal, mm.
  func depth(along normal: SIMD3<Double>) -> Double? { plane.map { dot($0.position, normal) } }

  /// Frames of the file in order, by path.
  static func precedes(_ a: DICOMFrame, _ b: DICOMFrame) -> Bool {
    (a.instance.path, a.index, a.tile?.y ?? 0, a.tile?.x ?? 0)
      < (b.instance.path, b.index, b.tile?.y ?? 0, b.tile?.x ?? 0)
  }

  /// Takes pixel spacing as headers have it, the distance of rows first.
  mutating func setPixelSpacing(_ spacing: [Double]?) {
    guard let spacing, spacing.count == 2, spacing[0] > 0, spacing[1] > 0 else { return }
    pixelSpacing = SIMD2(spacing[1], spacing[0])
  }

  /// Takes slope and intercept.
  mutating func setRescale(slope: Double?, intercept: Double?) {
    guard slope != nil || intercept != nil else { return }
    self.slope = slope ?? 1
    self.intercept = intercept ?? 0
    hasRescale = true
  }
}
