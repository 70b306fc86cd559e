/// How many pieces, tunnels and cavities a mask has.
///
/// Voxels of the mask are neighbours when they share a corner (26), those outside when they share a
/// face (6). The Euler number of the union of the closed voxels is pieces less tunnels plus
/// cavities; it is counted corner by corner, and gives the tunnels (Kong and Rosenfeld 1989,
/// "Digital topology: introduction and survey"). A hole of a 2-D image, or of one slice, is a
/// tunnel.
public struct BettiNumbers: Equatable, Sendable {
  /// The connected pieces, also called Betti number 0.
  public let pieces: Int
  /// The tunnels, or handles: Betti number 1.
  ///
  /// A ring has one.
  public let tunnels: Int
  /// The closed cavities: Betti number 2.
  ///
  /// A hollow ball has one.
  public let cavities: Int

  /// Counts.
  /// - Parameters:
  ///   - mask: One byte for each voxel, x fastest: 1 within, 0 outside.
  ///   - size: The grid's voxels along each axis; beyond it is background.
  /// - Precondition: As many bytes as voxels.
  public init(_ mask: [UInt8], size: SIMD3<Int>) {
    pieces =
      ConnectedComponents(bytes: mask, size: size, connectivity: .twentySix).count
    let padded = size &+ 2
    var outside = [UInt8](repeating: 1, count: padded.x * padded.y * padded.z)
    for row in 0..<(size.y * size.z) {
      let (y, z) = (row % size.y, row / size.y)
      let start = 1 + padded.x * (y + 1 + padded.y * (z + 1))
      for x in 0..<size.x { outside[start + x] = 1 - mask[row * size.x + x] }
    }
    cavities = ConnectedComponents(bytes: outside, size: padded, connectivity: .six).count - 1
    tunnels = pieces + cavities - Self.eulerNumber(mask, size: size)
  }

  /// Vertices less edges plus faces less cubes of the union of the closed voxels.
  /// - Parameters:
  ///   - mask: One byte for each voxel, x fastest: 1 within, 0 outside.
  ///   - size: The grid's voxels along each axis.
  /// - Returns: Pieces less tunnels plus cavities.
  /// - Precondition: As many bytes as voxels.
  public static func eulerNumber(_ mask: [UInt8], size: SIMD3<Int>) -> Int {
    // A corner stands for itself, the three edges, three faces and the cube that begin there. Each
    // exists when one of the voxels around it is within: those at k = 1, j = 1, i = 1 of the code.
    let (alongX, alongY, alongZ) = (0b0101_0101, 0b0011_0011, 0b0000_1111)
    let shares = (0..<256).map { code in
      func exists(_ voxels: Int) -> Int { code & voxels == 0 ? 0 : 1 }
      let edges = exists(alongX) + exists(alongY) + exists(alongZ)
      let faces = exists(alongX & alongY) + exists(alongX & alongZ) + exists(alongY & alongZ)
      return exists(255) - edges + faces - exists(1)
    }
    return MaskCorners(mask, size: size, isPlanar: false).codes
      .reduce(0) { $0 + shares[Int($1)] }
  }
}
