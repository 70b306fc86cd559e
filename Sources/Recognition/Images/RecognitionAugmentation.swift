import Foundation
import Support

/// How far random changes of training images may go.
public struct RecognitionAugmentation: Codable, Sendable, Equatable {
  /// The chance of mirrored columns; 0 where left and right differ, as in chests and digits.
  public var mirrorProbability = 0.0
  /// The largest turn, degrees.
  public var rotationDegrees = 10.0
  /// The largest magnification or reduction, as a share.
  public var scaling = 0.1
  /// The largest shift, as a share of the size.
  public var shift = 0.08
  /// The largest change of brightness, as a share of the range of intensities.
  public var brightness = 0.1
  /// The largest change of contrast, as a share.
  public var contrast = 0.15
  /// The chance that a rectangle is hidden.
  ///
  /// Zhong, Zheng, Kang, Li and Yang 2020, "Random Erasing Data Augmentation".
  public var erasingProbability = 0.0

  /// Creates the defaults that the properties show.
  public init() {}

  /// No change at all.
  public static let none = {
    var result = RecognitionAugmentation()
    result.rotationDegrees = 0
    result.scaling = 0
    result.shift = 0
    result.brightness = 0
    result.contrast = 0
    return result
  }()

  /// Changes an image by numbers that are drawn.
  ///
  /// Turned, magnified and shifted about its middle, interpolated linearly; outside is the nearest pixel.
  /// - Parameters:
  ///   - values: One plane after another, on the scale on which the range of intensities is 1.
  ///   - height: Rows of a plane.
  ///   - width: Columns of a plane.
  ///   - labels: The last planes are of a label map, which moves with the image and keeps its values.
  ///   - random: The stream to draw from.
  /// - Returns: The changed planes.
  package func applied(
    to values: ArraySlice<Float>,
    height: Int,
    width: Int,
    labels: Int = 0,
    _ random: inout RandomStream
  ) -> [Float] {
    func draw(_ limit: Double) -> Double { limit * (2 * random.uniform() - 1) }
    let mirror: Double = random.uniform() < mirrorProbability ? -1 : 1
    let angle = draw(rotationDegrees) * .pi / 180
    let factor = 1 / (1 + draw(scaling))
    let (down, right) = (draw(shift) * Double(height), draw(shift) * Double(width))
    let (offset, gain) = (Float(draw(brightness)), Float(1 + draw(contrast)))
    let (c, s) = (Float(cos(angle) * factor), Float(sin(angle) * factor))
    let (middleY, middleX) = (Float(height - 1) / 2, Float(width - 1) / 2)
    let area = height * width
    let channels = values.count / area
    var result = [Float](repeating: 0, count: values.count)
    values.withUnsafeBufferPointer { source in
      for y in 0..<height {
        for x in 0..<width {
          let v = Float(y) - middleY - Float(down)
          let u = Float(mirror) * (Float(x) - middleX - Float(right))
          let sourceX = min(max(c * u + s * v + middleX, 0), Float(width - 1))
          let sourceY = min(max(c * v - s * u + middleY, 0), Float(height - 1))
          let (left, top) = (Int(sourceX), Int(sourceY))
          let (shareX, shareY) = (sourceX - Float(left), sourceY - Float(top))
          let next = left + 1 < width ? 1 : 0
          let below = top + 1 < height ? width : 0
          for channel in 0..<channels {
            let first = channel * area + top * width + left
            let upper = source[first] + shareX * (source[first + next] - source[first])
            let lower =
              source[first + below] + shareX
              * (source[first + below + next] - source[first + below])
            let value = upper + shareY * (lower - upper)
            result[channel * area + y * width + x] =
              channel < channels - labels ? (value - 0.5) * gain + 0.5 + offset : value
          }
        }
      }
    }
    if random.uniform() < erasingProbability {
      let rows = max(1, Int(Double(height) * random.uniform(in: 0.1..<0.4)))
      let columns = max(1, Int(Double(width) * random.uniform(in: 0.1..<0.4)))
      let top = Int(random.uniform() * Double(height - rows + 1))
      let left = Int(random.uniform() * Double(width - columns + 1))
      let shade = Float(random.uniform())
      for channel in 0..<channels - labels {
        for y in top..<top + rows {
          for x in left..<left + columns { result[channel * area + y * width + x] = shade }
        }
      }
    }
    return result
  }
}
