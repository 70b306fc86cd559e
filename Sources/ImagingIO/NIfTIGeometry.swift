import CNIfTI
import COpenBLAS
import Foundation
import Imaging

/// Finds the grid that a NIfTI header describes.
///
/// The rules are those of the standard (nifti1.h, "3D IMAGE (VOLUME) ORIENTATION AND LOCATION IN
/// SPACE"): the sform where its code is positive, else the qform where its code is. A file with
/// neither has no place in the patient; it gets its voxel spacing, the identity direction and the
/// problem "no-orientation". RAS becomes LPS here and in the writer, nowhere else.
enum NIfTIGeometry {
  /// Beyond this deviation from a right angle a shear is reported: half a voxel over 500 voxels.
  static let shearToleranceDegrees = 0.06
  /// Two forms that differ by more than this part of the smallest spacing disagree.
  static let disagreementTolerance = 0.1

  /// A grid and what was odd.
  struct Result {
    let geometry: ImageGeometry
    let problems: [InputProblem]
  }

  /// A 3x4 matrix in LPS mm, by its columns.
  private struct Affine {
    var axes: Matrix3
    var origin: SIMD3<Double>

    init(rasRows rows: [Double], scale: Double) {
      func column(_ index: Int) -> SIMD3<Double> {
        SIMD3(-rows[index], -rows[4 + index], rows[8 + index]) * scale
      }
      axes = Matrix3(column(0), column(1), column(2))
      origin = column(3)
    }

    func position(_ index: SIMD3<Double>) -> SIMD3<Double> { origin + axes * index }

    var isFinite: Bool {
      (0..<3).allSatisfy { row in
        origin[row].isFinite && (0..<3).allSatisfy { axes[row, $0].isFinite }
      }
    }
  }

  static func geometry(of header: NIfTIHeader) throws -> Result {
    let raw = header.raw
    let size = SIMD3(header.size[0], header.size[1], header.size[2])
    var problems: [InputProblem] = []
    let scale = millimetresPerUnit(raw.units)
    let sform = raw.sform_code > 0 ? sformAffine(raw, scale) : nil
    let qform =
      raw.qform_code > 0 ? try qformAffine(raw, scale, size, header.path, &problems) : nil

    var usable = sform
    if let stated = sform, !isUsable(stated, size: size) {
      usable = nil
      guard qform != nil else {
        throw ImagingIOError.damaged(
          path: header.path,
          reason: "its sform matrix is not a grid (an axis is zero or not a "
            + "number) and it has no qform"
        )
      }
      problems.append(
        InputProblem(
          code: "invalid-sform",
          message: "The sform matrix is not a grid; the qform was used.",
          remedy: "Compare the position with the source, and write the file anew."
        )
      )
    }
    if let usable, let qform {
      let distance = largestDistance(usable, qform, size: size)
      let smallest = (0..<3).map { length(usable.axes.columns[$0]) }.filter { $0 > 0 }.min() ?? 1
      if distance > disagreementTolerance * smallest {
        problems.append(
          InputProblem(
            code: "sform-qform-disagree",
            message: "The sform and the qform differ by up to \(rounded(distance)) mm; "
              + "the sform was used.",
            remedy: "Check the position against the source, and set both alike."
          )
        )
      }
    }
    let result: ImageGeometry
    if let affine = usable ?? qform {
      result = try geometry(affine, size, header, &problems)
    } else {
      result = try unplaced(raw, scale, size, header, &problems)
    }
    return Result(geometry: result, problems: problems)
  }

  private static func millimetresPerUnit(_ units: Int32) -> Double {
    switch units & 7 {
    case 1: 1000
    case 3: 0.001
    default: 1
    }
  }

  private static func sformAffine(_ raw: cnifti_header, _ scale: Double) -> Affine {
    let rows = withUnsafeBytes(of: raw.sform) { Array($0.bindMemory(to: Double.self)) }
    return Affine(rasRows: rows, scale: scale)
  }

  private static func qformAffine(
    _ raw: cnifti_header,
    _ scale: Double,
    _ size: SIMD3<Int>,
    _ path: String,
    _ problems: inout [InputProblem]
  ) throws -> Affine {
    var raw = raw
    let spacing = try spacing(of: raw, size, path, isPlaced: true, &problems)
    raw.pixdim.1 = spacing.x
    raw.pixdim.2 = spacing.y
    raw.pixdim.3 = spacing.z
    var rows = [Double](repeating: 0, count: 12)
    _ = cnifti_qform(&raw, &rows)
    let affine = Affine(rasRows: rows, scale: scale)
    guard affine.isFinite else {
      throw ImagingIOError.damaged(
        path: path,
        reason: "its qform holds values that are not numbers"
      )
    }
    return affine
  }

