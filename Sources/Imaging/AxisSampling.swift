/// How values between voxels are found.
public enum Interpolation: String, Sendable, CaseIterable, Codable {
  /// The value of the nearest voxel centre.
  case nearest
  /// Linear along each axis.
  case linear
  /// Cubic B-spline through the voxel values (Unser, Aldroubi and Eden, 1993, "B-spline signal
  /// processing", part II), the image mirrored at its outer voxel centres.
  case cubicBSpline
}

/// For each target index along one axis: the source voxels that count, and their weights.
struct AxisSampling: Sendable {
  /// Source voxels for each target voxel: 1, 2 or 4.
  let taps: Int
  /// Source indices, `taps` for each target index.
  let indices: [Int]
  /// Their weights.
  let weights: [Double]
  /// Whether the target index lies in the source's field of view.
  let isInside: [Bool]

  /// Whether the weights are those of spline coefficients, so that the source must be prefiltered.
  var needsCoefficients: Bool { taps == 4 }

  /// Positions within this of a voxel's outer face still count as inside; headers round.
  static let faceTolerance = 1e-6

  /// Samples at `offset + step * j` for j in `0..<count`, in source indices.
  init(
    count: Int,
    offset: Double,
    step: Double,
    sourceCount: Int,
    interpolation: Interpolation
  ) {
    let positions = (0..<count).map { offset + step * Double($0) }
    isInside = positions.map { Self.isInside($0, sourceCount) }
    // At voxel centres every interpolation is the voxel's value, exactly.
    let isOnCentres = positions.allSatisfy { abs($0 - $0.rounded()) < 1e-9 }
    let kind = isOnCentres || sourceCount == 1 ? .nearest : interpolation
    var indices: [Int] = []
    var weights: [Double] = []
    for position in positions {
      let clamped = Self.clamped(position, sourceCount)
      switch kind {
      case .nearest:
        indices.append(Self.nearest(clamped, sourceCount))
        weights.append(1)
      case .linear:
        let first = min(Int(clamped), max(sourceCount - 2, 0))
        let part = clamped - Double(first)
        indices += [first, min(first + 1, sourceCount - 1)]
        weights += [1 - part, part]
      case .cubicBSpline:
        let first = Int(clamped)
        let w = CubicBSpline.weights(clamped - Double(first))
        for tap in 0..<4 {
          indices.append(CubicBSpline.mirrored(first + tap - 1, sourceCount))
          weights.append(w[tap])
        }
      }
    }
    taps =
      switch kind {
      case .nearest: 1
      case .linear: 2
      case .cubicBSpline: 4
      }
    self.indices = indices
    self.weights = weights
  }

  /// Whether every target voxel is the source voxel of the same index.
  func isIdentity(sourceCount: Int) -> Bool {
    taps == 1 && indices.count == sourceCount && indices.indices.allSatisfy { indices[$0] == $0 }
  }

  @inline(__always)
  static func isInside(_ position: Double, _ count: Int) -> Bool {
    position >= -0.5 - faceTolerance && position <= Double(count) - 0.5 + faceTolerance
  }

  @inline(__always)
  static func clamped(_ position: Double, _ count: Int) -> Double {
    max(0, min(position, Double(count - 1)))
  }

  /// Halves go up; the small addition keeps rounding from deciding.
  @inline(__always)
  static func nearest(_ clamped: Double, _ count: Int) -> Int {
    min(Int(clamped + 0.5 + 1e-9), count - 1)
  }
}

/// The cubic B-spline: weights, mirror boundary and the recursive prefilter.
enum CubicBSpline {
  /// The pole of the cubic spline's inverse filter, √3 − 2.
  static let pole = -0.26794919243112270647

  /// The weights of the four coefficients from i − 1 to i + 2 at i + t.
  @inline(__always)
  static func weights(_ t: Double) -> SIMD4<Double> {
    let u = 1 - t
    return SIMD4(
      u * u * u / 6,
      (3 * t * t * t - 6 * t * t + 4) / 6,
      (3 * u * u * u - 6 * u * u + 4) / 6,
      t * t * t / 6
    )
  }

  /// The index within the grid that mirroring at the outer voxel centres gives.
  @inline(__always)
  static func mirrored(_ index: Int, _ count: Int) -> Int {
    if index >= 0, index < count { return index }
    guard count > 1 else { return 0 }
    let period = 2 * count - 2
    let place = ((index % period) + period) % period
    return place < count ? place : period - place
  }

  /// Replaces samples by spline coefficients along one axis, in double precision.
  ///
  /// The causal and the anticausal recursion of Unser et al., with the exact starting values of a
  /// mirrored signal.
  /// - Parameters:
  ///   - values: `count` rows of `width` independent signals, row after row.
  ///   - count: The length of each signal.
  ///   - width: The number of signals side by side.
  static func prefilter(_ values: UnsafeMutablePointer<Double>, count: Int, width: Int) {
    guard count > 1 else { return }
    let z = pole
    // Sums of powers beyond this are below the rounding of a double.
    let horizon = min(count, 40)
    for x in 0..<width {
      var sum = 0.0
      var power = 1.0
      if count <= 40 {
        // The whole period of the mirrored signal, 2 (count − 1) samples.
        for k in 0..<(2 * count - 2) {
          sum += power * values[mirrored(k, count) * width + x]
          power *= z
        }
        sum /= 1 - power
      } else {
        for k in 0..<horizon {
          sum += power * values[k * width + x]
          power *= z
        }
      }
      values[x] = sum
    }
    for k in 1..<count {
      let row = values + k * width
      let before = row - width
      for x in 0..<width { row[x] += z * before[x] }
    }
    let last = values + (count - 1) * width
    let beforeLast = last - width
    let start = z / (z * z - 1)
    for x in 0..<width { last[x] = start * (last[x] + z * beforeLast[x]) }
    for k in stride(from: count - 2, through: 0, by: -1) {
      let row = values + k * width
      let after = row + width
      for x in 0..<width { row[x] = z * (after[x] - row[x]) }
    }
    for k in 0..<(count * width) { values[k] *= 6 }
  }
}
