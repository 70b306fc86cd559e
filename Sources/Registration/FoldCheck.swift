import Imaging
import Support

/// Whether a transform turns tissue inside out.
public struct FoldCheck: Equatable, Sendable, Codable {
  /// The share of the grid's voxels whose Jacobian determinant is not positive, 0 to 1.
  public let foldedShare: Double
  /// The smallest determinant; 1 keeps volumes, 0.5 halves them.
  public let smallestDeterminant: Double
  /// The largest determinant.
  public let largestDeterminant: Double

  /// Computes the determinant at every voxel centre.
  /// - Parameters:
  ///   - transform: The transform.
  ///   - geometry: The grid, usually the fixed image's.
  public init(_ transform: CompositeTransform, on geometry: ImageGeometry) {
    let compiled = CompiledTransform(transform)
    let toPosition = FastLinear(indicesOf: geometry)
    let size = geometry.size
    let rows = size.y * size.z
    let parts = Pieces(count: rows, limit: 256)
    let results = parts.map { range in
      var folded = 0
      var (low, high) = (Double.infinity, -Double.infinity)
      for row in range {
        for x in 0..<size.x {
          let index = SIMD3(Double(x), Double(row % size.y), Double(row / size.y))
          let value = compiled.determinant(at: toPosition(index))
          if !(value > 0) { folded += 1 }
          low = min(low, value)
          high = max(high, value)
        }
      }
      return (folded, low, high)
    }
    foldedShare =
      Double(results.reduce(0) { $0 + $1.0 }) / Double(geometry.voxelCount)
    smallestDeterminant = results.reduce(.infinity) { min($0, $1.1) }
    largestDeterminant = results.reduce(-.infinity) { max($0, $1.2) }
  }
}
