import Imaging
import Support

extension Enhancer {
  /// Whether the model gives another image for each noise that it begins with.
  public var isDiffusion: Bool { plan.diffusion != nil }

  /// Several images that a diffusion model makes of one, and how far they differ.
  ///
  /// Image k begins with noise that follows from the seed and k, so that the first ones of more images
  /// are those of fewer.
  /// - Parameters:
  ///   - scan: The image.
  ///   - count: How many, at least 1.
  ///   - progress: Told about pieces.
  ///   - interruption: Looked at between pieces.
  /// - Returns: The mean of each voxel, and its standard deviation with n − 1 (0 for one image), in the
  ///   image's unit. The spread shows where the model is unsure, not where it is wrong.
  /// - Throws: As `apply`.
  /// - Precondition: The model is one of diffusion, and sees one channel.
  public func samples(
    of scan: Volume<Float>,
    count: Int,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (mean: Volume<Float>, spread: Volume<Float>) {
    precondition(isDiffusion && count > 0, "\(count) samples of a model without chance")
    var (means, squares) = ([Double](), [Double]())
    var geometry = scan.geometry
    for draw in 0..<count {
      let image = try drawn([scan], draw: draw, progress: progress, interruption: interruption)[0]
      geometry = image.geometry
      guard draw > 0 else {
        means = image.voxels.map { Double($0) }
        squares = [Double](repeating: 0, count: means.count)
        continue
      }
      // Welford's way, which loses no digits.
      for (place, value) in image.voxels.enumerated() {
        let before = Double(value) - means[place]
        means[place] += before / Double(draw + 1)
        squares[place] += before * (Double(value) - means[place])
      }
    }
    return (
      Volume(geometry: geometry, voxels: means.map { Float($0) }),
      Volume(
        geometry: geometry,
        voxels: squares.map { Float(($0 / Double(max(1, count - 1))).squareRoot()) }
      )
    )
  }
}
