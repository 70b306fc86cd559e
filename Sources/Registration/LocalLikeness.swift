import Foundation
import Imaging
import Support

/// How much an aligned atlas looks like the image around each voxel.
///
/// The weight is the local normalised cross-correlation to a power (Artaechevarria et al., 2009,
/// "Combination strategies in multi-atlas image segmentation: application to brain MR data", section
/// II-C), squared first, so that images of inverted contrast count too.
public struct LocalLikeness: Sendable {
  /// Half the width of the cube in which values are compared, mm.
  public var radiusMM = 4.0
  /// The power of the correlation.
  public var power = 6.0

  /// The weight where nothing is alike: atlases then count equally.
  private static let floor: Float = 1e-6

  /// Creates a measure of 4 mm and the power of 6.
  public init() {}

  /// The weights of an atlas.
  /// - Parameters:
  ///   - atlas: The atlas's image on the image's grid.
  ///   - target: The image.
  /// - Returns: A weight of at most 1 for each voxel, x fastest.
  /// - Precondition: Both have one grid.
  public func weights(of atlas: Volume<Float>, beside target: Volume<Float>) -> [Float] {
    precondition(atlas.geometry.size == target.geometry.size, "images of different grids")
    // Relative to the mean, so that squares of large values do not cancel.
    let a = Self.centred(atlas.voxels)
    let b = Self.centred(target.voxels)
    let meanA = box(a, target.geometry)
    let meanB = box(b, target.geometry)
    let squaresA = box(a.map { $0 * $0 }, target.geometry)
    let squaresB = box(b.map { $0 * $0 }, target.geometry)
    let products = box(zip(a, b).map { $0 * $1 }, target.geometry)
    // What rounding leaves of the variance of a constant is no variation.
    let least = 1e-5 * (squaresA.max() ?? 0) * (squaresB.max() ?? 0) * 1e-5
    return a.indices.map { voxel in
      let varianceA = squaresA[voxel] - meanA[voxel] * meanA[voxel]
      let varianceB = squaresB[voxel] - meanB[voxel] * meanB[voxel]
      let product = varianceA * varianceB
      guard varianceA > 0, varianceB > 0, product > least else { return Self.floor }
      let covariance = products[voxel] - meanA[voxel] * meanB[voxel]
      let square = min(covariance * covariance / product, 1)
      return max(Float(pow(Double(square), power / 2)), Self.floor)
    }
  }

  private static func centred(_ values: [Float]) -> [Float] {
    let mean = Float(values.reduce(0.0) { $0 + Double($1) } / Double(max(values.count, 1)))
    return values.map { ($0.isFinite ? $0 : mean) - mean }
  }

  /// Means over the cube around each voxel, clipped at the image's border, axis by axis.
  private func box(_ values: [Float], _ geometry: ImageGeometry) -> [Float] {
    var values = values
    let size = geometry.size
    let strides = [1, size.x, size.x * size.y]
    for axis in 0..<3 {
      let radius = Int((radiusMM / geometry.spacing[axis]).rounded())
      guard radius > 0, size[axis] > 1 else { continue }
      let (count, stride) = (size[axis], strides[axis])
      let lines = values.count / count
      let source = values
      values.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        let target = SharedPointer(base)
        Parallelism.forEachRange(lines, minimumChunk: 64) { range in
          for line in range {
            let start = (line / stride) * stride * count + line % stride
            var sum = 0.0
            for place in 0..<min(radius, count) { sum += Double(source[start + place * stride]) }
            for place in 0..<count {
              let (ahead, behind) = (place + radius, place - radius - 1)
              if ahead < count { sum += Double(source[start + ahead * stride]) }
              if behind >= 0 { sum -= Double(source[start + behind * stride]) }
              let width = min(ahead, count - 1) - max(behind + 1, 0) + 1
              target.pointer[start + place * stride] = Float(sum / Double(width))
            }
          }
        }
      }
    }
    return values
  }
}
