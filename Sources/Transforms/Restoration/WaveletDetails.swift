/// The finest diagonal wavelet details of some slices, with the mean of the voxels they come from.
struct WaveletDetails {
  /// One detail.
  struct Detail {
    /// Its absolute value; noise of deviation 1 gives deviation 1.
    let magnitude: Float
    /// The mean of its voxels.
    let mean: Float
    /// Whether all its voxels have one value.
    let isFlat: Bool
  }

  /// The details, in the order of the voxels.
  let all: [Detail]

  /// Whether the voxels have hardly any different values.
  private let hasFewKinds: Bool
  /// No more different values than this are few.
  private static let fewKinds = 32

  /// Daubechies' high pass of four taps ("Ten lectures on wavelets", 1992, table 6.1).
  private static let highPass: [Float] = [
    -0.482_962_913, 0.836_516_304, -0.224_143_868, -0.129_409_523,
  ]

  /// Takes about as many details as wanted, from whole slices evenly over the volume.
  init(_ values: [Float], size: SIMD3<Int>, count: Int) {
    let reach = SIMD2(size.x >= 4 ? 4 : 1, size.y >= 4 ? 4 : 1)
    guard reach != SIMD2(1, 1) else {
      all = []
      hasFewKinds = true
      return
    }
    let weights = (0..<2).map { reach[$0] == 4 ? Self.highPass : [1] }
    // Every second place along both axes, as in a transform that halves them.
    let plane = ((size.x - reach.x) / 2 + 1) * ((size.y - reach.y) / 2 + 1)
    let slices = min(size.z, max(1, (count + plane - 1) / plane))
    // Very large slices are thinned out by rows.
    let rowStep = 2 * max(1, plane / (2 * count))
    var all: [Detail] = []
    var kinds: Set<Float> = []
    for k in 0..<slices {
      let z = (2 * k + 1) * size.z / (2 * slices)
      for y in stride(from: 0, through: size.y - reach.y, by: rowStep) {
        for x in stride(from: 0, through: size.x - reach.x, by: 2) {
          let start = (z * size.y + y) * size.x + x
          let first = values[start]
          if kinds.count <= Self.fewKinds { kinds.insert(first) }
          var (sum, total, isFlat) = (Float(0), Float(0), true)
          for j in 0..<reach.y {
            var line: Float = 0
            for i in 0..<reach.x {
              let value = values[start + j * size.x + i]
              // Differences to one voxel: the filter's taps add up to 0 only up to rounding.
              line += weights[0][i] * (value - first)
              total += value
              if value != first { isFlat = false }
            }
            sum += weights[1][j] * line
          }
          guard sum.isFinite else { continue }
          all.append(
            Detail(
              magnitude: isFlat ? 0 : abs(sum),
              mean: total / Float(reach.x * reach.y),
              isFlat: isFlat
            )
          )
        }
      }
    }
    self.all = all
    hasFewKinds = kinds.count <= Self.fewKinds
  }

  /// The details that are not 0, of places whose mean fits.
  func magnitudes(_ isWanted: (Float) -> Bool) -> [Float] {
    all.filter { $0.magnitude > 0 && isWanted($0.mean) }.map(\.magnitude)
  }

  /// Whether the image looks like labels: it has few different values, or places of one value that is
  /// neither the lowest nor the highest are common, which noise makes rare.
  var areLabels: Bool {
    guard let low = all.map(\.mean).min(), let high = all.map(\.mean).max(), low < high else {
      return true
    }
    let inside = all.filter { !$0.isFlat || ($0.mean > low && $0.mean < high) }
    let flat = inside.filter(\.isFlat).count
    return hasFewKinds || flat * 10 > inside.count
  }
}
