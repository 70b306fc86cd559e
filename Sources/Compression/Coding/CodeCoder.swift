import Support

/// Codes the whole numbers of a network's code, channel by channel.
///
/// The contexts of a number are its channel and the magnitudes of those left, above and diagonal, and at the
/// same place in the channels before: what is large is large together.
package struct CodeCoder {
  private static let (activityLevels, depthLevels) = (12, 8)

  private let channels: Int
  private let numbers: WholeNumberCoder

  /// The largest magnitude that is coded.
  static let limit = 1 << 20

  /// Prepares to code the images of a file one after the other.
  /// - Parameter channels: Channels of the code.
  package init(channels: Int) {
    self.channels = channels
    numbers = WholeNumberCoder(
      contexts: (
        channels * Self.activityLevels, Self.activityLevels * Self.depthLevels * 3, channels * 27
      )
    )
  }

  /// Writes or reads the code of one image.
  /// - Parameters:
  ///   - source: `[channels, height, width]`; nil when reading.
  ///   - height: Rows.
  ///   - width: Columns.
  ///   - coder: The coder.
  /// - Returns: The numbers.
  package func code<Coder: BinaryCoding>(
    _ source: [Int32]?,
    height: Int,
    width: Int,
    _ coder: inout Coder
  ) -> [Int32] {
    let area = height * width
    var result = [Int32](repeating: 0, count: channels * area)
    // Sums of the magnitudes of all channels before, at each place.
    var depth = [Int](repeating: 0, count: area)
    result.withUnsafeMutableBufferPointer { values in
      for channel in 0..<channels {
        let first = channel * area
        for y in 0..<height {
          for x in 0..<width {
            let at = first + y * width + x
            let west = x > 0 ? Int(abs(values[at - 1])) : 0
            let north = y > 0 ? Int(abs(values[at - width])) : 0
            let northWest = x > 0 && y > 0 ? Int(abs(values[at - width - 1])) : 0
            let northEast = x + 1 < width && y > 0 ? Int(abs(values[at - width + 1])) : 0
            let before = channel > 0 ? Int(abs(values[at - area])) : 0
            let activity = WholeNumberCoder.token(
              2 * (west + north) + northWest + northEast
            ).token
            let place = y * width + x
            let deep = channel == 0 ? 0 : 4 * depth[place] / channel
            let contexts = (
              channel * Self.activityLevels + min(activity, Self.activityLevels - 1),
              (min(activity, Self.activityLevels - 1) * Self.depthLevels
                + min(WholeNumberCoder.token(deep).token, Self.depthLevels - 1)) * 3
                + min(before, 2),
              channel * 27 + (min(west, 2) * 3 + min(north, 2)) * 3 + min(before, 2)
            )
            let value = numbers.code(source.map { Int($0[at]) } ?? 0, contexts: contexts, &coder)
            values[at] = Int32(min(max(value, -Self.limit), Self.limit))
            depth[place] += Int(abs(values[at]))
          }
        }
      }
    }
    return result
  }
}
