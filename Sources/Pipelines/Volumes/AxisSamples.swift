import Imaging
import Support

/// Where the samples of a new axis lie between those of an old one.
///
/// Numbers are found as PyTorch's `affine_grid` and `grid_sample` find them in double precision, by way
/// of coordinates from −1 to 1, because the nearest sample of a place halfway between two depends on
/// the last bit.
package struct AxisSamples: Equatable, Sendable {
  /// The old samples on either side.
  private(set) var lower: [Int] = []
  private(set) var upper: [Int] = []
  /// Their weights; 0 for what lies outside.
  private(set) var lowerWeight: [Double] = []
  private(set) var upperWeight: [Double] = []
  /// The old axis's number of samples.
  package let sourceCount: Int

  package var count: Int { lower.count }

  /// - Parameters:
  ///   - count: Samples of the new axis.
  ///   - step: Old samples for each new one.
  ///   - shift: The first new sample's place, in old samples.
  ///   - sourceCount: Samples of the old axis.
  ///   - interpolation: How values between samples are found.
  ///   - padding: What lies outside.
  package init(
    count: Int,
    step: Double,
    shift: Double = 0,
    sourceCount: Int,
    interpolation: VolumeStep.Interpolation,
    padding: VolumeStep.Padding
  ) {
    self.sourceCount = sourceCount
    let (old, new) = (Double(sourceCount), Double(count))
    // The map from new to old indices, in coordinates from −1 to 1 of the outer edges.
    let scale = 2 / old * step
    let offset = 2 / old * shift + (1 / old - 1)
    let slope = scale / (2 / new)
    let start = scale * (-(1 / new - 1) / (2 / new)) + offset
    for index in 0..<count {
      let place = Self.evenly(index, count) * ((new - 1) / new) * slope + start
      var position = ((place + 1) * old - 1) / 2
      if padding == .border { position = min(max(position, 0), old - 1) }
      switch interpolation {
      case .nearest:
        let nearest = position.rounded(.toNearestOrEven)
        append(nearest, weight: 1, nearest, weight: 0)
      case .linear:
        let below = position.rounded(.down)
        append(below, weight: below + 1 - position, below + 1, weight: position - below)
      }
    }
  }

  /// Both axes cover the same extent, and values beyond the outer samples are mirrored at them, as in
  /// scikit-image's `resize`.
  /// - Parameters:
  ///   - sourceCount: Samples of the old axis.
  ///   - count: Samples of the new axis.
  ///   - interpolation: How values between samples are found.
  package init(resizing sourceCount: Int, to count: Int, interpolation: VolumeStep.Interpolation) {
    self.sourceCount = sourceCount
    let ratio = Double(sourceCount) / Double(count)
    let last = sourceCount - 1
    func mirrored(_ index: Int) -> Int {
      let inside = index < 0 ? -index : index > last ? 2 * last - index : index
      return min(max(inside, 0), last)
    }
    for index in 0..<count {
      let position = (Double(index) + 0.5) * ratio - 0.5
      if interpolation == .nearest {
        let nearest = min(max(Int((position + 0.5).rounded(.down)), 0), last)
        append(Double(nearest), weight: 1, Double(nearest), weight: 0)
      } else {
        let below = position.rounded(.down)
        let (first, second) = (mirrored(Int(below)), mirrored(Int(below) + 1))
        append(
          Double(first),
          weight: below + 1 - position,
          Double(second),
          weight: position - below
        )
      }
    }
  }

  /// Numbers from −1 to 1, as PyTorch's `linspace` makes them from both ends.
  private static func evenly(_ index: Int, _ count: Int) -> Double {
    guard count > 1 else { return 0 }
    let step = 2 / Double(count - 1)
    return index < count / 2 ? -1 + step * Double(index) : 1 - step * Double(count - 1 - index)
  }

  private mutating func append(
    _ below: Double,
    weight belowWeight: Double,
    _ above: Double,
    weight aboveWeight: Double
  ) {
    let last = Double(sourceCount - 1)
    func isInside(_ place: Double) -> Bool { place >= 0 && place <= last }
    lower.append(Int(min(max(below, 0), last)))
    upper.append(Int(min(max(above, 0), last)))
    lowerWeight.append(isInside(below) ? belowWeight : 0)
    upperWeight.append(isInside(above) ? aboveWeight : 0)
  }
}