  /// The header's pixel spacing, in the header's unit.
  private static func spacing(
    of raw: cnifti_header,
    _ size: SIMD3<Int>,
    _ path: String,
    isPlaced: Bool,
    _ problems: inout [InputProblem]
  ) throws -> SIMD3<Double> {
    let stated = [raw.pixdim.1, raw.pixdim.2, raw.pixdim.3]
    var spacing = SIMD3<Double>(repeating: 1)
    for axis in 0..<3 {
      let value = stated[axis]
      guard value.isFinite, value != 0 else {
        // A single slice may lack a thickness; between several the distance is not guessed.
        if isPlaced, size[axis] > 1 {
          throw ImagingIOError.damaged(
            path: path,
            reason: "its voxel spacing along axis \(axis + 1) is \(value)"
          )
        }
        if size[axis] > 1 {
          problems.append(
            InputProblem(
              code: "no-spacing",
              message: "The voxel spacing along axis \(axis + 1) is \(value); 1 mm was taken.",
              remedy: "Set the spacing in the header before measuring anything."
            )
          )
        }
        continue
      }
      if value < 0 {
        problems.append(
          InputProblem(
            code: "negative-spacing",
            message: "The voxel spacing along axis \(axis + 1) is \(value); "
              + "its magnitude was taken.",
            remedy: "Check left and right against the source, and write the file anew."
          )
        )
      }
      spacing[axis] = abs(value)
    }
    return spacing
  }

  private static func unplaced(
    _ raw: cnifti_header,
    _ scale: Double,
    _ size: SIMD3<Int>,
    _ header: NIfTIHeader,
    _ problems: inout [InputProblem]
  ) throws -> ImageGeometry {
    let spacing = try spacing(of: raw, size, header.path, isPlaced: false, &problems) * scale
    problems.append(
      InputProblem(
        code: "no-orientation",
        message: "The file states neither sform nor qform, so its place in the patient is unknown.",
        remedy: "Convert the source images anew with a program that keeps their orientation."
      )
    )
    do {
      return try ImageGeometry(
        size: size,
        spacing: header.isPlanar ? SIMD3(spacing.x, spacing.y, 1) : spacing,
        origin: SIMD3(repeating: 0),
        direction: .identity,
        isPlanar: header.isPlanar
      )
    } catch {
      throw ImagingIOError.damaged(path: header.path, reason: "\(error)")
    }
  }

  /// Whether the axes with more than one voxel have a length, and all numbers are finite.
  private static func isUsable(_ affine: Affine, size: SIMD3<Int>) -> Bool {
    affine.isFinite && (0..<3).allSatisfy { size[$0] == 1 || length(affine.axes.columns[$0]) > 0 }
  }

  private static func geometry(
    _ stated: Affine,
    _ size: SIMD3<Int>,
    _ header: NIfTIHeader,
    _ problems: inout [InputProblem]
  ) throws -> ImageGeometry {
    var affine = stated
    // A single slice without a thickness still has a normal.
    for axis in 0..<3 where length(affine.axes.columns[axis]) == 0 {
      let normal = cross(
        affine.axes.columns[(axis + 1) % 3],
        affine.axes.columns[(axis + 2) % 3]
      )
      affine.axes.columns[axis] = normal / max(length(normal), .leastNormalMagnitude)
    }
    var spacing = SIMD3<Double>()
    var direction = affine.axes
    for axis in 0..<3 {
      spacing[axis] = length(affine.axes.columns[axis])
      direction.columns[axis] = affine.axes.columns[axis] / spacing[axis]
    }
    guard let rotation = nearestRotation(to: direction) else {
      throw ImagingIOError.damaged(
        path: header.path,
        reason: "the axes of its grid lie in one plane"
      )
    }
    let shear = largestShearDegrees(direction)
    var origin = affine.origin
    if shear > shearToleranceDegrees {
      // The centre of the grid stays where it was, so that the error is least at the corners.
      let centre = (SIMD3<Double>(size) - 1) / 2
      origin = affine.position(centre) - rotation * (spacing * centre)
      problems.append(
        InputProblem(
          code: "sheared-affine",
          message: "The axes deviate from right angles by up to \(rounded(shear)) degrees; "
            + "the nearest rotation was taken.",
          remedy: "Resample the image to an upright grid with the program that made it."
        )
      )
    }
    if header.isPlanar { spacing.z = 1 }
    do {
      return try ImageGeometry(
        size: size,
        spacing: spacing,
        origin: origin,
        direction: rotation,
        isPlanar: header.isPlanar
      )
    } catch {
      throw ImagingIOError.damaged(path: header.path, reason: "\(error)")
    }
  }

  /// The orthonormal matrix nearest in the Frobenius norm: UVᵀ of the singular value decomposition
  /// (Schönemann, 1966, "A generalized solution of the orthogonal Procrustes problem").
  static func nearestRotation(to matrix: Matrix3) -> Matrix3? {
    let elements = matrix.columns.flatMap { [$0.x, $0.y, $0.z] }
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

  private static func largestShearDegrees(_ direction: Matrix3) -> Double {
    [(0, 1), (0, 2), (1, 2)].map { first, second in
      let cosine = dot(direction.columns[first], direction.columns[second])
      return abs(asin(max(-1, min(1, cosine)))) * 180 / .pi
    }.max() ?? 0
  }

  private static func largestDistance(_ a: Affine, _ b: Affine, size: SIMD3<Int>) -> Double {
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

  private static func length(_ vector: SIMD3<Double>) -> Double { dot(vector, vector).squareRoot() }

  private static func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
