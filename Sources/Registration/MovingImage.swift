import Imaging

/// The moving image at points between its voxels: linear interpolation, with its gradient.
struct MovingImage: Sendable {
  /// The image.
  let volume: Volume<Float>
  /// From LPS mm to voxel indices.
  let toIndex: FastLinear

  init(_ volume: Volume<Float>) {
    self.volume = volume
    toIndex = FastLinear(toIndicesOf: volume.geometry)
  }

  /// Value and derivatives by the three indices at an index; nil outside the outer voxel centres.
  @inline(__always)
  static func sample(
    _ voxels: UnsafePointer<Float>,
    _ size: SIMD3<Int>,
    _ index: SIMD3<Double>
  ) -> (value: Float, slope: SIMD3<Float>)? {
    let last = SIMD3(Double(size.x - 1), Double(size.y - 1), Double(size.z - 1))
    guard
      index.x >= 0, index.y >= 0, index.z >= 0,
      index.x <= last.x, index.y <= last.y, index.z <= last.z
    else { return nil }
    let x = min(Int(index.x), size.x - 2)
    let y = min(Int(index.y), size.y - 2)
    let z = min(Int(index.z), size.z - 2)
    let u = Float(index.x - Double(x))
    let v = Float(index.y - Double(y))
    let w = Float(index.z - Double(z))
    let row = size.x
    let plane = size.x * size.y
    let corner = voxels + (x + row * y + plane * z)
    // Near and far values along x, then their mean and difference along each axis.
    let (a0, a1) = (corner[0], corner[1])
    let (b0, b1) = (corner[row], corner[row + 1])
    let (c0, c1) = (corner[plane], corner[plane + 1])
    let (d0, d1) = (corner[plane + row], corner[plane + row + 1])
    let (a, b, c, d) = (
      a0 + u * (a1 - a0), b0 + u * (b1 - b0), c0 + u * (c1 - c0), d0 + u * (d1 - d0)
    )
    let near = a + v * (b - a)
    let far = c + v * (d - c)
    let nearX = (a1 - a0) + v * ((b1 - b0) - (a1 - a0))
    let farX = (c1 - c0) + v * ((d1 - d0) - (c1 - c0))
    return (
      near + w * (far - near),
      SIMD3(
        nearX + w * (farX - nearX),
        (b - a) + w * ((d - c) - (b - a)),
        far - near
      )
    )
  }
}
