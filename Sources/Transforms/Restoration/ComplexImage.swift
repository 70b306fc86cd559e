import Support

/// A complex image, such as the k-space of an MR scan.
struct ComplexImage: Sendable {
  /// Real parts, x fastest.
  var real: [Float]
  /// Imaginary parts.
  var imaginary: [Float]
  /// Samples along x, y and z.
  let size: SIMD3<Int>

  /// An image without imaginary parts.
  init(_ real: [Float], size: SIMD3<Int>) {
    (self.real, self.size) = (real, size)
    imaginary = .init(repeating: 0, count: real.count)
  }

  /// The absolute values.
  var magnitudes: [Float] {
    zip(real, imaginary).map { ($0 * $0 + $1 * $1).squareRoot() }
  }

  /// The frequency that an index of a transform of `count` samples stands for: −n/2 ≤ k < n/2.
  static func frequency(_ index: Int, _ count: Int) -> Int {
    index < (count + 1) / 2 ? index : index - count
  }

  /// Transforms along one axis, in double precision.
  mutating func transform(axis: Int, isInverse: Bool) {
    let count = size[axis]
    guard count > 1 else { return }
    let plan = FourierTransform(count: count)
    let size = size
    let inner = axis == 0 ? 1 : axis == 1 ? size.x : size.x * size.y
    let lines = size.x * size.y * size.z / count
    let width = 8
    let groups = (lines + width - 1) / width
    real.withUnsafeMutableBufferPointer { real in
      imaginary.withUnsafeMutableBufferPointer { imaginary in
        guard let realBase = real.baseAddress, let imaginaryBase = imaginary.baseAddress else {
          return
        }
        let (re, im) = (SharedPointer(realBase), SharedPointer(imaginaryBase))
        Parallelism.forEachRange(groups) { range in
          var buffer = [Double](repeating: 0, count: 4 * count * width)
          buffer.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let (a, b) = (base, base + count * width)
            for group in range {
              let used = min(width, lines - group * width)
              for place in 0..<used {
                let line = group * width + place
                let start = line / inner * inner * count + line % inner
                for k in 0..<count {
                  a[k * width + place] = Double(re.pointer[start + k * inner])
                  b[k * width + place] = Double(im.pointer[start + k * inner])
                }
              }
              plan.apply(a, b, room: base + 2 * count * width, width: width, isInverse: isInverse)
              for place in 0..<used {
                let line = group * width + place
                let start = line / inner * inner * count + line % inner
                for k in 0..<count {
                  re.pointer[start + k * inner] = Float(a[k * width + place])
                  im.pointer[start + k * inner] = Float(b[k * width + place])
                }
              }
            }
          }
        }
      }
    }
  }

  /// Transforms along the first axes.
  mutating func transform(axes: Int = 3, isInverse: Bool) {
    for axis in 0..<axes { transform(axis: axis, isInverse: isInverse) }
  }
}
