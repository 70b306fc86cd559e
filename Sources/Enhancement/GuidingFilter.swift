import Imaging
import Pipelines
import Transforms

/// A classical filter whose image a network sees beside the given one, and corrects.
///
/// The filter brings what a small network does not reach or has not learnt, such as likenesses far apart
/// (Burger, Schuler and Harmeling 2013, "Learning how to combine internal and external denoising methods",
/// combine BM3D and a network so). The network gives the difference of the clean image from the filter's.
struct GuidingFilter: Sendable {
  private let filter: any VolumeFilter

  /// Creates the filter of a plan; nil for a plan without one.
  /// - Parameter plan: The plan.
  /// - Throws: `TransformsError` when it names no filter.
  init?(_ plan: EnhancementPlan) throws {
    guard let guide = plan.guide else { return nil }
    filter = try VolumeFilterCatalog.filter(describedBy: guide)
  }

  /// The filter's image.
  /// - Parameter image: An image of finite values on the network's scale.
  /// - Returns: An image on the same grid.
  /// - Throws: `TransformsError` for values that are not finite.
  func image(of image: Volume<Float>) throws -> Volume<Float> {
    let geometry = image.geometry
    return Volume(
      geometry: geometry,
      voxels: try filter.apply(image.voxels, size: geometry.size, spacing: geometry.spacing)
    )
  }
}
