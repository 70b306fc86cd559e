import Foundation

/// A stack of equally sized slices, such as a slice and its neighbours: `[channels][height][width]`.
public struct SliceStack: Sendable, Equatable {
  /// The number of slices.
  public let channels: Int
  /// Rows.
  public let height: Int
  /// Columns.
  public let width: Int
  /// The values, columns fastest.
  public var values: [Float]

  /// Creates a stack.
  /// - Parameters:
  ///   - channels: The number of slices.
  ///   - height: Rows.
  ///   - width: Columns.
  ///   - values: The values, columns fastest.
  /// - Precondition: As many values as the stack has pixels.
  public init(channels: Int, height: Int, width: Int, values: [Float]) {
    precondition(
      values.count == channels * height * width,
      "\(values.count) values for \(channels) x \(height) x \(width)"
    )
    self.channels = channels
    self.height = height
    self.width = width
    self.values = values
  }
}

/// A change of a slice stack and its labels with all its numbers fixed.
///
/// Geometry first, in one interpolation; then intensities, in the order of the properties. Intensities
/// are meant to be normalised (mean 0, deviation 1).
public struct SliceTransform: Sendable, Equatable {
  /// Rotation, radians, from the column axis towards the row axis.
  public var rotation = 0.0
  /// Magnification of the object along columns and rows.
  public var scale: SIMD2<Double> = [1, 1]
  /// Shear of columns along rows.
  public var shear = 0.0
  /// Shift of the object along columns and rows, pixels.
  public var translation: SIMD2<Double> = [0, 0]
  /// Whether columns run backwards.
  public var mirrorsColumns = false
  /// Standard deviation of a Gaussian blur, pixels; 0 for none.
  public var blur = 0.0
  /// Factor on the intensities.
  public var contrast = 1.0
  /// Added to the intensities.
  public var brightness = 0.0
  /// Exponent on the intensities rescaled to 0…1 (mean and deviation are kept); 1 for none.
  public var gamma = 1.0
  /// Standard deviation of white noise.
  public var noise = 0.0
  /// Seed of the noise.
  public var noiseSeed: UInt64 = 0

  /// Creates the identity.
  public init() {}

  /// Applies the transform.
  ///
  /// The result's pixel (0, 0) lies on the source's pixel `origin` before the transform moves anything;
  /// the transform turns and scales about the result's centre. Outside the source, images are 0 and
  /// labels background.
  /// - Parameters:
  ///   - stack: The slices.
  ///   - labels: Labels of the middle slice, row by row.
  ///   - height: Rows of the result.
  ///   - width: Columns of the result.
  ///   - origin: Row and column of the source under the result's first pixel; nil centres the source,
  ///     rounded down to whole pixels as prediction does.
  /// - Returns: Bilinearly interpolated slices and nearest labels of the result's size.
  public func apply(
    to stack: SliceStack,
    labels: [UInt16],
    height: Int,
    width: Int,
    origin: (row: Int, column: Int)? = nil
  ) -> (stack: SliceStack, labels: [UInt16]) {
    precondition(
      labels.count == stack.height * stack.width,
      "\(labels.count) labels for \(stack.height) x \(stack.width) pixels"
    )
    var (result, moved) = resampled(
      stack,
      labels: labels,
      height: height,
      width: width,
      origin: origin ?? (-((height - stack.height) / 2), -((width - stack.width) / 2))
    )
    if blur > 0 { result = blurred(result) }
    changeIntensities(&result.values)
    return (result, moved)
  }

