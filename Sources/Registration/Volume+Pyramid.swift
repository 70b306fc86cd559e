import Imaging

extension Volume where Scalar == Float {
  /// The image smoothed and on a coarser grid, for one level of a pyramid.
  /// - Parameter spacingMM: Wanted distance of voxels; axes that are coarser, or would have fewer than 4
  ///   voxels, stay as they are.
  /// - Returns: The image, smoothed by half the spacing along all axes when one becomes coarser.
  /// - Throws: `ImagingError.invalidGeometry` when the spacing is not positive.
  func pyramidLevel(spacingMM: Double) throws(ImagingError) -> Volume<Float> {
    var spacing = geometry.spacing
    // A grid that is finer by less than a fifth is not worth the blur of interpolation, and thin images
    // must keep enough slices to interpolate between.
    for axis in 0..<3
    where spacingMM > 1.2 * spacing[axis]
      && Double(geometry.size[axis]) * spacing[axis]
        >= Double(ImageCheck.fewestVoxels) * spacingMM
    {
      spacing[axis] = spacingMM
    }
    guard spacing != geometry.spacing else { return self }
    let target = try geometry.resampled(toSpacing: spacing)
    return GaussianSmoothing(deviationMM: spacingMM / 2).applied(to: self)
      .resampled(to: target, interpolation: .linear, outside: 0)
  }
}
