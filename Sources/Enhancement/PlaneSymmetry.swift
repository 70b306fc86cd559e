import Imaging

/// One of the eight ways to lay a rectangle's axes onto themselves or each other, for images whose place
/// in the patient stays what it was: a mirrored image is another image on the same grid.
struct PlaneSymmetry: Sendable, Equatable {
  /// Whether rows and columns trade places; before the mirrors.
  let transposes: Bool
  /// Whether columns run backwards.
  let mirrorsColumns: Bool
  /// Whether rows run backwards.
  let mirrorsRows: Bool

  /// All eight, or the four without transposition; the first changes nothing.
  static func all(transposing: Bool) -> [PlaneSymmetry] {
    (0..<(transposing ? 8 : 4)).map { number in
      PlaneSymmetry(
        transposes: number & 4 != 0,
        mirrorsColumns: number & 1 != 0,
        mirrorsRows: number & 2 != 0
      )
    }
  }

  /// The image turned.
  /// - Parameter image: The image; its planes are turned one by one.
  /// - Returns: The turned image.
  /// - Throws: `ImagingError.invalidGeometry`, which a grid that exists never causes.
  func applied(to image: Volume<Float>) throws(ImagingError) -> Volume<Float> {
    let (geometry, size) = (image.geometry, image.geometry.size)
    let target =
      transposes
      ? try ImageGeometry(
        size: [size.y, size.x, size.z],
        spacing: [geometry.spacing.y, geometry.spacing.x, geometry.spacing.z],
        origin: geometry.origin,
        direction: geometry.direction,
        isPlanar: geometry.isPlanar
      ) : geometry
    var voxels = [Float](repeating: 0, count: image.voxels.count)
    eachPlace(of: size) { original, turned in voxels[turned] = image.voxels[original] }
    return Volume(geometry: target, voxels: voxels)
  }

  /// The values of a turned image where they were before.
  /// - Parameters:
  ///   - image: The turned image.
  ///   - size: Voxels along each axis before.
  /// - Returns: The values, x fastest.
  func undone(_ image: Volume<Float>, size: SIMD3<Int>) -> [Float] {
    var voxels = [Float](repeating: 0, count: image.voxels.count)
    eachPlace(of: size) { original, turned in voxels[original] = image.voxels[turned] }
    return voxels
  }

  /// Calls with each place and where it goes.
  private func eachPlace(of size: SIMD3<Int>, _ body: (Int, Int) -> Void) {
    let (width, height) = transposes ? (size.y, size.x) : (size.x, size.y)
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let (u, v) = transposes ? (y, x) : (x, y)
          let column = mirrorsColumns ? width - 1 - u : u
          let row = mirrorsRows ? height - 1 - v : v
          body(x + size.x * (y + size.y * z), column + width * (row + height * z))
        }
      }
    }
  }
}
