import Foundation
import Imaging
import Support

/// The slices of a DICOM series that a volume was made of, for objects that refer to them.
///
/// It holds identifiers of the patient only by way of the files: `header` reads them anew when an
/// object is written. It prints as nothing.
public struct DICOMSource: Sendable, CustomStringConvertible {
  /// One slice as it lies in its file.
  struct Slice: Sendable {
    /// The file.
    var path: String
    /// SOP Class UID.
    var classUID: String
    /// SOP Instance UID.
    var instanceUID: String
    /// Frame number from 1 in a multi-frame file, or nil.
    var frame: Int?
    /// The plane of the slice's own grid.
    var plane: DICOMPlane
    /// Distance of pixel centres along the column index and the row index, mm.
    var pixelSpacing: SIMD2<Double>
    /// Columns and rows.
    var size: SIMD2<Int>

    /// Whether other objects can refer to the slice: files that lost their identifiers cannot be.
    var isReferable: Bool { !classUID.isEmpty && !instanceUID.isEmpty }
  }

  /// The slices in the order of the volume, first z index first.
  let slices: [Slice]
  /// The thickness to state for a slice: the distance of the slices, mm.
  let sliceSpacing: Double
  /// Study Instance UID.
  let studyUID: String
  /// Series Instance UID.
  let seriesUID: String
  /// Frame of Reference UID, or nil.
  let frameOfReferenceUID: String?
  /// Keeps the files of an unpacked archive as long as they are referred to.
  var keeper: ScratchFolder?

  /// Never shows identifiers.
  public var description: String { "\(slices.count) DICOM slices" }
}

/// How far slices are shifted in plane against each other, as with a tilted gantry.
///
/// The volume's voxels are those of the file, and its geometry describes the first slice and the
/// stacking along the normal. Voxel (i, j, k) truly lies at
/// `geometry.position(ofIndex: (i, j, k)) + geometry.direction * (shift.x * k, shift.y * k, 0)`.
public struct SliceShift: Equatable, Sendable, Codable {
  /// Shift from one slice to the next along x and y of the grid, mm.
  public let shift: SIMD2<Double>
  /// The angle between the stacking and the slices' normal, degrees.
  public let degrees: Double

  /// Creates a shift.
  /// - Parameters:
  ///   - shift: Shift from one slice to the next along x and y of the grid, mm.
  ///   - sliceSpacing: Distance of the slices along their normal, mm.
  public init(shift: SIMD2<Double>, sliceSpacing: Double) {
    self.shift = shift
    let beside = (shift.x * shift.x + shift.y * shift.y).squareRoot()
    degrees = atan2(beside, sliceSpacing) * 180 / .pi
  }
}
