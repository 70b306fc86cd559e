import Support

/// A smooth field over an image: cubic B-splines on a coarse lattice of equal spans.
///
/// Fitting is the multilevel approximation of Lee, Wolberg and Shin, 1997, "Scattered data interpolation
/// with multilevel B-splines"; an axis of one voxel has no lattice.
struct SplineLattice: Sendable {
  /// Voxels of the image.
  let imageSize: SIMD3<Int>
  /// Spans along each axis; 0 where the image has one voxel.
  let spans: SIMD3<Int>
  /// Control points, x fastest; spans + 3 along each axis, or 1.
  private(set) var points: [Double]

  /// The lattice of one span along each axis, 0 everywhere.
  init(size: SIMD3<Int>) {
    self.init(size: size, spans: SIMD3(size.x > 1 ? 1 : 0, size.y > 1 ? 1 : 0, size.z > 1 ? 1 : 0))
  }

  private init(size: SIMD3<Int>, spans: SIMD3<Int>) {
    (imageSize, self.spans) = (size, spans)
    let counts = Self.counts(spans)
    points = .init(repeating: 0, count: counts.x * counts.y * counts.z)
  }

  private static func counts(_ spans: SIMD3<Int>) -> SIMD3<Int> {
    SIMD3(
      spans.x > 0 ? spans.x + 3 : 1,
      spans.y > 0 ? spans.y + 3 : 1,
      spans.z > 0 ? spans.z + 3 : 1
    )
  }

  /// Control points along each axis.
  var counts: SIMD3<Int> { Self.counts(spans) }

  /// Adds another lattice's control points.
  mutating func add(_ other: [Double]) {
    for i in points.indices { points[i] += other[i] }
  }

  /// The same field on a lattice of twice the spans.
  func refined() -> SplineLattice {
    var result = SplineLattice(size: imageSize, spans: spans &* 2)
    var (values, size) = (points, counts)
    for axis in 0..<3 where spans[axis] > 0 {
      var larger = size
      larger[axis] = result.counts[axis]
      var new = [Double](repeating: 0, count: larger.x * larger.y * larger.z)
      let stride = axis == 0 ? 1 : axis == 1 ? size.x : size.x * size.y
      let outer = values.count / (stride * size[axis])
      for o in 0..<outer {
        for i in 0..<stride {
          func old(_ k: Int) -> Double { values[(o * size[axis] + k) * stride + i] }
          for k in 0..<larger[axis] {
            // Halved cubic splines: (1 6 1) / 8 over a point, (1 1) / 2 between two.
            let m = (k + 1) / 2
            let value =
              k % 2 == 0
              ? (old(m) + old(m + 1)) / 2 : (old(m - 1) + 6 * old(m) + old(m + 1)) / 8
            new[(o * larger[axis] + k) * stride + i] = value
          }
        }
      }
      (values, size) = (new, larger)
    }
    result.points = values
    return result
  }

