import Imaging
import Support

/// The exact Euclidean distance transform in linear time.
///
/// Felzenszwalb and Huttenlocher (2012, "Distance Transforms of Sampled Functions"): the lower
/// envelope of parabolas, one axis after the other; spacings may differ between the axes.
enum DistanceTransform {
  /// The squared distance of every voxel to the nearest target, mm².
  /// - Parameters:
  ///   - targets: Offsets of the target voxels.
  ///   - size: The grid, x fastest.
  ///   - spacing: Distance of voxel centres, mm.
  /// - Returns: One value a voxel; infinite everywhere when there is no target.
  static func squaredDistances(
    to targets: [Int],
    size: SIMD3<Int>,
    spacing: SIMD3<Double>
  ) -> [Float] {
    let count = size.x * size.y * size.z
    let field = AlignedBuffer<Float>(repeating: .infinity, count: count)
    for target in targets { field.mutableElements[target] = 0 }
    let strides = SIMD3(1, size.x, size.x * size.y)
    for axis in 0..<3 where size[axis] > 1 {
      let length = size[axis]
      let stride = strides[axis]
      // The lines along an axis start at the offsets whose index on that axis is 0.
      Parallelism.forEachRange(count / length, minimumChunk: 1 << 10) { lines in
        var envelope = Envelope(length: length, spacing: spacing[axis])
        for line in lines {
          let start = line / stride * stride * length + line % stride
          envelope.transform(field.pointer + start, stride: stride)
        }
      }
    }
    return Array(field.elements)
  }

  /// The lower envelope of the parabolas `f(q) + (s (p - q))²` of one line.
  private struct Envelope {
    let length: Int
    let spacing: Double
    var values: [Double]
    var vertices: [Int]
    var bounds: [Double]

    init(length: Int, spacing: Double) {
      self.length = length
      self.spacing = spacing
      values = .init(repeating: 0, count: length)
      vertices = .init(repeating: 0, count: length)
      bounds = .init(repeating: 0, count: length + 1)
    }

    mutating func transform(_ line: UnsafeMutablePointer<Float>, stride: Int) {
      let squaredSpacing = spacing * spacing
      var last = -1
      for q in 0..<length {
        let value = Double(line[q * stride])
        values[q] = value
        guard value.isFinite else { continue }
        // Where parabola q begins to lie below the last one of the envelope.
        var crossing = -Double.infinity
        while last >= 0 {
          let p = vertices[last]
          crossing =
            ((value - values[p]) / squaredSpacing + Double(q * q - p * p)) / Double(2 * (q - p))
          if crossing > bounds[last] { break }
          last -= 1
        }
        last += 1
        vertices[last] = q
        bounds[last] = last == 0 ? -.infinity : crossing
      }
      guard last >= 0 else { return }
      var current = 0
      for p in 0..<length {
        while current < last, bounds[current + 1] < Double(p) { current += 1 }
        let step = Double(p - vertices[current])
        line[p * stride] = Float(values[vertices[current]] + squaredSpacing * step * step)
      }
    }
  }
}
