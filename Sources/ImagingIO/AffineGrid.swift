import COpenBLAS
import Foundation
import Imaging

/// The grid of an image whose file states an affine matrix: index to LPS mm.
///
/// Matrices whose columns are not at right angles are replaced by the nearest rotation, with the
/// centre of the grid kept and the angle told. Where only the third column leans, as in series of a
/// tilted gantry, the lean can also be kept as a `SliceShift`; label maps take that.
struct AffineGrid {
  /// Beyond this deviation from a right angle a shear is reported: half a voxel over 500 voxels.
  static let shearToleranceDegrees = 0.06

  /// The columns: the step in mm from one voxel to the next along each axis.
  var axes: Matrix3
  /// The centre of the first voxel, LPS mm.
  var origin: SIMD3<Double>

  /// A geometry, and what was odd.
  struct Result {
    /// The grid of the nearest rotation.
    let geometry: ImageGeometry
    /// The grid of the slices with the shift between them, where only the stacking leans.
    let shifted: (geometry: ImageGeometry, shift: SliceShift)?
    /// The largest deviation from right angles, where it is reported.
    let shearDegrees: Double?
  }

  /// The position of a voxel.
  func position(_ index: SIMD3<Double>) -> SIMD3<Double> { origin + axes * index }

  /// Whether all numbers are finite.
  var isFinite: Bool {
    (0..<3).allSatisfy { row in
      origin[row].isFinite && (0..<3).allSatisfy { axes[row, $0].isFinite }
    }
  }

  /// Whether the axes with more than one voxel have a length, and all numbers are finite.
  func isUsable(size: SIMD3<Int>) -> Bool {
    isFinite && (0..<3).allSatisfy { size[$0] == 1 || Self.length(axes.columns[$0]) > 0 }
  }

  /// The grid.
  /// - Parameters:
  ///   - size: Voxels along each axis.
  ///   - isPlanar: Whether the image is 2-D by nature.
  ///   - path: The file, for messages.
  /// - Returns: The grid, upright and, where it leans, with its shift.
  /// - Throws: `ImagingIOError.damaged` when the axes do not span space or a number is absurd.
  func geometry(size: SIMD3<Int>, isPlanar: Bool, path: String) throws(ImagingIOError) -> Result {
    var axes = axes
    // A single slice without a thickness still has a normal.
    for axis in 0..<3 where Self.length(axes.columns[axis]) == 0 {
      let normal = cross(axes.columns[(axis + 1) % 3], axes.columns[(axis + 2) % 3])
      axes.columns[axis] = normal / max(Self.length(normal), .leastNormalMagnitude)
    }
    var spacing = SIMD3<Double>()
    var direction = axes
    for axis in 0..<3 {
      spacing[axis] = Self.length(axes.columns[axis])
      direction.columns[axis] = axes.columns[axis] / spacing[axis]
    }
    guard isFinite, spacing.min() > 0, let rotation = Self.nearestRotation(to: direction) else {
      throw .damaged(path: path, reason: "the axes of its grid lie in one plane")
    }
    let angles = Self.shearDegrees(direction)
    let shear = angles.max()
    let isSheared = shear > Self.shearToleranceDegrees
    var upright = origin
    if isSheared {
      // The centre of the grid stays where it was, so that the error is least at the corners.
      let centre = (SIMD3<Double>(size) - 1) / 2
      upright = position(centre) - rotation * (spacing * centre)
    }
    if isPlanar { spacing.z = 1 }
    do {
      let geometry = try ImageGeometry(
        size: size,
        spacing: spacing,
        origin: upright,
        direction: rotation,
        isPlanar: isPlanar
      )
      let leans = isSheared && angles.x <= Self.shearToleranceDegrees && !isPlanar
      return Result(
        geometry: geometry,
        shifted: leans ? try shifted(size: size) : nil,
        shearDegrees: isSheared ? shear : nil
      )
    } catch {
      throw .damaged(path: path, reason: "\(error)")
    }
  }

