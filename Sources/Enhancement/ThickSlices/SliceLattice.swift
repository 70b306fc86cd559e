import Imaging
import Transforms

/// Thick slices and the finer grid between them, along the axis across slices.
///
/// The finer grid covers the same field of view by a whole number of voxels, so that the ratio of the
/// two distances need not be whole. For the network the finer grid is cut into cells of a few voxels
/// each, as many as come nearest to a slice.
package struct SliceLattice: Sendable, Equatable {
  /// Slices, at least 1.
  package let count: Int
  /// Voxels of the finer grid, more than slices.
  package let fineCount: Int
  /// Thickness of a slice, in voxels of the finer grid.
  package let thickness: Double
  /// The sensitivity of a slice along its axis.
  package let profile: SliceThickening.Profile

  /// Says where slices lie.
  /// - Parameters:
  ///   - count: Slices.
  ///   - fineCount: Voxels of the finer grid.
  ///   - thickness: Thickness of a slice, in voxels of the finer grid.
  ///   - profile: The sensitivity of a slice along its axis.
  /// - Precondition: There is a slice, and the finer grid is finer.
  package init(
    count: Int,
    fineCount: Int,
    thickness: Double,
    profile: SliceThickening.Profile
  ) {
    precondition(count > 0 && fineCount > count, "\(fineCount) voxels for \(count) slices")
    self.count = count
    self.fineCount = fineCount
    self.thickness = thickness
    self.profile = profile
  }

  /// Voxels of the finer grid for one slice.
  var ratio: Double { Double(fineCount) / Double(count) }
  /// Voxels of a cell.
  var fold: Int { max(1, Int(ratio.rounded())) }
  /// Cells that cover the finer grid; the last one may go beyond it.
  var cellCount: Int { (fineCount + fold - 1) / fold }

  /// Where a slice's centre lies, in voxels of the finer grid.
  package func center(of slice: Int) -> Double { (Double(slice) + 0.5) * ratio - 0.5 }
}

/// Which way thick slices of a scan run, and what grid they are brought to.
struct SliceArrangement: Sendable, Equatable {
  /// The axis across slices: 0, 1 or 2.
  let axis: Int
  /// Slices and the finer grid.
  let lattice: SliceLattice
  /// Axes within slices whose pixels are as near to each other as the finer grid's voxels; others have
  /// nothing to learn from.
  let sharpAxes: [Int]

  /// Distances of slices and pixels that differ by less are alike.
  private static let tolerance = 0.1
  /// Slices and pixels along each axis that there must be at least.
  private static let (leastSlices, leastPixels) = (4, 16)
  /// No finer grid has more voxels for a slice.
  static let largestRatio = 24.0

  /// Finds the slices of a grid: those across the axis of the largest spacing.
  /// - Parameters:
  ///   - geometry: The grid.
  ///   - settings: What the user decided.
  /// - Throws: `Refusal` with the reason.
  init(of geometry: ImageGeometry, _ settings: ThickSliceSettings) throws(Refusal) {
    func require(_ condition: Bool, _ reason: String) throws(Refusal) {
      if !condition { throw Refusal(reason: reason) }
    }
    try require(!geometry.isPlanar, "it is a picture, and has no slices to be made thinner")
    let spacing = geometry.spacing
    let axis = [2, 1, 0].max { spacing[$0] < spacing[$1] } ?? 2
    let others = [0, 1, 2].filter { $0 != axis }
    let pixel = min(spacing[others[0]], spacing[others[1]])
    let wanted = settings.ratio ?? spacing[axis] / pixel
    try require(
      spacing[axis] / pixel >= 1 + Self.tolerance,
      "its slices lie \(Self.millimetres(spacing[axis])) mm apart and its pixels "
        + "\(Self.millimetres(pixel)) mm, so that there is nothing to make finer"
    )
    try require(
      wanted <= Self.largestRatio,
      "\(Self.millimetres(wanted)) voxels for each slice are more than \(Int(Self.largestRatio)); "
        + "set a smaller ratio"
    )
    try require(
      geometry.size[axis] >= Self.leastSlices
        && others.allSatisfy { geometry.size[$0] >= Self.leastPixels },
      "it is smaller than \(Self.leastPixels) x \(Self.leastPixels) pixels x \(Self.leastSlices) "
        + "slices, too little to learn from"
    )
    self.axis = axis
    let count = geometry.size[axis]
    let fineCount = max(count + 1, Int((Double(count) * wanted).rounded()))
    let thickness = (settings.thicknessMM ?? spacing[axis]) / spacing[axis]
    lattice = SliceLattice(
      count: count,
      fineCount: fineCount,
      thickness: thickness * Double(fineCount) / Double(count),
      profile: settings.profile
    )
    sharpAxes = others.filter { spacing[$0] <= (1 + Self.tolerance) * pixel }
  }

  /// Why a scan has no slices to be made thinner.
  struct Refusal: Error, Equatable { let reason: String }

  private static func millimetres(_ value: Double) -> String {
    "\((value * 1000).rounded() / 1000)"
  }

  /// The finer grid, the axis across slices in its place.
  /// - Parameter geometry: The scan's grid.
  /// - Returns: The grid over the same field of view.
  /// - Throws: `ImagingError.invalidGeometry` when it has too many voxels.
  func refined(_ geometry: ImageGeometry) throws(ImagingError) -> ImageGeometry {
    var (size, spacing) = (geometry.size, geometry.spacing)
    size[axis] = lattice.fineCount
    spacing[axis] /= lattice.ratio
    return try ImageGeometry(
      size: size,
      spacing: spacing,
      origin: geometry.origin + geometry.direction * ((spacing - geometry.spacing) / 2),
      direction: geometry.direction
    )
  }
}
