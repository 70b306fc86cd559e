import Support

/// Non-local means: a voxel becomes the mean of those whose surroundings look alike.
///
/// Buades, Coll and Morel, 2005, "A non-local algorithm for image denoising". The weight of a voxel in
/// the search window is exp(−max(d² − 2σ², 0) / (hσ)²), d² the mean squared difference of the two
/// patches, all of whose voxels count alike; weights below e^−5 are left out, as scikit-image does. The
/// voxel itself has weight 1. Images are mirrored at their outer voxels' centres. Patches have 2 · patch + 1
/// voxels along an axis; those of scikit-image's fast mode have one less than asked for.
///
/// Distances come from shifted differences summed along one axis after the other (after Darbon et al.,
/// 2008, "Fast nonlocal filtering applied to electron cryomicroscopy"), each used for both of its
/// voxels. With `rician`, squares are averaged and freed of their bias 2σ² (Wiest-Daesslé et al., 2008;
/// used in blocks by Coupé et al., 2008; here voxel by voxel).
package struct NonLocalMeans: VolumeFilter {
  package static let name = "nlm"
  package static let removesNoise = true
  package static let paper =
    "Buades et al. 2005, A non-local algorithm for image denoising; Rician: Coupé et al. 2008"
  package static let parameters = [
    FilterParameter.sigma,
    FilterParameter("h", 0.7, 0.01...10, "strength, in standard deviations of the noise"),
    FilterParameter(
      "patch",
      0,
      0...5,
      isWhole: true,
      "radius of patches, voxels; 0: 2 in slices, 1 in volumes"
    ),
    FilterParameter(
      "search",
      0,
      0...20,
      isWhole: true,
      "radius of the search; 0: 10 in slices, 3 in volumes"
    ),
    FilterParameter("rician", 0, 0...1, isWhole: true, "1 for magnitudes with Rician noise"),
    .dimensions,
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  /// Weights below e to the minus this are left out.
  private static let cutoff: Float = 5

  package func filtered(_ image: FilterImage) -> [Float] {
    let axes = image.axes(values)
    let sigma = image.noise(values)
    guard sigma > 0 else { return image.values }
    let radii = (values.whole("patch"), values.whole("search"))
    let p = radii.0 > 0 ? radii.0 : axes == 2 ? 2 : 1
    let r = radii.1 > 0 ? radii.1 : axes == 2 ? 10 : 3
    let patch = SIMD3(image.size.x > 1 ? p : 0, image.size.y > 1 ? p : 0, axes == 3 ? p : 0)
    let search = SIMD3(image.size.x > 1 ? r : 0, image.size.y > 1 ? r : 0, axes == 3 ? r : 0)
    let padded = PaddedImage(image.values, size: image.size, padding: patch &+ search)
    let isRician = values["rician"] == 1
    let averaged = isRician ? padded.values.map { $0 * $0 } : padded.values
    let h = Float(values["h"]) * sigma
    let count = Float((2 * patch.x + 1) * (2 * patch.y + 1) * (2 * patch.z + 1))
    let job = Job(
      size: image.size,
      padded: padded.size,
      patch: patch,
      search: search,
      scale: 1 / (h * h * count),
      bias: 2 * sigma * sigma * count,
      // Rows that a thread works on at a time, so that they stay in its cache.
      block: axes == 2 ? SIMD2(32, 1) : SIMD2(16, 8)
    )
    var result = job.run(padded.values, averaged: averaged)
    if isRician {
      let bias = 2 * sigma * sigma
      for i in result.indices { result[i] = max(result[i] - bias, 0).squareRoot() }
    }
    return result
  }

  /// The sizes of one run, and its loops.
  private struct Job: Sendable {
    let size: SIMD3<Int>
    let padded: SIMD3<Int>
    let patch: SIMD3<Int>
    let search: SIMD3<Int>
    /// From a sum of squared differences to the exponent.
    let scale: Float
    /// What noise adds to a sum of squared differences.
    let bias: Float
    let block: SIMD2<Int>

    /// One of each pair of opposite shifts.
    private var shifts: [SIMD3<Int>] {
      var list: [SIMD3<Int>] = []
      for z in 0...search.z {
        for y in -search.y...search.y {
          for x in -search.x...search.x where z > 0 || y > 0 || (y == 0 && x > 0) {
            list.append(SIMD3(x, y, z))
          }
        }
      }
      return list
    }

    func run(_ values: [Float], averaged: [Float]) -> [Float] {
      let across = (size.y + block.x - 1) / block.x
      let blocks = across * ((size.z + block.y - 1) / block.y)
      let shifts = shifts
      return .filled(count: size.x * size.y * size.z, pieces: blocks) { range, target in
        values.withUnsafeBufferPointer { values in
          averaged.withUnsafeBufferPointer { averaged in
            guard let v = values.baseAddress, let a = averaged.baseAddress else { return }
            var room = Room(self)
            for place in range {
              let y = place % across * block.x
              let z = place / across * block.y
              let rows = (y..<min(y + block.x, size.y), z..<min(z + block.y, size.z))
              room.run(v, a, rows.0, rows.1, shifts, into: target)
            }
          }
        }
      }
    }
  }

  /// What one thread needs: sums of a block's rows.
  private struct Room {
    let job: Job
    /// Sums of squared differences along x, then along y, then weights.
    var sums: [Float]
    var weights: [Float]
    var line: [Float]
    var numerators: [Float]
    var denominators: [Float]

    init(_ job: Job) {
      self.job = job
      let width = job.size.x + job.search.x
      let rows = job.block &+ SIMD2(job.search.y, job.search.z)
      let all = (rows.x + 2 * job.patch.y) * (rows.y + 2 * job.patch.z) * width
      sums = .init(repeating: 0, count: all)
      weights = .init(repeating: 0, count: all)
      line = .init(repeating: 0, count: width + 2 * job.patch.x)
      numerators = .init(repeating: 0, count: job.block.x * job.block.y * job.size.x)
      denominators = numerators
    }

    mutating func run(
      _ values: UnsafePointer<Float>,
      _ averaged: UnsafePointer<Float>,
      _ ys: Range<Int>,
      _ zs: Range<Int>,
      _ shifts: [SIMD3<Int>],
      into target: UnsafeMutablePointer<Float>
    ) {
      let (n, pad) = (job.size.x, job.patch &+ job.search)
      let (row, plane) = (job.padded.x, job.padded.x * job.padded.y)
      let origin = pad.x + pad.y * row + pad.z * plane
      for (i, z) in zs.enumerated() {
        for (j, y) in ys.enumerated() {
          let from = averaged + origin + y * row + z * plane
          let at = (i * ys.count + j) * n
          for x in 0..<n {
            numerators[at + x] = from[x]
            denominators[at + x] = 1
          }
        }
      }
      for shift in shifts {
        weigh(values + origin, shift, ys, zs)
        add(averaged + origin, shift, ys, zs)
      }
      for (i, z) in zs.enumerated() {
        for (j, y) in ys.enumerated() {
          let to = target + (z * job.size.y + y) * n
          let at = (i * ys.count + j) * n
          for x in 0..<n { to[x] = numerators[at + x] / denominators[at + x] }
        }
      }
    }

    /// The first place and the length of the rows of weights of a shift: the block's own, and those
    /// that lie a shift before.
    private func box(_ shift: SIMD3<Int>, _ ys: Range<Int>, _ zs: Range<Int>)
      -> (start: SIMD3<Int>, count: SIMD3<Int>)
    {
      (
        SIMD3(min(0, -shift.x), ys.lowerBound + min(0, -shift.y), zs.lowerBound - shift.z),
        SIMD3(job.size.x + abs(shift.x), ys.count + abs(shift.y), zs.count + shift.z)
      )
    }

    /// Weights of all pairs of voxels that lie a shift apart, of which one is in the block.
    private mutating func weigh(
      _ values: UnsafePointer<Float>,
      _ shift: SIMD3<Int>,
      _ ys: Range<Int>,
      _ zs: Range<Int>
    ) {
      let (start, count) = box(shift, ys, zs)
      let p = job.patch
      let (row, plane) = (job.padded.x, job.padded.x * job.padded.y)
      let apart = shift.x + shift.y * row + shift.z * plane
      let width = count.x
      let tall = count.y + 2 * p.y
      let (scale, bias, cutoff) = (job.scale, job.bias, NonLocalMeans.cutoff)
      sums.withUnsafeMutableBufferPointer { sums in
        weights.withUnsafeMutableBufferPointer { weights in
          line.withUnsafeMutableBufferPointer { line in
            guard let s = sums.baseAddress, let w = weights.baseAddress,
              let l = line.baseAddress
            else { return }
            for z in 0..<count.z + 2 * p.z {
              for y in 0..<tall {
                let at = start.x - p.x + (start.y - p.y + y) * row + (start.z - p.z + z) * plane
                let (a, b) = (values + at, values + at + apart)
                for x in 0..<width + 2 * p.x {
                  let difference = a[x] - b[x]
                  l[x] = difference * difference
                }
                Self.add(l, 1, 2 * p.x + 1, to: s + (z * tall + y) * width, width)
              }
              for y in 0..<count.y {
                Self.add(
                  s + (z * tall + y) * width,
                  width,
                  2 * p.y + 1,
                  to: w + (z * count.y + y) * width,
                  width
                )
              }
            }
            // The first rows of `sums` are free again and take the sums over all axes.
            for z in 0..<count.z {
              for y in 0..<count.y {
                let to = w + (z * count.y + y) * width
                Self.add(to, width * count.y, 2 * p.z + 1, to: s, width)
                for x in 0..<width {
                  let d = (s[x] - bias) * scale
                  let decay = exponentialDecay(d > 0 ? d : 0)
                  to[x] = d > cutoff ? 0 : decay
                }
              }
            }
          }
        }
      }
    }

    /// The sum of a few rows that lie `apart` values apart.
    @inline(__always)
    private static func add(
      _ rows: UnsafePointer<Float>,
      _ apart: Int,
      _ count: Int,
      to sum: UnsafeMutablePointer<Float>,
      _ width: Int
    ) {
      switch count {
      case 1:
        for x in 0..<width { sum[x] = rows[x] }
      case 3:
        let (b, c) = (rows + apart, rows + 2 * apart)
        for x in 0..<width { sum[x] = rows[x] + b[x] + c[x] }
      case 5:
        let (b, c, d, e) = (rows + apart, rows + 2 * apart, rows + 3 * apart, rows + 4 * apart)
        for x in 0..<width { sum[x] = rows[x] + b[x] + c[x] + d[x] + e[x] }
      default:
        for x in 0..<width { sum[x] = rows[x] + rows[apart + x] }
        for k in 2..<count {
          let next = rows + k * apart
          for x in 0..<width { sum[x] += next[x] }
        }
      }
    }

    /// Adds the two voxels a shift after and before each of the block.
    private mutating func add(
      _ averaged: UnsafePointer<Float>,
      _ shift: SIMD3<Int>,
      _ ys: Range<Int>,
      _ zs: Range<Int>
    ) {
      let (start, count) = box(shift, ys, zs)
      let n = job.size.x
      let (row, plane) = (job.padded.x, job.padded.x * job.padded.y)
      let apart = shift.x + shift.y * row + shift.z * plane
      let back = shift.x + (shift.y + shift.z * count.y) * count.x
      weights.withUnsafeBufferPointer { weights in
        numerators.withUnsafeMutableBufferPointer { numerators in
          denominators.withUnsafeMutableBufferPointer { denominators in
            guard let w = weights.baseAddress, let nums = numerators.baseAddress,
              let dens = denominators.baseAddress
            else { return }
            for (i, z) in zs.enumerated() {
              for (j, y) in ys.enumerated() {
                let v = averaged + y * row + z * plane
                let (after, before) = (v + apart, v - apart)
                let here = w + ((z - start.z) * count.y + y - start.y) * count.x - start.x
                let there = here - back
                let (num, den) = (nums + (i * ys.count + j) * n, dens + (i * ys.count + j) * n)
                for x in 0..<n {
                  num[x] += here[x] * after[x] + there[x] * before[x]
                  den[x] += here[x] + there[x]
                }
              }
            }
          }
        }
      }
    }
  }
}
