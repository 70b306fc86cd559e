import Foundation

/// The discrete Fourier transform of a length, of several signals side by side.
///
/// X[k] = Σ x[j] e^(−2πi jk / n); the inverse has the factor 1/n. Any length works: it is split into
/// factors 4, 2, 3, 5, and other primes, whose cost grows with their square. Stockham's form, which
/// needs no reordering (Cochran et al., 1967, "What is the fast Fourier transform?"). The signals'
/// loop is the innermost, so that it becomes vector instructions. A library was not chosen: FFTW is
/// under the GPL, and Debian has no other than clFFT.
package struct FourierTransform: Sendable {
  /// The number of samples.
  package let count: Int
  private let factors: [Int]
  /// cos and −sin of 2π k / count.
  private let cosines: [Double]
  private let sines: [Double]

  /// Prepares a length.
  /// - Precondition: At least 1.
  package init(count: Int) {
    precondition(count > 0, "a transform of \(count) samples")
    self.count = count
    var (rest, factors) = (count, [Int]())
    for prime in [4, 2, 3, 5] {
      while rest % prime == 0 {
        factors.append(prime)
        rest /= prime
      }
    }
    var divisor = 7
    while rest > 1 {
      if divisor * divisor > rest { divisor = rest }
      while rest % divisor == 0 {
        factors.append(divisor)
        rest /= divisor
      }
      divisor += 2
    }
    self.factors = factors
    cosines = (0..<count).map { cos(2 * .pi * Double($0) / Double(count)) }
    sines = (0..<count).map { -sin(2 * .pi * Double($0) / Double(count)) }
  }

  /// Transforms in place.
  /// - Parameters:
  ///   - real: Real parts: `count` rows of `width` signals.
  ///   - imaginary: Imaginary parts.
  ///   - room: Room for as many complex numbers: twice the length of `real`.
  ///   - width: The number of signals.
  ///   - isInverse: Whether back.
  func apply(
    _ real: UnsafeMutablePointer<Double>,
    _ imaginary: UnsafeMutablePointer<Double>,
    room: UnsafeMutablePointer<Double>,
    width: Int,
    isInverse: Bool
  ) {
    // The inverse is the transform with real and imaginary parts exchanged.
    var from = isInverse ? (imaginary, real) : (real, imaginary)
    let all = count * width
    var to = (room, room + all)
    let (first, second) = from
    var (length, stride) = (count, 1)
    for factor in factors {
      pass(from, to, length: length, stride: stride, factor: factor, width: width)
      length /= factor
      stride *= factor
      (from, to) = (to, from)
    }
    let scale = isInverse ? 1 / Double(count) : 1
    if from.0 != first || isInverse {
      for i in 0..<all {
        first[i] = from.0[i] * scale
        second[i] = from.1[i] * scale
      }
    }
  }

  /// The transforms of signals side by side.
  /// - Parameters:
  ///   - real: Real parts: `count` rows of `width` signals.
  ///   - imaginary: Imaginary parts; 0 when left out.
  ///   - width: The number of signals.
  ///   - isInverse: Whether back.
  /// - Returns: As many complex numbers.
  package func transformed(
    _ real: [Double],
    _ imaginary: [Double]? = nil,
    width: Int = 1,
    isInverse: Bool = false
  ) -> (real: [Double], imaginary: [Double]) {
    precondition(real.count == count * width, "\(real.count) values for \(width) of \(count)")
    var (re, im) = (real, imaginary ?? .init(repeating: 0, count: real.count))
    var room = [Double](repeating: 0, count: 2 * real.count)
    re.withUnsafeMutableBufferPointer { a in
      im.withUnsafeMutableBufferPointer { b in
        room.withUnsafeMutableBufferPointer { c in
          if let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress {
            apply(a, b, room: c, width: width, isInverse: isInverse)
          }
        }
      }
    }
    return (re, im)
  }

  private typealias Parts = (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>)

  /// One factor's butterflies.
  private func pass(
    _ from: Parts,
    _ to: Parts,
    length: Int,
    stride: Int,
    factor: Int,
    width: Int
  ) {
    let rest = length / factor
    // Signals of one place of one subsequence, which are treated alike.
    let run = stride * width
    let turn = count / length
    for j in 0..<rest {
      for k in 0..<factor {
        let (r, i) = (to.0 + (factor * j + k) * run, to.1 + (factor * j + k) * run)
        for t in 0..<factor {
          // e^(−2πi (t k / factor + j k / length)).
          let angle = (t * k % factor * (count / factor) + j * k * turn) % count
          let (c, s) = (cosines[angle], sines[angle])
          let (a, b) = (from.0 + (j + rest * t) * run, from.1 + (j + rest * t) * run)
          if t == 0 {
            for q in 0..<run {
              r[q] = c * a[q] - s * b[q]
              i[q] = s * a[q] + c * b[q]
            }
          } else {
            for q in 0..<run {
              r[q] += c * a[q] - s * b[q]
              i[q] += s * a[q] + c * b[q]
            }
          }
        }
      }
    }
  }
}
