import Foundation
import Imaging
import Support

/// FreeSurfer's conformed volume: 256 voxels of 1 mm along each axis, 0 to 255.
///
/// Fischl 2012, "FreeSurfer"; the histogram's rule is that of `mri_convert` as FastSurfer (Henschel et
/// al. 2020) restates it, and its upper 2 % are cut off as Brainchop's preprocessing does. The grid's
/// axes are left, inferior, anterior; the middles of both grids' index ranges (size / 2) coincide.
package struct ConformedVolume {
  package static let size = 256
  private static let bins = 1000
  private static let upperShare = 0.98

  /// The grid for a scan.
  package static func geometry(for scan: ImageGeometry) throws(ImagingError) -> ImageGeometry {
    let middle = scan.position(ofIndex: SIMD3<Double>(scan.size) / 2)
    let direction = try Orientation(code: "LIA").direction
    let half = Double(size) / 2
    return try ImageGeometry(
      size: [size, size, size],
      spacing: [1, 1, 1],
      origin: middle - direction * SIMD3(half, half, half),
      direction: direction
    )
  }

  /// A scan on that grid, whole numbers of 0 to 255.
  package static func volume(_ scan: Volume<Float>) throws(ImagingError) -> Volume<Float> {
    let target = try geometry(for: scan.geometry)
    let source = scaled(scan.voxels)
    let grid = scan.geometry
    let plane = grid.size.x * grid.size.y
    let map = ConformMap(from: target, to: grid)
    let voxels = [Float](unsafeUninitializedCapacity: target.voxelCount) { output, count in
      let output = SharedPointer(output.baseAddress.unsafelyUnwrapped)
      source.withUnsafeBufferPointer { source in
        let source = SharedPointer(
          UnsafeMutablePointer(mutating: source.baseAddress.unsafelyUnwrapped)
        )
        Parallelism.forEach(size) { z in
          for y in 0..<size {
            for x in 0..<size {
              let place = map.index(x, y, z)
              let floor = SIMD3<Int>(place.rounded(.down))
              let value: Float
              if floor.x < 0 || floor.y < 0 || floor.z < 0 || floor.x + 1 >= grid.size.x
                || floor.y + 1 >= grid.size.y || floor.z + 1 >= grid.size.z
              {
                value = 0
              } else {
                let share = place - SIMD3<Double>(floor)
                let start = source.pointer + floor.x + grid.size.x * floor.y + plane * floor.z
                func row(_ offset: Int) -> Double {
                  Double(start[offset]) * (1 - share.x) + Double(start[offset + 1]) * share.x
                }
                let near = row(0) * (1 - share.y) + row(grid.size.x) * share.y
                let far = row(plane) * (1 - share.y) + row(plane + grid.size.x) * share.y
                value = Float(near * (1 - share.z) + far * share.z)
              }
              output.pointer[x + size * (y + size * z)] = value.rounded(.toNearestOrEven)
            }
          }
        }
      }
      count = target.voxelCount
    }
    return Volume(geometry: target, voxels: voxels)
  }

  /// Values from 0 to 255: the smallest becomes 0, and 2 % of those that are not 0 become 255.
  package static func scaled(_ values: [Float]) -> [Float] {
    let finite = values.map { $0.isFinite ? $0 : 0 }
    guard let low = finite.min(), let high = finite.max(), low < high else {
      return [Float](repeating: 0, count: values.count)
    }
    let width = (high - low) / Float(bins)
    var histogram = [Int](repeating: 0, count: bins)
    var nonzero = 0
    for value in finite {
      histogram[min(Int((value - low) / width), bins - 1)] += 1
      if abs(value) >= 1e-15 { nonzero += 1 }
    }
    let needed = finite.count - Int((1 - upperShare) * Double(nonzero))
    var (bin, below) = (0, histogram[0])
    while bin < bins - 1, below + histogram[bin + 1] < needed {
      bin += 1
      below += histogram[bin]
    }
    let top = Float(bin) * width + low
    let scale = top > low ? 255 / (top - low) : 1
    return finite.map { min(max(scale * ($0 - low), 0), 255) }
  }
}

/// Indices of one grid for those of another, which may be oblique to it.
private struct ConformMap {
  private let origin: SIMD3<Double>
  private let steps: [SIMD3<Double>]

  init(from target: ImageGeometry, to source: ImageGeometry) {
    let first = source.index(ofPosition: target.origin)
    origin = first
    steps = (0..<3).map { axis in
      var index = SIMD3<Double>(repeating: 0)
      index[axis] = 1
      return source.index(ofPosition: target.position(ofIndex: index)) - first
    }
  }

  @inline(__always)
  func index(_ x: Int, _ y: Int, _ z: Int) -> SIMD3<Double> {
    // Headers hold single-precision numbers: what is a whole number but for them stays one.
    let exact = origin + steps[0] * Double(x) + steps[1] * Double(y) + steps[2] * Double(z)
    let whole = exact.rounded(.toNearestOrEven)
    let gap = exact - whole
    return SIMD3(
      abs(gap.x) < 1e-4 ? whole.x : exact.x,
      abs(gap.y) < 1e-4 ? whole.y : exact.y,
      abs(gap.z) < 1e-4 ? whole.z : exact.z
    )
  }
}