  /// The slices' own axes and the shift from one to the next.
  private func shifted(
    size: SIMD3<Int>
  ) throws -> (geometry: ImageGeometry, shift: SliceShift)? {
    let across = Self.length(axes.columns[0])
    let x = axes.columns[0] / across
    var y = axes.columns[1] - x * dot(axes.columns[1], x)
    let down = Self.length(y)
    y /= down
    var normal = cross(x, y)
    var spacing = dot(axes.columns[2], normal)
    if spacing < 0 {
      normal = -normal
      spacing = -spacing
    }
    guard spacing > 0 else { return nil }
    let geometry = try ImageGeometry(
      size: size,
      spacing: [across, Self.length(axes.columns[1]), spacing],
      origin: origin,
      direction: Matrix3(x, y, normal)
    )
    let shift = SliceShift(
      shift: [dot(axes.columns[2], x), dot(axes.columns[2], y)],
      sliceSpacing: spacing
    )
    return (geometry, shift)
  }

  /// The problem to tell when a shear was replaced or kept.
  static func shearProblem(degrees: Double, isKept: Bool) -> InputProblem {
    InputProblem(
      code: "sheared-affine",
      message: "The axes deviate from right angles by up to \(rounded(degrees)) degrees; "
        + (isKept
          ? "the slices' own axes were taken, with the shift between them."
          : "the nearest rotation was taken."),
      remedy: "Resample the image to an upright grid with the program that made it."
    )
  }

  /// The orthonormal matrix nearest in the Frobenius norm: UVᵀ of the singular value decomposition
  /// (Schönemann, 1966, "A generalized solution of the orthogonal Procrustes problem").
  static func nearestRotation(to matrix: Matrix3) -> Matrix3? {
    let elements = matrix.columns.flatMap { [$0.x, $0.y, $0.z] }
    guard elements.allSatisfy(\.isFinite) else { return nil }
    var u = [Double](repeating: 0, count: 9)
    var s = [Double](repeating: 0, count: 3)
    var vt = [Double](repeating: 0, count: 9)
    guard copenblas_svd3(elements, &u, &s, &vt) == 0, s[2] > 1e-3 * s[0] else { return nil }
    func columns(_ m: [Double]) -> Matrix3 {
      Matrix3(SIMD3(m[0], m[1], m[2]), SIMD3(m[3], m[4], m[5]), SIMD3(m[6], m[7], m[8]))
    }
    var rotation = columns(u) * columns(vt)
    // Rounding leaves 1e-17 and -0 where the axes are upright.
    for column in 0..<3 {
      for row in 0..<3 where abs(rotation[row, column]) < 1e-15 {
        rotation.columns[column][row] = 0
      }
    }
    return rotation
  }

  /// Deviations from right angles of the columns 0 and 1, 0 and 2, 1 and 2.
  private static func shearDegrees(_ direction: Matrix3) -> SIMD3<Double> {
    func angle(_ first: Int, _ second: Int) -> Double {
      let cosine = dot(direction.columns[first], direction.columns[second])
      return abs(asin(max(-1, min(1, cosine)))) * 180 / .pi
    }
    return [angle(0, 1), angle(0, 2), angle(1, 2)]
  }

  /// The largest distance in mm between the corners of two grids.
  static func largestDistance(_ a: AffineGrid, _ b: AffineGrid, size: SIMD3<Int>) -> Double {
    let last = SIMD3<Double>(size &- 1)
    return (0..<8).map { corner in
      let index = SIMD3(
        corner & 1 == 0 ? 0 : last.x,
        corner & 2 == 0 ? 0 : last.y,
        corner & 4 == 0 ? 0 : last.z
      )
      return length(a.position(index) - b.position(index))
    }.max() ?? 0
  }

  static func length(_ vector: SIMD3<Double>) -> Double { dot(vector, vector).squareRoot() }

  static func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
