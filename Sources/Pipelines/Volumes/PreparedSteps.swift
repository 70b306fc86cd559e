import Foundation
import Imaging
import Support

/// A scan after a plan's steps, with what brings results back.
package struct PreparedSteps: Sendable {
  /// How a step's grid becomes the one before it.
  package enum Undo: Sendable {
    /// Axes as they were.
    case turn(ImageGeometry)
    /// Samples as they were: of scores, and of labels.
    case sample(scores: GridSampler, labels: GridSampler, ImageGeometry)
    /// The box as it was; `start` is the inner one's first sample in it.
    case place(start: [Int], ImageGeometry)
    /// The grid as it was, perhaps oblique to the inner one.
    case resample(ImageGeometry)
  }

  /// What the network sees.
  package private(set) var array: VolumeArray
  /// In the order of the steps.
  package private(set) var undos: [Undo] = []
  /// The middle of the scan in samples of the array.
  private(set) var middle: [Double]

  package init(_ scan: ScanChannels, steps: [VolumeStep]) throws {
    array = VolumeArray(scan)
    middle = array.size.map { Double($0 / 2) }
    for step in steps { try apply(step) }
  }

  private mutating func apply(_ step: VolumeStep) throws {
    switch step {
    case .orient(let code):
      undos.append(.turn(array.geometry))
      array.turn(to: VolumeArray.reversed(try Orientation(code: code)))
      middle = array.size.map { Double($0 / 2) }
    case .space(let mm, let interpolation, let padding):
      try space(mm, interpolation, padding)
    case .conform: try conform()
    case .resizeToMillimetres: try resize()
    case .headBox(let size): try place(headBox(size))
    case .cropForeground(let margin, let multiple, let allowsSmaller):
      try place(foreground(margin, multiple, allowsSmaller: allowsSmaller))
    case .padToMultiple(let multiple, let isSymmetric):
      let size = zip(array.size, multiple).map { ($0 + $1 - 1) / $1 * $1 }
      try place(padding(to: size, isSymmetric: isSymmetric))
    case .padToSize(let size, let isSymmetric):
      try place(
        padding(to: zip(array.size, size).map { max($0, $1) }, isSymmetric: isSymmetric)
      )
    case .normalize(let mean, let deviation, _, let channelWise) where channelWise:
      for values in [mean, deviation] where values.map({ $0.count != array.channels.count }) == true
      {
        throw PipelinesError.invalidPlan(
          reason: "it normalises \(values?.count ?? 0) channels of \(array.channels.count)"
        )
      }
      IntensitySteps.apply(step, to: &array.channels)
    default: IntensitySteps.apply(step, to: &array.channels)
    }
  }

  // MARK: - Samples

  /// MONAI keeps a spacing that is this near to the wanted one, mm.
  private static let spacingTolerance = 1e-3

  private mutating func space(
    _ mm: [Double],
    _ interpolation: VolumeStep.Interpolation,
    _ padding: VolumeStep.Padding
  ) throws {
    let (old, size) = (array.spacing, array.size)
    let wanted = zip(mm, old).map { abs($0 - $1) <= Self.spacingTolerance ? $1 : $0 }
    guard wanted != old else { return }
    let newSize = (0..<3).map { axis -> Int in
      let extent = Double(size[axis] - 1) * old[axis] / wanted[axis] + 1
      return extent < 1e9 ? max(1, Int(extent.rounded(.toNearestOrEven))) : Int.max / 2
    }
    try VolumeArray.checkCount(newSize)
    func sampler(
      _ count: [Int],
      _ from: [Int],
      _ step: [Double],
      _ shift: [Double],
      _ interpolation: VolumeStep.Interpolation
    ) -> GridSampler {
      GridSampler(
        (0..<3).map {
          AxisSamples(
            count: count[$0],
            step: step[$0],
            shift: shift[$0],
            sourceCount: from[$0],
            interpolation: interpolation,
            padding: padding
          )
        }
      )
    }
    let forward = zip(wanted, old).map { $0 / $1 }
    let backward = zip(old, wanted).map { $0 / $1 }
    // MONAI looks for a corner that both grids share to 1e-8 voxels, and lets the middles of the index
    // ranges (size / 2) coincide where it finds none, as in tilted grids of single-precision headers.
    let shift = (0..<3).map { axis in
      array.geometry.isTilted
        ? Double(size[axis]) / 2 - forward[axis] * Double(newSize[axis]) / 2 : 0
    }
    let shiftBack = zip(shift, backward).map { $0 == 0 ? 0 : -$0 * $1 }
    undos.append(
      .sample(
        scores: sampler(size, newSize, backward, shiftBack, interpolation),
        labels: sampler(size, newSize, backward, shiftBack, .nearest),
        array.geometry
      )
    )
    try array.sample(
      sampler(newSize, size, forward, shift, interpolation),
      spacing: wanted,
      shift: shift
    )
    middle = zip(zip(middle, shift), forward).map { ($0.0 - $0.1) / $1 }
  }

  private mutating func conform() throws {
    let geometry = array.geometry
    var target = try ConformedVolume.geometry(for: geometry)
    undos.append(.resample(geometry))
    array.channels = try array.channels.map {
      let volume = try ConformedVolume.volume(Volume(geometry: geometry, voxels: $0))
      let turned = volume.reoriented(to: VolumeArray.reversed(volume.geometry.orientation))
      target = turned.geometry
      return turned.voxels
    }
    array.geometry = target
    middle = array.size.map { Double($0 / 2) }
  }

  /// scikit-image's `resize` to as many samples as the extent has whole millimetres.
  private mutating func resize() throws {
    let (size, spacing) = (array.size, array.spacing)
    // Spacings that headers round must not cost a sample.
    let newSize = zip(size, spacing).map { max(1, Int(Double($0) * $1 + 1e-3)) }
    try VolumeArray.checkCount(newSize)
    guard newSize != size else { return }
    let factors = zip(size, newSize).map { Double($0) / Double($1) }
    for index in array.channels.indices {
      for axis in 0..<3 where factors[axis] > 1 {
        GaussianSmoothing(sigma: (factors[axis] - 1) / 2)
          .apply(to: &array.channels[index], size: size, axis: axis)
      }
    }
    func sampler(
      _ count: [Int],
      _ from: [Int],
      _ interpolation: VolumeStep.Interpolation
    ) -> GridSampler {
      GridSampler(
        (0..<3).map {
          AxisSamples(resizing: from[$0], to: count[$0], interpolation: interpolation)
        }
      )
    }
    undos.append(
      .sample(
        scores: sampler(size, newSize, .linear),
        labels: sampler(size, newSize, .nearest),
        array.geometry
      )
    )
    let newSpacing = zip(spacing, factors).map { $0 * $1 }
    try array.sample(sampler(newSize, size, .linear), spacing: newSpacing)
    middle = array.size.map { Double($0 / 2) }
  }

  // MARK: - Boxes

  private mutating func place(_ box: (start: [Int], size: [Int])) throws {
    guard box.start != [0, 0, 0] || box.size != array.size else { return }
    undos.append(.place(start: box.start, array.geometry))
    try array.place(start: box.start, size: box.size)
    middle = zip(middle, box.start).map { $0 - Double($1) }
  }

  private func padding(
    to size: [Int],
    isSymmetric: Bool
  ) -> (start: [Int], size: [Int]) {
    (zip(array.size, size).map { isSymmetric ? -(($1 - $0) / 2) : 0 }, size)
  }

  /// The box of the values above 0 in any channel; the whole where there are none.
  private func foreground(
    _ margin: [Int],
    _ multiple: [Int],
    allowsSmaller: Bool
  ) -> (start: [Int], size: [Int]) {
    let size = array.size
    var low = size
    var high = [-1, -1, -1]
    for values in array.channels {
      var place = 0
      for z in 0..<size[0] {
        for y in 0..<size[1] {
          var (first, last) = (size[2], -1)
          for x in 0..<size[2] where values[place + x] > 0 {
            first = min(first, x)
            last = x
          }
          place += size[2]
          guard last >= 0 else { continue }
          low = [min(low[0], z), min(low[1], y), min(low[2], first)]
          high = [max(high[0], z), max(high[1], y), max(high[2], last)]
        }
      }
    }
    guard high[0] >= 0 else { return ([0, 0, 0], size) }
    var start: [Int] = []
    var extent: [Int] = []
    for axis in 0..<3 {
      var (from, to) = (low[axis] - margin[axis], high[axis] + 1 + margin[axis])
      if allowsSmaller { (from, to) = (max(from, 0), min(to, size[axis])) }
      let wanted = (to - from + multiple[axis] - 1) / multiple[axis] * multiple[axis]
      start.append(from - (wanted - (to - from)) / 2)
      extent.append(wanted)
    }
    return (start, extent)
  }

  /// A box of equal sides around a head whose axes are right, anterior, superior.
  private func headBox(_ size: Int) -> (start: [Int], size: [Int]) {
    let found = array.size
    var start = found.map { ($0 - size) / 2 }
    for axis in 0..<3 where found[axis] < size { start[axis] = -((size - found[axis]) / 2) }
    if found[2] > size {
      // The brightest voxel of each axial plane: the head ends where it is below the median for good.
      var brightest = [Float](repeating: -.infinity, count: found[2])
      for (place, value) in array.channels[0].enumerated() {
        brightest[place % found[2]] = max(brightest[place % found[2]], value)
      }
      let median = Float(IntensitySteps.percentiles(brightest, [50])[0])
      let top = brightest.lastIndex { $0 >= median && $0 > 0 } ?? found[2] - 1
      let wanted = top + Self.spaceAboveHead - size
      start[2] = wanted < 0 ? found[2] - size : min(wanted, found[2] - size)
    }
    return (start, [size, size, size])
  }

  /// Planes kept above a head's highest bright plane.
  private static let spaceAboveHead = 20
}

