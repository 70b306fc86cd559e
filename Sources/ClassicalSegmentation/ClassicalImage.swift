/// An image as classical methods see it: finite values that are not all the same, x fastest.
package struct ClassicalImage: Sendable {
  /// The values.
  package let values: [Float]
  /// Voxels along x, y and z; any of them may be 1.
  package let size: SIMD3<Int>
  /// Distance of voxels, mm; 1 for pictures.
  package let spacing: SIMD3<Double>
  /// The values' standard deviation; above 0.
  package let deviation: Double

  /// Values beyond this, whose squares single precision could not add up, are refused.
  package static let largestValue: Float = 1e12

  /// Checks values.
  /// - Parameters:
  ///   - values: The values, x fastest.
  ///   - size: Voxels along x, y and z.
  ///   - spacing: Distance of voxels, mm.
  /// - Throws: `ClassicalSegmentationError` for values that are not finite, too large or all the same,
  ///   and for 2^31 voxels or more.
  /// - Precondition: As many values as the size says, and a positive spacing.
  package init(
    values: [Float],
    size: SIMD3<Int>,
    spacing: SIMD3<Double> = .one
  ) throws(ClassicalSegmentationError) {
    precondition(values.count == size.x * size.y * size.z, "\(values.count) values for \(size)")
    precondition(spacing.min() > 0, "a spacing of \(spacing) mm")
    let limit = Int(Int32.max)
    guard values.count <= limit else { throw .tooManyVoxels(count: values.count, limit: limit) }
    var (low, high, undefined) = (Float.infinity, -Float.infinity, 0)
    for value in values {
      if !value.isFinite { undefined += 1 }
      low = min(low, value)
      high = max(high, value)
    }
    guard undefined == 0 else { throw .undefinedValues(count: undefined) }
    guard low < high else { throw .constantImage(value: values.first ?? 0) }
    guard max(-low, high) <= Self.largestValue else {
      throw .valuesTooLarge(limit: 1e12)
    }
    let count = Double(values.count)
    let mean = values.reduce(0.0) { $0 + Double($1) } / count
    let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    (self.values, self.size, self.spacing) = (values, size, spacing)
    // Differences too small for a deviation in double precision still have their range.
    deviation = max((squares / count).squareRoot(), Double(high - low) * 1e-6, 1e-30)
  }

  /// A part of an image, whose values may all be the same.
  private init(part values: [Float], size: SIMD3<Int>, of image: ClassicalImage) {
    (self.values, self.size) = (values, size)
    (spacing, deviation) = (image.spacing, image.deviation)
  }

  /// The image within a box.
  func cropped(to crop: GridCrop) -> ClassicalImage {
    ClassicalImage(part: crop.values(of: values, size), size: crop.size, of: self)
  }

  /// The number of voxels.
  var count: Int { values.count }
  /// The axes along which there is more than one voxel.
  var axes: [Int] { (0..<3).filter { size[$0] > 1 } }
  /// The distance in memory of neighbours along each axis.
  var strides: SIMD3<Int> { [1, size.x, size.x * size.y] }
  /// The smallest distance of voxels along the used axes, mm.
  var finestSpacing: Double { axes.map { spacing[$0] }.min() ?? 1 }

  /// Where a voxel lies.
  @inline(__always)
  func position(_ place: Int) -> SIMD3<Int> {
    [place % size.x, place / size.x % size.y, place / (size.x * size.y)]
  }

  /// Calls a body with each voxel that shares a face with a voxel, in the order of memory.
  @inline(__always)
  func forEachNeighbour(of place: Int, _ body: (Int) -> Void) {
    let at = position(place)
    let plane = size.x * size.y
    if at.z > 0 { body(place - plane) }
    if at.y > 0 { body(place - size.x) }
    if at.x > 0 { body(place - 1) }
    if at.x < size.x - 1 { body(place + 1) }
    if at.y < size.y - 1 { body(place + size.x) }
    if at.z < size.z - 1 { body(place + plane) }
  }
}