/// Another number of samples along each axis of an array whose axis 2 is fastest.
package struct GridSampler: Equatable, Sendable {
  package let axes: [AxisSamples]
  private let isNearest: Bool

  package init(_ axes: [AxisSamples]) {
    precondition(axes.count == 3)
    self.axes = axes
    isNearest = axes.allSatisfy { $0.upperWeight.allSatisfy { $0 == 0 } }
  }

  package var source: [Int] { axes.map(\.sourceCount) }
  package var target: [Int] { axes.map(\.count) }

  /// A whole array.
  package func applied(to values: [Float]) -> [Float] {
    let (source, target) = (source, target)
    let (from, to) = (source[1] * source[2], target[1] * target[2])
    return [Float](unsafeUninitializedCapacity: target[0] * to) { output, count in
      // Each thread writes the planes that it was given.
      let output = SharedPointer(output.baseAddress.unsafelyUnwrapped)
      values.withUnsafeBufferPointer { input in
        let input = SharedPointer(
          UnsafeMutablePointer(mutating: input.baseAddress.unsafelyUnwrapped)
        )
        Parallelism.forEach(target[0]) { plane in
          fill(
            output.pointer + plane * to,
            plane: plane,
            lower: UnsafePointer(input.pointer + axes[0].lower[plane] * from),
            upper: UnsafePointer(input.pointer + axes[0].upper[plane] * from)
          )
        }
      }
      count = target[0] * to
    }
  }

  /// One plane of the new array, from the two old ones on either side.
  package func fill(
    _ output: UnsafeMutablePointer<Float>,
    plane: Int,
    lower: UnsafePointer<Float>,
    upper: UnsafePointer<Float>
  ) {
    let (rows, columns, width) = (axes[1], axes[2], source[2])
    let (near, far) = (axes[0].lowerWeight[plane], axes[0].upperWeight[plane])
    for y in 0..<rows.count {
      let out = output + y * columns.count
      let (top, bottom) = (rows.lower[y] * width, rows.upper[y] * width)
      if isNearest {
        let weight = Float(near * rows.lowerWeight[y])
        for x in 0..<columns.count {
          let inside = weight * Float(columns.lowerWeight[x])
          out[x] = inside == 0 ? 0 : lower[top + columns.lower[x]]
        }
        continue
      }
      let (a, b) = (near * rows.lowerWeight[y], near * rows.upperWeight[y])
      let (c, d) = (far * rows.lowerWeight[y], far * rows.upperWeight[y])
      for x in 0..<columns.count {
        let (left, right) = (columns.lower[x], columns.upper[x])
        let (u, v) = (columns.lowerWeight[x], columns.upperWeight[x])
        // Weights of 0 leave values out, be they infinite.
        var sum = 0.0
        func add(_ value: Float, _ weight: Double) {
          if weight != 0 { sum += Double(value) * weight }
        }
        add(lower[top + left], a * u)
        add(lower[top + right], a * v)
        add(lower[bottom + left], b * u)
        add(lower[bottom + right], b * v)
        add(upper[top + left], c * u)
        add(upper[top + right], c * v)
        add(upper[bottom + left], d * u)
        add(upper[bottom + right], d * v)
        out[x] = Float(sum)
      }
    }
  }

  /// Labels of a whole array, for samplers that take the nearest.
  package func nearest(_ labels: [UInt16]) -> [UInt16] {
    let source = source
    var result: [UInt16] = []
    result.reserveCapacity(target.reduce(1, *))
    for z in 0..<axes[0].count {
      for y in 0..<axes[1].count {
        let isInside = axes[0].lowerWeight[z] != 0 && axes[1].lowerWeight[y] != 0
        let row = (axes[0].lower[z] * source[1] + axes[1].lower[y]) * source[2]
        for x in 0..<axes[2].count {
          let isHere = isInside && axes[2].lowerWeight[x] != 0
          result.append(isHere ? labels[row + axes[2].lower[x]] : 0)
        }
      }
    }
    return result
  }
}
