import ImagingIO
import Pipelines

/// A sample of a picture or of a slice.
protocol RasterValue: BitwiseCopyable, Sendable {
  /// Its intensity.
  var intensity: Float { get }
  /// The value nearest to an intensity.
  init(nearest intensity: Float)
}

extension UInt8: RasterValue {
  var intensity: Float { Float(self) }
  init(nearest intensity: Float) { self = UInt8(intensity.rounded().clamped(0, 255)) }
}

extension Float {
  fileprivate func clamped(_ low: Float, _ high: Float) -> Float {
    self > low ? (self < high ? self : high) : low
  }
}

extension Float: RasterValue {
  var intensity: Float { self }
  init(nearest intensity: Float) { self = intensity }
}

/// Pixels from which a network's input is drawn.
struct RasterImage<Value: RasterValue>: Sendable {
  /// Columns.
  let width: Int
  /// Rows.
  let height: Int
  /// 1 or 3.
  let channels: Int
  /// Channel fastest, then x, then y.
  let values: [Value]
  /// How many pixels of the file along each axis one of these stands for.
  let reduction: Int
  /// Which intensities become 0 and 1; nil where all become 0.
  let scale: IntensityRange.Scale?

  /// The image with blocks of pixels averaged to one.
  /// - Parameter factor: Pixels of a block along each axis, at least 1; those at the far edges may be smaller.
  /// - Returns: The smaller image.
  func reduced(by factor: Int) -> RasterImage {
    guard factor > 1 else { return self }
    let (columns, rows) = ((width + factor - 1) / factor, (height + factor - 1) / factor)
    var result: [Value] = []
    result.reserveCapacity(columns * rows * channels)
    for row in 0..<rows {
      let ys = row * factor..<min(height, (row + 1) * factor)
      for column in 0..<columns {
        let xs = column * factor..<min(width, (column + 1) * factor)
        for channel in 0..<channels {
          var sum: Float = 0
          for y in ys {
            for x in xs { sum += values[(y * width + x) * channels + channel].intensity }
          }
          result.append(Value(nearest: sum / Float(xs.count * ys.count)))
        }
      }
    }
    return RasterImage(
      width: columns,
      height: rows,
      channels: channels,
      values: result,
      reduction: reduction * factor,
      scale: scale
    )
  }
}

extension RasterImage<UInt8> {
  /// A picture in the colours of a plan.
  ///
  /// Grey is the luma 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).
  /// - Parameters:
  ///   - picture: The picture.
  ///   - plan: The plan.
  init(_ picture: ColorImage, plan: RecognitionPlan) {
    let values: [UInt8]
    if plan.channels == 1 {
      values = (0..<picture.width * picture.height).map { pixel in
        let (red, green, blue) = (
          Float(picture.pixels[3 * pixel]), Float(picture.pixels[3 * pixel + 1]),
          Float(picture.pixels[3 * pixel + 2])
        )
        return UInt8(nearest: 0.299 * red + 0.587 * green + 0.114 * blue)
      }
    } else {
      values = picture.pixels
    }
    // Percentiles need the values; a constant picture has no range of its own.
    let isFixed = if case .fixed = plan.intensity { true } else { false }
    self.init(
      width: picture.width,
      height: picture.height,
      channels: plan.channels,
      values: values,
      reduction: 1,
      scale: plan.intensity.scale(for: isFixed ? [] : values.map { Float($0) })
    )
  }
}

extension RasterImage<Float> {
  /// A slice with the scale of its volume.
  /// - Parameters:
  ///   - values: Intensities, x fastest.
  ///   - width: Columns.
  ///   - height: Rows.
  ///   - scale: Which intensities become 0 and 1.
  ///   - channels: 1, or 3 for a network of colours, which sees the slice three times.
  init(
    slice values: ArraySlice<Float>,
    width: Int,
    height: Int,
    scale: IntensityRange.Scale?,
    channels: Int
  ) {
    self.init(
      width: width,
      height: height,
      channels: channels,
      values: channels == 1
        ? Array(values) : values.flatMap { [Float](repeating: $0, count: channels) },
      reduction: 1,
      scale: scale
    )
  }
}
