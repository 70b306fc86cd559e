import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support

/// An image of one or several planes, as read: grey, red, green and blue, or slices of a volume.
package struct ImagePlanes: Sendable, Equatable {
  /// Rows of the image.
  package let height: Int
  /// Columns of the image.
  package let width: Int
  /// One plane after another, rows from the top.
  package var values: [Float]
  /// Planes of a label map of the same size, 0 to 1; empty without one.
  ///
  /// Only what fits images to a network sees them.
  package var labels: [Float] = []

  /// Creates an image.
  /// - Parameters:
  ///   - height: Rows.
  ///   - width: Columns.
  ///   - values: One plane after another, rows from the top.
  /// - Precondition: Whole planes.
  package init(height: Int, width: Int, values: [Float]) {
    precondition(
      height > 0 && width > 0 && !values.isEmpty && values.count % (height * width) == 0,
      "\(values.count) values for \(height) x \(width) pixels"
    )
    self.height = height
    self.width = width
    self.values = values
  }

  /// 1 for grey, 3 for colours, else the slices of a stack.
  package var channels: Int { values.count / (height * width) }

  /// The luma 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) of colours, or the grey values.
  package var grey: ImagePlanes {
    guard channels == 3 else { return self }
    let area = height * width
    return ImagePlanes(
      height: height,
      width: width,
      values: (0..<area).map {
        0.299 * values[$0] + 0.587 * values[area + $0] + 0.114 * values[2 * area + $0]
      }
    )
  }

  /// The image with so many channels: colours become grey, and grey three equal planes.
  /// - Parameter count: 1 or 3.
  /// - Returns: The image.
  package func with(channels count: Int) -> ImagePlanes {
    if count == channels { return self }
    if count == 1 { return grey }
    return ImagePlanes(height: height, width: width, values: values + values + values)
  }

  /// Reads a picture, its values on the scale of 8 bits; transparency is left out.
  /// - Parameter path: A PNG, JPEG, TIFF or BMP file; of several pages the first.
  /// - Throws: `ImagingIOError`; `SupportError.unreadable`; `RecognitionError.unsuitableImage` for
  ///   numbers that pictures do not have.
  package init(picture path: String) throws {
    let read = try PictureChannels.read(path)
    let deep: Bool
    switch read[0] {
    case .uint8: deep = false
    case .uint16: deep = true
    default:
      throw RecognitionError.unsuitableImage(
        path: path,
        reason: "its values are not whole numbers of 8 or 16 bits, as those of pictures are"
      )
    }
    let size = read[0].geometry.size
    // 65535 in 16 bits is 255.
    let planes = (read.count >= 3 ? read.prefix(3) : read.prefix(1)).map { plane in
      deep ? plane.asFloat.voxels.map { $0 / 257 } : plane.asFloat.voxels
    }
    self.init(height: size.y, width: size.x, values: Array(planes.joined()))
  }

  /// A slice of a volume, rows and columns as stored.
  /// - Parameters:
  ///   - volume: The volume.
  ///   - slice: The slice's number along the third axis.
  /// - Precondition: There is such a slice.
  package init(_ volume: Volume<Float>, slice: Int) {
    let size = volume.geometry.size
    let area = size.x * size.y
    self.init(
      height: size.y,
      width: size.x,
      values: Array(volume.voxels[slice * area..<(slice + 1) * area])
    )
  }

  /// The image on a grid of another size, over the same field of view.
  ///
  /// Separable, by a triangle as wide as the larger of the two pixels, so that reduced images do not
  /// alias; enlarged ones are interpolated linearly.
  /// - Parameters:
  ///   - newHeight: Rows.
  ///   - newWidth: Columns.
  /// - Returns: The image.
  /// - Precondition: Both are at least 1.
  package func resized(toHeight newHeight: Int, width newWidth: Int) -> ImagePlanes {
    if newHeight == height, newWidth == width { return self }
    let columns = AxisWeights(from: width, to: newWidth)
    let rows = AxisWeights(from: height, to: newHeight)
    var result = [Float](repeating: 0, count: channels * newHeight * newWidth)
    var between = [Float](repeating: 0, count: height * newWidth)
    for channel in 0..<channels {
      let first = channel * height * width
      for y in 0..<height {
        for x in 0..<newWidth {
          between[y * newWidth + x] = columns.sum(at: x) { values[first + y * width + $0] }
        }
      }
      for y in 0..<newHeight {
        for x in 0..<newWidth {
          result[(channel * newHeight + y) * newWidth + x] = rows.sum(at: y) {
            between[$0 * newWidth + x]
          }
        }
      }
    }
    return ImagePlanes(height: newHeight, width: newWidth, values: result)
  }
}

/// Which pixels of a line make up each of another.
struct AxisWeights {
  private var first: [Int] = []
  private var weights: [[Float]] = []

  init(from count: Int, to newCount: Int) {
    let step = Double(count) / Double(newCount)
    let reach = max(1, step)
    for place in 0..<newCount {
      let middle = (Double(place) + 0.5) * step - 0.5
      let low = max(0, Int((middle - reach).rounded(.down)) + 1)
      let high = min(count - 1, max(low, Int((middle + reach).rounded(.up)) - 1))
      var line = (low...max(low, high)).map { max(0, 1 - abs(Double($0) - middle) / reach) }
      var sum = line.reduce(0, +)
      if sum == 0 { (line[0], sum) = (1, 1) }
      first.append(low)
      weights.append(line.map { Float($0 / sum) })
    }
  }

  func sum(at place: Int, _ value: (Int) -> Float) -> Float {
    var sum: Float = 0
    for (offset, weight) in weights[place].enumerated() {
      sum += weight * value(first[place] + offset)
    }
    return sum
  }
}
