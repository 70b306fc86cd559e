/// A box of voxels, its corners included.
struct GridCrop {
  private(set) var low: SIMD3<Int>
  private(set) var high: SIMD3<Int>

  /// A side of a box beyond which the image goes on.
  struct Side {
    let axis: Int
    let isLow: Bool

    /// Whether a mask reaches the outermost layers, where what lies beyond could change it in a step.
    func isNear(_ mask: [UInt8], _ image: ClassicalImage, reach: Int) -> Bool {
      mask.indices.contains { place in
        guard mask[place] == 1 else { return false }
        let index = image.position(place)[axis]
        return isLow ? index < reach : index >= image.size[axis] - reach
      }
    }
  }

  /// A box between two corners.
  init(low: SIMD3<Int>, high: SIMD3<Int>) { (self.low, self.high) = (low, high) }

  /// Its voxels along each axis.
  var size: SIMD3<Int> { high &- low &+ 1 }

  /// Makes the box large enough for a voxel.
  mutating func include(_ at: SIMD3<Int>) {
    low = pointwiseMin(low, at)
    high = pointwiseMax(high, at)
  }

  /// The box with a margin on each side, as far as the image goes.
  func grown(by margin: Int, within size: SIMD3<Int>) -> GridCrop {
    GridCrop(low: pointwiseMax(low &- margin, .zero), high: pointwiseMin(high &+ margin, size &- 1))
  }

  /// The sides beyond which the image goes on.
  func openSides(within size: SIMD3<Int>) -> [Side] {
    (0..<3).flatMap { axis in
      (low[axis] > 0 ? [Side(axis: axis, isLow: true)] : [])
        + (high[axis] < size[axis] - 1 ? [Side(axis: axis, isLow: false)] : [])
    }
  }

  /// Calls a body with each of its rows and where the row begins in the image.
  func forEachRow(_ imageSize: SIMD3<Int>, _ body: (_ row: Int, _ start: Int) -> Void) {
    for z in low.z...high.z {
      for y in low.y...high.y {
        body(
          (z - low.z) * size.y + y - low.y,
          low.x + imageSize.x * (y + imageSize.y * z)
        )
      }
    }
  }

  /// Its part of an image's values.
  func values<Value>(of values: [Value], _ imageSize: SIMD3<Int>) -> [Value] {
    var part: [Value] = []
    part.reserveCapacity(size.x * size.y * size.z)
    forEachRow(imageSize) { _, start in part += values[start..<start + size.x] }
    return part
  }
}
