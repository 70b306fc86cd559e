import Pipelines
import Transforms

/// One axis of an image, cut into windows of one length that overlap.
///
/// The axis is lengthened by mirroring to a multiple of what the network needs; windows begin at
/// multiples of it, so that a network that halves its maps halves them at the same places as in the whole
/// image. The first and the last window end with the axis, where the network pads as it would pad the
/// whole image.
package struct AxisWindows: Sendable {
  /// A window: where it begins, and the share of its values in the result.
  package struct Window: Sendable, Equatable {
    /// The first place.
    package let start: Int
    /// One weight for each place; over all windows they add up to 1 at each place of the axis.
    package let weights: [Float]
    /// Where weights are not 0.
    package let used: Range<Int>
  }

  /// Places of the axis itself.
  package let size: Int
  /// Places of a window.
  package let length: Int
  /// The windows, from the first place to the last.
  package let windows: [Window]
  /// The place of the axis that each place of the lengthened axis takes its value from.
  package let sources: [Int]

  /// Cuts an axis.
  /// - Parameters:
  ///   - size: Places of the axis.
  ///   - patch: Places of a window, a multiple of `multiple`; shorter axes are one window.
  ///   - halo: Places at each side of a window that are left to its neighbours.
  ///   - multiple: What the network needs.
  ///   - seam: How windows are joined.
  package init(size: Int, patch: Int, halo: Int, multiple: Int, seam: EnhancementPlan.Seam) {
    precondition(size > 0 && patch % multiple == 0, "windows of \(patch) in steps of \(multiple)")
    self.size = size
    let padded = (size + multiple - 1) / multiple * multiple
    sources = (0..<padded).map { Mirror.atCenters($0, size) }
    guard padded > patch else {
      length = padded
      windows = [
        Window(start: 0, weights: [Float](repeating: 1, count: padded), used: 0..<padded)
      ]
      return
    }
    length = patch
    // Where a halo leaves less than the network's step, half the window is shared.
    let step = max(multiple, (patch - 2 * halo) / multiple * multiple)
    let surplus = padded - patch
    let count = (surplus + step - 1) / step + 1
    let starts = (0..<count).map {
      $0 == count - 1 ? surplus : $0 * surplus / (count - 1) / multiple * multiple
    }
    windows =
      switch seam {
      case .exact: Self.exact(starts, length: patch, padded: padded)
      case .blended: Self.blended(starts, length: patch, padded: padded)
      }
  }

  /// Neighbours meet in the middle of what they share.
  private static func exact(_ starts: [Int], length: Int, padded: Int) -> [Window] {
    let borders = zip(starts, starts.dropFirst()).map { ($0 + length + $1) / 2 }
    return starts.indices.map { index in
      let from = index == 0 ? 0 : borders[index - 1] - starts[index]
      let to = index == starts.count - 1 ? length : borders[index] - starts[index]
      return Window(
        start: starts[index],
        weights: (0..<length).map { from..<to ~= $0 ? 1 : 0 },
        used: from..<to
      )
    }
  }

  /// Weights fall linearly towards a window's ends within the axis.
  private static func blended(_ starts: [Int], length: Int, padded: Int) -> [Window] {
    var total = [Float](repeating: 0, count: padded)
    let raw = starts.indices.map { index in
      (0..<length).map { place -> Float in
        let left = index == 0 ? length : place + 1
        let right = index == starts.count - 1 ? length : length - place
        return Float(min(left, right, length))
      }
    }
    for (start, weights) in zip(starts, raw) {
      for (place, weight) in weights.enumerated() { total[start + place] += weight }
    }
    return zip(starts, raw).map { start, weights in
      Window(
        start: start,
        weights: weights.enumerated().map { $1 / total[start + $0] },
        used: 0..<length
      )
    }
  }
}
