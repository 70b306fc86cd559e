import CNIfTI
import Foundation
import Imaging

/// Finds the grid that a NIfTI header describes.
///
/// The rules are those of the standard (nifti1.h, "3D IMAGE (VOLUME) ORIENTATION AND LOCATION IN
/// SPACE"): the sform where its code is positive, else the qform where its code is. A file with
/// neither has no place in the patient; it gets its voxel spacing, the identity direction and the
/// problem "no-orientation". RAS becomes LPS here and in the writer, nowhere else.
enum NIfTIGeometry {
  /// Two forms that differ by more than this part of the smallest spacing disagree.
  static let disagreementTolerance = 0.1

  /// A grid and what was odd.
  struct Result {
    let grid: AffineGrid.Result
    let problems: [InputProblem]
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
    if let stated = sform, !stated.isUsable(size: size) {
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
      let distance = AffineGrid.largestDistance(usable, qform, size: size)
      let smallest =
        (0..<3).map { AffineGrid.length(usable.axes.columns[$0]) }.filter { $0 > 0 }.min() ?? 1
      if distance > disagreementTolerance * smallest {
        problems.append(
          InputProblem(
            code: "sform-qform-disagree",
            message: "The sform and the qform differ by up to \(AffineGrid.rounded(distance)) mm; "
              + "the sform was used.",
            remedy: "Check the position against the source, and set both alike."
          )
        )
      }
    }
    let grid: AffineGrid.Result
    if let affine = usable ?? qform {
      grid = try affine.geometry(size: size, isPlanar: header.isPlanar, path: header.path)
    } else {
      let geometry = try unplaced(raw, scale, size, header, &problems)
      grid = AffineGrid.Result(geometry: geometry, shifted: nil, shearDegrees: nil)
    }
    return Result(grid: grid, problems: problems)
  }

  private static func millimetresPerUnit(_ units: Int32) -> Double {
    switch units & 7 {
    case 1: 1000
    case 3: 0.001
    default: 1
    }
  }

  private static func sformAffine(_ raw: cnifti_header, _ scale: Double) -> AffineGrid {
    let rows = withUnsafeBytes(of: raw.sform) { Array($0.bindMemory(to: Double.self)) }
    return AffineGrid(rasRows: rows, scale: scale)
  }

  private static func qformAffine(
    _ raw: cnifti_header,
    _ scale: Double,
    _ size: SIMD3<Int>,
    _ path: String,
    _ problems: inout [InputProblem]
  ) throws -> AffineGrid {
    var raw = raw
    let spacing = try spacing(of: raw, size, path, isPlaced: true, &problems)
    raw.pixdim.1 = spacing.x
    raw.pixdim.2 = spacing.y
    raw.pixdim.3 = spacing.z
    var rows = [Double](repeating: 0, count: 12)
    _ = cnifti_qform(&raw, &rows)
    let affine = AffineGrid(rasRows: rows, scale: scale)
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
}

extension AffineGrid {
  /// The matrix of three rows of four in RAS; `scale` is the unit in mm.
  init(rasRows rows: [Double], scale: Double) {
    func column(_ index: Int) -> SIMD3<Double> {
      SIMD3(-rows[index], -rows[4 + index], rows[8 + index]) * scale
    }
    self.init(axes: Matrix3(column(0), column(1), column(2)), origin: column(3))
  }
}