  private func resampled(
    _ stack: SliceStack,
    labels: [UInt16],
    height: Int,
    width: Int,
    origin: (row: Int, column: Int)
  ) -> (SliceStack, [UInt16]) {
    // Result to source: undo translation, rotation, shear, scale and mirror, in this order.
    let (c, s) = (cos(rotation), sin(rotation))
    let mirror = mirrorsColumns ? -1.0 : 1.0
    let xx = mirror * (c + shear * -s) / scale.x
    let xy = mirror * (s + shear * c) / scale.x
    let (yx, yy) = (-s / scale.y, c / scale.y)
    let half = SIMD2(Double(width - 1), Double(height - 1)) / 2
    let sourceCenter = SIMD2(Double(origin.column), Double(origin.row)) + half
    let targetCenter = half + translation
    let plane = stack.height * stack.width
    var values = [Float](repeating: 0, count: stack.channels * height * width)
    var moved = [UInt16](repeating: 0, count: height * width)
    stack.values.withUnsafeBufferPointer { source in
      for row in 0..<height {
        for column in 0..<width {
          let dx = Double(column) - targetCenter.x
          let dy = Double(row) - targetCenter.y
          let x = sourceCenter.x + xx * dx + xy * dy
          let y = sourceCenter.y + yx * dx + yy * dy
          guard x > -1, y > -1, x < Double(stack.width), y < Double(stack.height) else { continue }
          let (nearX, nearY) = (Int((x + 0.5).rounded(.down)), Int((y + 0.5).rounded(.down)))
          if (0..<stack.width).contains(nearX), (0..<stack.height).contains(nearY) {
            moved[row * width + column] = labels[nearY * stack.width + nearX]
          }
          let (x0, y0) = (Int(x.rounded(.down)), Int(y.rounded(.down)))
          let (fx, fy) = (Float(x - Double(x0)), Float(y - Double(y0)))
          let hasLeft = x0 >= 0
          let hasRight = x0 + 1 < stack.width
          let hasTop = y0 >= 0
          let hasBottom = y0 + 1 < stack.height
          let base = y0 * stack.width + x0
          for channel in 0..<stack.channels {
            let start = channel * plane + base
            let a = hasLeft && hasTop ? source[start] : 0
            let b = hasRight && hasTop ? source[start + 1] : 0
            let d = hasLeft && hasBottom ? source[start + stack.width] : 0
            let e = hasRight && hasBottom ? source[start + stack.width + 1] : 0
            let top = a + fx * (b - a)
            let bottom = d + fx * (e - d)
            values[(channel * height + row) * width + column] = top + fy * (bottom - top)
          }
        }
      }
    }
    return (
      SliceStack(channels: stack.channels, height: height, width: width, values: values), moved
    )
  }

  /// Separable Gaussian of three deviations' reach; the border repeats.
  private func blurred(_ stack: SliceStack) -> SliceStack {
    let reach = max(1, Int((3 * blur).rounded(.up)))
    var kernel = (-reach...reach).map { Float(exp(-Double($0 * $0) / (2 * blur * blur))) }
    let total = kernel.reduce(0, +)
    kernel = kernel.map { $0 / total }
    func pass(_ source: [Float], along columns: Bool) -> [Float] {
      let (height, width) = (stack.height, stack.width)
      var result = source
      source.withUnsafeBufferPointer { values in
        for channel in 0..<stack.channels {
          for row in 0..<height {
            for column in 0..<width {
              var sum: Float = 0
              for (index, weight) in kernel.enumerated() {
                let offset = index - reach
                let r = columns ? row : min(max(row + offset, 0), height - 1)
                let c = columns ? min(max(column + offset, 0), width - 1) : column
                sum += weight * values[(channel * height + r) * width + c]
              }
              result[(channel * height + row) * width + column] = sum
            }
          }
        }
      }
      return result
    }
    var result = stack
    result.values = pass(pass(stack.values, along: true), along: false)
    return result
  }

  private func changeIntensities(_ values: inout [Float]) {
    if gamma != 1, let low = values.min(), let high = values.max(), high > low {
      let (mean, deviation) = moments(values)
      let (range, exponent) = (high - low, Float(gamma))
      for i in values.indices { values[i] = powf((values[i] - low) / range, exponent) }
      let (newMean, newDeviation) = moments(values)
      let factor = newDeviation > 0 ? deviation / newDeviation : 0
      for i in values.indices { values[i] = (values[i] - newMean) * factor + mean }
    }
    if contrast != 1 || brightness != 0 {
      let (a, b) = (Float(contrast), Float(brightness))
      for i in values.indices { values[i] = values[i] * a + b }
    }
    if noise > 0 {
      var stream = NoiseStream(seed: noiseSeed)
      let deviation = Float(noise)
      for i in values.indices { values[i] += deviation * stream.next() }
    }
  }

  private func moments(_ values: [Float]) -> (mean: Float, deviation: Float) {
    let count = Double(values.count)
    let mean = values.reduce(0.0) { $0 + Double($1) } / count
    let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return (Float(mean), Float((squares / count).squareRoot()))
  }
}
