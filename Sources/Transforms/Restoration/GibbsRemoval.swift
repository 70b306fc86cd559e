import Foundation

/// Ringing of truncated k-space taken away by shifts of less than a voxel.
///
/// Kellner et al., 2016, "Gibbs-ringing artifact removal based on local subvoxel-shifts". Every line is
/// sampled at `shifts` places on either side of each voxel; for each voxel the shift is taken whose
/// differences to the left or the right, `nearest` to `farthest` voxels away, are smallest, and the value is
/// interpolated from there. The two directions of a slice are weighted in k-space by
/// (1 + cos k_y) / ((1 + cos k_x) + (1 + cos k_y)), and the other way round. Slices by themselves, always: that
/// is how they are acquired. dipy's variant takes a shift on either side and interpolates between both. Images that were interpolated by zero filling need their own grid first.
package struct GibbsRemoval: VolumeFilter {
  package static let name = "unring"
  package static let removesNoise = false
  package static let paper =
    "Kellner et al. 2016, Gibbs-ringing artifact removal based on local subvoxel-shifts"
  package static let parameters = [
    FilterParameter("shifts", 20, 1...100, isWhole: true, "shifts on either side, within a voxel"),
    FilterParameter("nearest", 1, 1...10, isWhole: true, "nearest difference looked at, voxels"),
    FilterParameter("farthest", 3, 1...30, isWhole: true, "farthest difference looked at, voxels"),
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package func filtered(_ image: FilterImage) -> [Float] {
    let size = image.size
    let directions = (0..<2).filter { size[$0] > 2 * values.whole("farthest") + 1 }
    guard !directions.isEmpty else { return image.values }
    var spectrum = ComplexImage(image.values, size: size)
    spectrum.transform(axes: 2, isInverse: false)
    var result = [Float](repeating: 0, count: image.values.count)
    for axis in 0..<2 {
      var part = ComplexImage(Self.weighted(spectrum.real, size, axis), size: size)
      part.imaginary = Self.weighted(spectrum.imaginary, size, axis)
      part.transform(axes: 2, isInverse: true)
      let lines = directions.contains(axis) ? unrung(part.real, size, axis) : part.real
      for i in result.indices { result[i] += lines[i] }
    }
    return result
  }

  /// The part of k-space that is treated along an axis.
  private static func weighted(_ values: [Float], _ size: SIMD3<Int>, _ axis: Int) -> [Float] {
    @Sendable func wave(_ k: Int, _ n: Int) -> Double { 1 + cos(2 * .pi * Double(k) / Double(n)) }
    return .filled(count: values.count, pieces: size.y * size.z) { rows, target in
      for row in rows {
        let other = wave(row % size.y, size.y)
        for x in 0..<size.x {
          let here = wave(x, size.x)
          let sum = here + other
          // Both are 0 at the corner of k-space; the halves add up to all of it.
          let share = sum > 1e-12 ? (axis == 0 ? other : here) / sum : 0.5
          target[row * size.x + x] = values[row * size.x + x] * Float(share)
        }
      }
    }
  }

  /// Lines along an axis without their ringing.
  private func unrung(_ values: [Float], _ size: SIMD3<Int>, _ axis: Int) -> [Float] {
    let n = size[axis]
    let plan = FourierTransform(count: n)
    let (inner, lines) = axis == 0 ? (1, size.y * size.z) : (size.x, size.x * size.z)
    let half = self.values.whole("shifts")
    let shifts = (-half...half).map { Double($0) / Double(2 * half + 1) }
    let window =
      self.values.whole(
        "nearest"
      )...max(
        self.values.whole("nearest"),
        self.values.whole("farthest")
      )
    return .filled(count: values.count, pieces: lines) { range, target in
      var room = Line(plan: plan, shifts: shifts, window: window)
      for line in range {
        let start = line / inner * inner * n + line % inner
        room.restore((0..<n).map { Double(values[start + $0 * inner]) }) { place, value in
          target[start + place * inner] = Float(value)
        }
      }
    }
  }

  /// One line at all shifts, side by side.
  private struct Line {
    let plan: FourierTransform
    let shifts: [Double]
    let window: ClosedRange<Int>
    /// e^(2πi k s / n) for every frequency and shift; 0 beyond the highest that has a sign.
    private let cosines: [Double]
    private let sines: [Double]
    private var real: [Double]
    private var imaginary: [Double]
    private var room: [Double]

    init(plan: FourierTransform, shifts: [Double], window: ClosedRange<Int>) {
      (self.plan, self.shifts, self.window) = (plan, shifts, window)
      let n = plan.count
      var (cosines, sines) = ([Double](), [Double]())
      for index in 0..<n {
        let k = ComplexImage.frequency(index, n)
        for shift in shifts {
          let angle = 2 * .pi * Double(k) * shift / Double(n)
          // The middle of an even spectrum has no partner: only its real part is a real signal.
          cosines.append(cos(angle))
          sines.append(2 * k == -n ? 0 : sin(angle))
        }
      }
      (self.cosines, self.sines) = (cosines, sines)
      real = .init(repeating: 0, count: n * shifts.count)
      imaginary = real
      room = .init(repeating: 0, count: 2 * n * shifts.count)
    }

    mutating func restore(_ line: [Double], _ store: (Int, Double) -> Void) {
      let (n, width) = (plan.count, shifts.count)
      let (re, im) = plan.transformed(line)
      for k in 0..<n {
        for s in k * width..<(k + 1) * width {
          real[s] = re[k] * cosines[s] - im[k] * sines[s]
          imaginary[s] = re[k] * sines[s] + im[k] * cosines[s]
        }
      }
      real.withUnsafeMutableBufferPointer { a in
        imaginary.withUnsafeMutableBufferPointer { b in
          room.withUnsafeMutableBufferPointer { c in
            if let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress {
              plan.apply(a, b, room: c, width: width, isInverse: true)
            }
          }
        }
      }
      for place in 0..<n { store(place, value(at: place)) }
    }

    /// The value at a voxel from the shift of the least variation.
    private func value(at place: Int) -> Double {
      let (n, width) = (plan.count, shifts.count)
      func sample(_ offset: Int, _ shift: Int) -> Double {
        let index = ((place + offset) % n + n) % n
        return real[index * width + shift]
      }
      var (best, least) = (width / 2, Double.infinity)
      for shift in 0..<width {
        var (left, right) = (0.0, 0.0)
        for k in window {
          left += abs(sample(-k, shift) - sample(-k - 1, shift))
          right += abs(sample(k, shift) - sample(k + 1, shift))
        }
        let variation = min(left, right)
        // Rounding must not decide between shifts of flat lines.
        if variation < least * (1 - 1e-9) { (best, least) = (shift, variation) }
      }
      let shift = shifts[best]
      let here = sample(0, best)
      // The samples lie a shift beside the voxels; the voxel is between two of them.
      return shift >= 0
        ? here * (1 - shift) + sample(-1, best) * shift
        : here * (1 + shift) - sample(1, best) * shift
    }
  }
}
