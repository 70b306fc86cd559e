import Imaging

/// The grid of the viewer: a scan's grid with its axes in the order left, posterior, head, made
/// coarser by whole numbers so that it has no more voxels than a page should hold.
///
/// An oblique grid keeps its own axes, each named by the nearest axis of the patient.
struct ViewerGrid {
  /// Voxels along the patient's left, posterior and head.
  let size: SIMD3<Int>
  /// How many voxels of the scan one voxel spans on each axis.
  let factors: SIMD3<Int>
  /// Distance of voxel centres, mm.
  let spacing: SIMD3<Double>
  /// Which axis of the scan each axis is.
  let gridAxes: [Int]
  /// Whether the scan's indices fall along an axis.
  let isReversed: [Bool]
  private let geometry: ImageGeometry
  private let strides: [Int]

  /// Creates the grid.
  /// - Parameters:
  ///   - geometry: The scan's grid.
  ///   - maximumVoxels: No more voxels than this, at least 1.
  init(_ geometry: ImageGeometry, maximumVoxels: Int) {
    var axes = [0, 1, 2]
    var reversed = [false, false, false]
    for (axis, code) in geometry.orientation.axes.enumerated() {
      axes[code.patientAxis] = axis
      reversed[code.patientAxis] = !code.isPositive
    }
    let full = SIMD3(geometry.size[axes[0]], geometry.size[axes[1]], geometry.size[axes[2]])
    let fine = SIMD3(
      geometry.spacing[axes[0]],
      geometry.spacing[axes[1]],
      geometry.spacing[axes[2]]
    )
    var factors = SIMD3(1, 1, 1)
    func size(_ factors: SIMD3<Int>) -> SIMD3<Int> { (full &+ factors &- 1) / factors }
    func count(_ factors: SIMD3<Int>) -> Int {
      let size = size(factors)
      return size.x * size.y * size.z
    }
    // The finest axis gets coarser first, so that voxels become cubes.
    while count(factors) > max(1, maximumVoxels) {
      let steps = fine * SIMD3<Double>(factors)
      let axis = (0..<3).filter { size(factors)[$0] > 1 }.min { steps[$0] < steps[$1] } ?? 0
      factors[axis] += 1
    }
    self.geometry = geometry
    self.factors = factors
    self.size = size(factors)
    spacing = fine * SIMD3<Double>(factors)
    gridAxes = axes
    isReversed = reversed
    let memory = [1, geometry.size.x, geometry.size.x * geometry.size.y]
    strides = axes.map { memory[$0] }
  }

  /// Whether every voxel of the scan is one of the grid's.
  var isFull: Bool { factors == SIMD3(1, 1, 1) }

  /// The number of voxels.
  var count: Int { size.x * size.y * size.z }

  /// Index of the scan's voxels along an axis: `start + step * index`.
  func scanIndex(axis: Int) -> (start: Double, step: Double) {
    let middle = Double(factors[axis] - 1) / 2
    let last = Double(geometry.size[gridAxes[axis]] - 1)
    let factor = Double(factors[axis])
    return isReversed[axis] ? (last - middle, -factor) : (middle, factor)
  }

  /// The index in the viewer of a scan's continuous index.
  func index(ofScanIndex scan: SIMD3<Double>) -> SIMD3<Double> {
    var result = SIMD3<Double>.zero
    for axis in 0..<3 {
      let (start, step) = scanIndex(axis: axis)
      result[axis] = (scan[gridAxes[axis]] - start) / step
    }
    return result
  }

  /// The position of a continuous index, LPS mm.
  func position(_ index: SIMD3<Double>) -> SIMD3<Double> {
    var scan = SIMD3<Double>.zero
    for axis in 0..<3 {
      let (start, step) = scanIndex(axis: axis)
      scan[gridAxes[axis]] = start + step * index[axis]
    }
    return geometry.position(ofIndex: scan)
  }

  /// The offsets in the scan's memory of the voxels of each voxel of the grid, in the grid's order.
  func forEachBlock(_ body: (_ voxel: Int, _ offsets: [Int]) -> Void) {
    var offsets: [Int] = []
    var voxel = 0
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          offsets.removeAll(keepingCapacity: true)
          for c in scanRange(2, z) {
            for b in scanRange(1, y) {
              for a in scanRange(0, x) {
                offsets.append(a * strides[0] + b * strides[1] + c * strides[2])
              }
            }
          }
          body(voxel, offsets)
          voxel += 1
        }
      }
    }
  }

  /// The scan's indices behind an index of the grid; the last voxel of an axis may have fewer.
  private func scanRange(_ axis: Int, _ index: Int) -> Range<Int> {
    let count = geometry.size[gridAxes[axis]]
    let low = index * factors[axis]
    let high = min(count, low + factors[axis])
    return isReversed[axis] ? (count - high)..<(count - low) : low..<high
  }
}
