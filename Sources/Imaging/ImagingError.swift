import Support

/// What can be wrong with a volume, its geometry or its labels.
public enum ImagingError: ClassifiedError, Equatable {
  /// The geometry breaks a rule, such as a spacing that is not positive.
  case invalidGeometry(reason: String)
  /// The voxels do not fill the grid.
  case voxelCountMismatch(expected: Int, found: Int)
  /// Two grids that must be equal are not.
  case gridMismatch(reason: String)
  /// Three letters that do not name an orientation.
  case invalidOrientation(code: String)
  /// Voxels hold a label that the table does not know.
  case unknownLabel(id: Int, voxelCount: Int)

  /// The kind of the failure.
  public var failure: Failure { .damagedInput }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .invalidGeometry(let reason): "The image geometry is invalid: \(reason)."
    case .voxelCountMismatch(let expected, let found):
      "The grid has \(expected) voxels but \(found) values are there."
    case .gridMismatch(let reason): "The grids differ: \(reason)."
    case .invalidOrientation(let code):
      "\(code) is not an orientation; use one letter each of R/L, A/P and S/I, such as RAS."
    case .unknownLabel(let id, let voxelCount):
      "\(voxelCount) voxels hold label \(id), which the label table does not name."
    }
  }
}
