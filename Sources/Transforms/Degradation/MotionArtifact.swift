import Foundation

/// A head that moves between the lines of k-space.
///
/// Lines along the axis of phase encoding are taken one after the other, the lowest frequency first; from
/// the share of lines at which a pose begins, lines are those of the image in that pose (the rigid form of
/// Shaw et al., 2019, "MRI k-space motion artefact augmentation"). A pose is a rotation in the plane of x
/// and y about the slice's middle, by cubic interpolation, and a translation, which is a ramp of phases.
/// The result is the magnitude. Beyond the border rotated images continue with the outermost voxels.
package struct MotionArtifact: Degradation {
  /// Where the head is from a time on.
  package struct Pose: Codable, Sendable, Equatable {
    /// Share of the lines after which it begins, 0 to 1.
    package var start: Double
    /// Shift along x, y and z, mm.
    package var translationMM: SIMD3<Double>
    /// Turn from x to y, degrees.
    package var rotationDegrees: Double

    /// Fixes the numbers.
    package init(start: Double, translationMM: SIMD3<Double>, rotationDegrees: Double) {
      (self.start, self.translationMM) = (start, translationMM)
      self.rotationDegrees = rotationDegrees
    }
  }

  /// The poses; before the first the head is at rest.
  package var poses: [Pose]
  /// The axis of phase encoding: 0, 1 or 2.
  package var axis: Int

  /// Fixes the numbers.
  package init(poses: [Pose], axis: Int) { (self.poses, self.axis) = (poses, axis) }

  package func validate() throws(TransformsError) {
    try check("axis", Double(axis), 0...2)
    for pose in poses {
      try check("start", pose.start, 0...1)
      try check("rotation", pose.rotationDegrees, -180...180)
      for k in 0..<3 { try check("translation", pose.translationMM[k], -1000...1000) }
    }
  }

  package func degraded(_ image: FilterImage) -> [Float] {
    let size = image.size
    guard !poses.isEmpty, size[axis] > 1 else { return image.values }
    var spectrum = ComplexImage(image.values, size: size)
    spectrum.transform(isInverse: false)
    let sorted = poses.sorted { $0.start < $1.start }
    for (k, pose) in sorted.enumerated() {
      let end = k + 1 < sorted.count ? sorted[k + 1].start : 1
      // Line number l of n begins at the time l / n.
      let n = Double(size[axis])
      let lines = (0..<size[axis]).filter {
        let time = Double(ComplexImage.frequency($0, size[axis]) + size[axis] / 2) / n
        return time >= pose.start && (time < end || k + 1 == sorted.count)
      }
      guard !lines.isEmpty else { continue }
      var moved = ComplexImage(Self.rotated(image, degrees: pose.rotationDegrees), size: size)
      moved.transform(isInverse: false)
      Self.replace(lines, axis, of: &spectrum, by: moved, pose.translationMM / image.spacing)
    }
    spectrum.transform(isInverse: true)
    return spectrum.magnitudes
  }

  /// Takes lines over, with the phases of a translation in voxels.
  private static func replace(
    _ lines: [Int],
    _ axis: Int,
    of spectrum: inout ComplexImage,
    by moved: ComplexImage,
    _ shift: SIMD3<Double>
  ) {
    let size = moved.size
    let inner = axis == 0 ? 1 : axis == 1 ? size.x : size.x * size.y
    let isTaken = (0..<size[axis]).map(Set(lines).contains)
    let phases = (0..<3).map { axis in
      (0..<size[axis]).map {
        -2 * .pi * Double(ComplexImage.frequency($0, size[axis])) * shift[axis] / Double(size[axis])
      }
    }
    for i in moved.real.indices where isTaken[i / inner % size[axis]] {
      let angle =
        phases[0][i % size.x] + phases[1][i / size.x % size.y] + phases[2][i / (size.x * size.y)]
      let (c, s) = (Float(cos(angle)), Float(sin(angle)))
      spectrum.real[i] = c * moved.real[i] - s * moved.imaginary[i]
      spectrum.imaginary[i] = s * moved.real[i] + c * moved.imaginary[i]
    }
  }

  /// Every slice turned about its middle.
  private static func rotated(_ image: FilterImage, degrees: Double) -> [Float] {
    guard degrees != 0 else { return image.values }
    let (size, spacing) = (image.size, image.spacing)
    let (c, s) = (cos(degrees * .pi / 180), sin(degrees * .pi / 180))
    let middle = SIMD2(Double(size.x - 1), Double(size.y - 1)) / 2
    return .filled(count: image.values.count, pieces: size.y * size.z) { rows, target in
      for row in rows {
        let (y, z) = (row % size.y, row / size.y)
        for x in 0..<size.x {
          let u = (Double(x) - middle.x) * spacing.x
          let v = (Double(y) - middle.y) * spacing.y
          let from = SIMD2(c * u + s * v, c * v - s * u) / SIMD2(spacing.x, spacing.y) + middle
          target[row * size.x + x] = cubic(image.values, size, z, from)
        }
      }
    }
  }

  /// Catmull and Rom's interpolation within a slice.
  private static func cubic(
    _ values: [Float],
    _ size: SIMD3<Int>,
    _ z: Int,
    _ place: SIMD2<Double>
  ) -> Float {
    let base = place.rounded(.down)
    let part = SIMD2<Float>(place - base)
    func weights(_ t: Float) -> [Float] {
      let u = 1 - t
      return [
        -0.5 * t * u * u, 1 + t * t * (1.5 * t - 2.5), 1 + u * u * (1.5 * u - 2.5),
        -0.5 * u * t * t,
      ]
    }
    let (wx, wy) = (weights(part.x), weights(part.y))
    var sum: Float = 0
    for j in 0..<4 {
      let y = min(max(Int(base.y) + j - 1, 0), size.y - 1)
      for i in 0..<4 {
        let x = min(max(Int(base.x) + i - 1, 0), size.x - 1)
        sum += wx[i] * wy[j] * values[(z * size.y + y) * size.x + x]
      }
    }
    return sum
  }
}