extension ImageGeometry {
  /// Whether an axis runs along none of the patient's.
  fileprivate var isTilted: Bool {
    direction.columns.contains { column in
      !(0..<3).contains { abs(abs(column[$0]) - 1) < 1e-12 }
        || (0..<3).count { abs(column[$0]) > 1e-9 } > 1
    }
  }
}

/// SciPy's `gaussian_filter` along one axis, mirrored at the outer samples.
private struct GaussianSmoothing {
  private let weights: [Double]

  init(sigma: Double) {
    let radius = Int(4 * sigma + 0.5)
    let raw = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (sigma * sigma)) }
    let sum = raw.reduce(0, +)
    weights = raw.map { $0 / sum }
  }

  func apply(to values: inout [Float], size: [Int], axis: Int) {
    let stride = size[(axis + 1)...].reduce(1, *)
    let count = size[axis]
    let radius = weights.count / 2
    guard count > 1 else { return }
    let period = 2 * (count - 1)
    let mirrored = (-radius..<count + radius).map { index -> Int in
      let place = ((index % period) + period) % period
      return place < count ? place : period - place
    }
    var line = [Double](repeating: 0, count: count)
    for outer in 0..<values.count / (count * stride) {
      for inner in 0..<stride {
        let start = outer * count * stride + inner
        for index in 0..<count { line[index] = Double(values[start + index * stride]) }
        for index in 0..<count {
          var sum = 0.0
          for tap in weights.indices { sum += weights[tap] * line[mirrored[index + tap]] }
          values[start + index * stride] = Float(sum)
        }
      }
    }
  }
}