  /// The first of the four control points along an axis at a voxel, and their weights.
  private func weights(_ axis: Int, _ place: Int) -> (first: Int, weights: SIMD4<Double>) {
    guard spans[axis] > 0 else { return (0, [1, 0, 0, 0]) }
    let position = Double(place * spans[axis]) / Double(imageSize[axis] - 1)
    let first = min(Int(position), spans[axis] - 1)
    let t = position - Double(first)
    let u = 1 - t
    return (
      first,
      [
        u * u * u / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * u * u * u - 6 * u * u + 4) / 6,
        t * t * t / 6,
      ]
    )
  }

  /// The field at every voxel.
  func values(size: SIMD3<Int>) -> [Float] {
    let tables = (0..<3).map { axis in (0..<size[axis]).map { weights(axis, $0) } }
    let counts = counts
    let taps = (0..<3).map { spans[$0] > 0 ? 4 : 1 }
    return .filled(count: size.x * size.y * size.z, pieces: size.y * size.z) { rows, target in
      var line = [Double](repeating: 0, count: counts.x)
      for row in rows {
        let (y, z) = (tables[1][row % size.y], tables[2][row / size.y])
        for i in 0..<counts.x {
          var sum = 0.0
          for c in 0..<taps[2] {
            for b in 0..<taps[1] {
              let place = ((z.first + c) * counts.y + y.first + b) * counts.x + i
              sum += z.weights[c] * y.weights[b] * points[place]
            }
          }
          line[i] = sum
        }
        for x in 0..<size.x {
          let (first, w) = tables[0][x]
          var sum = 0.0
          for a in 0..<taps[0] { sum += w[a] * line[first + a] }
          target[row * size.x + x] = Float(sum)
        }
      }
    }
  }

  /// The splines' weights at given voxels.
  struct Basis: Sendable {
    fileprivate let firsts: [SIMD3<Int32>]
    fileprivate let x: [SIMD4<Float>]
    fileprivate let y: [SIMD4<Float>]
    fileprivate let z: [SIMD4<Float>]
    fileprivate let taps: SIMD3<Int>
    /// Voxels that one piece of a sum takes, whatever the number of threads.
    private static let piece = 8192

    /// Control points that fit values at the voxels, each by itself, averaged where they share points.
    func fitted(_ values: [Float], lattice: SplineLattice) -> [Double] {
      let (counts, length) = (lattice.counts, lattice.points.count)
      let pieces = (values.count + Self.piece - 1) / Self.piece
      var sums = [Double](repeating: 0, count: 2 * length * pieces)
      sums.withUnsafeMutableBufferPointer { room in
        guard let base = room.baseAddress else { return }
        let memory = SharedPointer(base)
        Parallelism.forEach(pieces) { piece in
          let (upper, lower) = (
            memory.pointer + 2 * piece * length, memory.pointer + (2 * piece + 1) * length
          )
          for i in piece * Self.piece..<min(values.count, (piece + 1) * Self.piece) {
            let (x, y, z) = (x[i], y[i], z[i])
            // The sum of the squares of a product is the product of the sums.
            let total = (x * x).sum() * (y * y).sum() * (z * z).sum()
            let value = values[i] / total
            let first = firsts[i]
            for c in 0..<taps.z {
              for b in 0..<taps.y {
                let start =
                  ((Int(first.z) + c) * counts.y + Int(first.y) + b) * counts.x + Int(first.x)
                let outer = y[b] * z[c]
                for a in 0..<taps.x {
                  let w = x[a] * outer
                  let square = w * w
                  upper[start + a] += Double(square * w * value)
                  lower[start + a] += Double(square)
                }
              }
            }
          }
        }
      }
      return (0..<length).map { i in
        var (upper, lower) = (0.0, 0.0)
        for piece in 0..<pieces {
          upper += sums[2 * piece * length + i]
          lower += sums[(2 * piece + 1) * length + i]
        }
        return lower > 0 ? upper / lower : 0
      }
    }

    /// The field at the voxels.
    func evaluated(_ lattice: SplineLattice) -> [Float] {
      let counts = lattice.counts
      let points = lattice.points.map { Float($0) }
      return .filled(count: firsts.count, pieces: firsts.count) { range, target in
        for i in range {
          let (x, y, z, first) = (x[i], y[i], z[i], firsts[i])
          var sum: Float = 0
          for c in 0..<taps.z {
            for b in 0..<taps.y {
              let start =
                ((Int(first.z) + c) * counts.y + Int(first.y) + b) * counts.x + Int(first.x)
              let outer = y[b] * z[c]
              for a in 0..<taps.x { sum += x[a] * outer * points[start + a] }
            }
          }
          target[i] = sum
        }
      }
    }
  }

  /// The weights at voxels.
  func basis(at places: [SIMD3<Int>]) -> Basis {
    let tables = (0..<3).map { axis in (0..<imageSize[axis]).map { weights(axis, $0) } }
    func column(_ axis: Int) -> [SIMD4<Float>] {
      places.map { SIMD4<Float>(tables[axis][$0[axis]].weights) }
    }
    return Basis(
      firsts: places.map { place in
        SIMD3(
          Int32(tables[0][place.x].first),
          Int32(tables[1][place.y].first),
          Int32(tables[2][place.z].first)
        )
      },
      x: column(0),
      y: column(1),
      z: column(2),
      taps: SIMD3(spans.x > 0 ? 4 : 1, spans.y > 0 ? 4 : 1, spans.z > 0 ? 4 : 1)
    )
  }
}
