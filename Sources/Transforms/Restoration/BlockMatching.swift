/// Collaborative filtering of blocks that look alike.
///
/// In slices BM3D (Dabov et al., 2007, "Image denoising by sparse 3-D transform-domain collaborative
/// filtering"), in volumes a BM4D (Maggioni et al., 2013, "Nonlocal transform-domain filter for
/// volumetric data denoising and reconstruction"). Two passes: the first thresholds the joint transform
/// of groups of blocks, the second filters it as Wiener did by what the first found. Numbers are those of
/// the papers' normal profile: blocks of 8 × 8, search 39 × 39, up to 16 and 32 blocks, every third place
/// begins a group, λ = 2.7; volumes: cubes of 4³, search 11³, λ = 2.8.
///
/// The papers' limits on the distance of blocks are for values from 0 to 255; here they follow the range
/// between the 1st and 99th percentile (but at least four times the noise's variance in the first pass).
/// Images thinner than a block are mirrored to its size. Strong noise (σ > 40 of 255) is matched
/// without the papers' coarse prefilter. For Rician noise the bias of dark places stays.
package struct BlockMatching: VolumeFilter {
  package static let name = "bm3d"
  package static let removesNoise = true
  package static let paper =
    "Dabov et al. 2007, Image denoising by sparse 3-D transform-domain collaborative filtering; "
    + "volumes: Maggioni et al. 2013"
  package static let parameters = [
    FilterParameter.sigma,
    FilterParameter(
      "search",
      0,
      0...30,
      isWhole: true,
      "radius of the search; 0: 19, in volumes 5"
    ),
    FilterParameter("step", 3, 1...8, isWhole: true, "distance of groups, voxels"),
    FilterParameter("wiener", 1, 0...1, isWhole: true, "0 leaves out the second pass"),
    .dimensions,
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package func filtered(_ image: FilterImage) -> [Float] {
    let axes = image.axes(values)
    let sigma = image.noise(values)
    guard sigma > 0 else { return image.values }
    let block: SIMD3<Int> = axes == 2 ? [8, 8, 1] : [4, 4, 4]
    let extra = SIMD3(
      max(0, block.x - image.size.x),
      max(0, block.y - image.size.y),
      max(0, block.z - image.size.z)
    )
    // Padding is on both sides; what is too much does no harm.
    let padded = PaddedImage(image.values, size: image.size, padding: extra)
    let told = values.whole("search")
    let search = told > 0 ? told : axes == 2 ? 19 : 5
    let scale = Self.range(image.values) / 255
    var pass = BlockMatchingPass(
      size: padded.size,
      block: block,
      search: [search, search, axes == 2 ? 0 : search],
      step: min(values.whole("step"), block.x),
      groupSize: 16,
      limit: max(2500 * scale * scale, 4 * sigma * sigma),
      transform: axes == 2 ? .spline(block) : .cosine(block),
      sigma: sigma,
      threshold: axes == 2 ? 2.7 : 2.8
    )
    var result = pass.run(padded.values, guide: nil)
    if values["wiener"] == 1 {
      pass.groupSize = 32
      pass.limit = max(400 * scale * scale, sigma * sigma)
      pass.transform = .cosine(block)
      result = pass.run(padded.values, guide: result)
    }
    return extra == .zero ? result : Self.cropped(result, padded, image.size)
  }

  /// The range between the 1st and the 99th percentile of a sample; all of it when that is nothing.
  private static func range(_ values: [Float]) -> Float {
    let step = max(1, values.count / 100_000) | 1
    let sorted = stride(from: 0, to: values.count, by: step).map { values[$0] }.sorted()
    let range = sorted[sorted.count * 99 / 100] - sorted[sorted.count / 100]
    return range > 0 ? range : sorted[sorted.count - 1] - sorted[0]
  }

  private static func cropped(_ values: [Float], _ padded: PaddedImage, _ size: SIMD3<Int>)
    -> [Float]
  {
    var result: [Float] = []
    result.reserveCapacity(size.x * size.y * size.z)
    for z in 0..<size.z {
      for y in 0..<size.y {
        let row = (z + padded.padding.z) * padded.size.y + y + padded.padding.y
        let start = row * padded.size.x + padded.padding.x
        result += values[start..<start + size.x]
      }
    }
    return result
  }
}
