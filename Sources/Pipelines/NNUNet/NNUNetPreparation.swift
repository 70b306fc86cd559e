import Foundation
import Imaging
import ImagingIO
import Support
import Transforms

/// A scan as a configuration of nnU-Net wants it: transposed, cropped, normalised, resampled.
///
/// The order is nnU-Net's (`DefaultPreprocessor.run_case`). Sizes and spacings are along x, y, z of
/// the transposed arrays, which are nnU-Net's axes backwards.
package struct NNUNetPreparation: Sendable {
  /// How the scan's axes became those of the transposed arrays.
  package let reordering: GridReordering
  /// The transposed scan's voxels along each axis.
  package let fullSize: SIMD3<Int>
  /// The part around what is not 0.
  package let box: GridBox
  /// Spacing of the transposed scan, mm.
  let spacing: SIMD3<Double>
  /// Spacing that the network sees, mm.
  let networkSpacing: SIMD3<Double>
  /// Voxels that the network sees.
  package let size: SIMD3<Int>
  /// Normalised values on that grid, one array for each channel, x fastest.
  package let channels: [[Float]]

  /// Larger grids are refused before memory is taken for them.
  private static let maximumVoxelCount = 1 << 33
  /// nnU-Net's spacing across the slice of an image of two dimensions, in units of its own.
  private static let planarSpacingFactor = 999.0

  /// Prepares a scan.
  /// - Parameters:
  ///   - scan: The scan's channels.
  ///   - plan: What the network expects.
  ///   - previous: Labels of an earlier stage on the scan's grid, or nil.
  ///   - interruption: Looked at between steps.
  /// - Throws: `ImagingError.invalidGeometry` for a grid that would be too large; what
  ///   `interruption` throws.
  package init(
    _ scan: ScanChannels,
    plan: NNUNetPlan,
    previous: LabelMap? = nil,
    interruption: Interruption
  ) throws {
    let geometry = scan.geometry
    reordering = Self.reordering(geometry, plan)
    let placed = geometry.reordered(by: reordering)
    fullSize = placed.size
    spacing = Self.spacing(of: placed, original: geometry, plan: plan)
    let volumes = scan.volumes.map { [reordering] in $0.reordered(by: reordering) }
    var found: GridBox?
    for volume in volumes {
      try interruption.check()
      guard let part = volume.accept(NonzeroBoxFinder(size: fullSize)) else { continue }
      found = found?.union(part) ?? part
    }
    box = found ?? GridBox(low: SIMD3(0, 0, 0), size: fullSize)

    networkSpacing = plan.networkSpacing(original: spacing)
    let (boxSize, spacing, networkSpacing) = (box.size, spacing, networkSpacing)
    let ratio = spacing / networkSpacing
    var newSize = SIMD3<Int>()
    for axis in 0..<3 {
      let samples = (ratio[axis] * Double(boxSize[axis])).rounded(.toNearestOrEven)
      guard samples >= 0, samples < Double(Self.maximumVoxelCount) else {
        throw ImagingError.invalidGeometry(
          reason: "at the model's spacing it would have \(samples) voxels along an axis"
        )
      }
      newSize[axis] = Int(samples)
    }
    if plan.data == .none { newSize = boxSize }
    guard newSize.min() >= 1 else {
      throw ImagingError.invalidGeometry(
        reason: "at the model's spacing it would have no voxel along an axis"
      )
    }
    let count = newSize.x.multipliedReportingOverflow(by: newSize.y)
    let total = count.partialValue.multipliedReportingOverflow(by: newSize.z)
    guard !count.overflow, !total.overflow, total.partialValue <= Self.maximumVoxelCount else {
      throw ImagingError.invalidGeometry(
        reason: "at the model's spacing it would have \(newSize.x) x \(newSize.y) x \(newSize.z) "
          + "voxels"
      )
    }
    size = newSize
    var inside =
      Self.needsMask(plan) || previous != nil
      ? Self.filledMask(volumes, size: fullSize, box: box) : nil
    var earlier: [Int16]?
    if let previous, let mask = inside {
      // nnU-Net marks what lies outside by −1, but not over a label; it then counts as inside.
      var labels = Self.labels(previous, reordering, fullSize, box)
      for index in labels.indices where mask[index] == 0 {
        if labels[index] == 0 { labels[index] = -1 } else { inside?[index] = 1 }
      }
      earlier = labels
    }
    let resampler = NNUNetResampler(
      plan.data,
      from: boxSize,
      to: newSize,
      spacing: spacing,
      newSpacing: networkSpacing
    )
    var channels: [[Float]] = []
    for (volume, normalization) in zip(volumes, plan.channels) {
      try interruption.check()
      var values = volume.accept(BoxReader(size: fullSize, box: box))
      normalization.apply(to: &values, inside: inside)
      try interruption.check()
      channels.append(resampler.resample(values))
    }
    if let earlier {
      let resized = NNUNetResampler(
        plan.segmentation,
        from: boxSize,
        to: newSize,
        spacing: spacing,
        newSpacing: networkSpacing
      ).resample(labels: earlier)
      for number in plan.previousLabels {
        let wanted = Int16(number)
        channels.append(resized.map { $0 == wanted ? 1 : 0 })
      }
    }
    self.channels = channels
  }

  /// Axes to right, anterior, superior where the plan's reader turns them, then nnU-Net's transposition.
  private static func reordering(_ geometry: ImageGeometry, _ plan: NNUNetPlan) -> GridReordering {
    let turned =
      plan.reader == .reorienting
      ? GridReordering(from: geometry.orientation, to: .ras)
      : GridReordering(sources: [0, 1, 2], flips: [false, false, false])
    // nnU-Net counts axes from the slowest.
    let order = plan.transposeForward.reversed().map { 2 - $0 }
    return GridReordering(
      sources: order.map { turned.sources[$0] },
      flips: order.map { turned.flips[$0] }
    )
  }

  /// An image of two dimensions has no spacing across; nnU-Net gives it a large one.
  private static func spacing(
    of placed: ImageGeometry,
    original: ImageGeometry,
    plan: NNUNetPlan
  ) -> SIMD3<Double> {
    guard original.isPlanar else { return placed.spacing }
    var own = original.spacing
    if plan.reader == .picture {
      own = SIMD3(1, 1, planarSpacingFactor)
    } else {
      own.z = max(own.x, own.y) * planarSpacingFactor
    }
    let order = plan.transposeForward.reversed().map { 2 - $0 }
    return SIMD3(own[order[0]], own[order[1]], own[order[2]])
  }

  private static func needsMask(_ plan: NNUNetPlan) -> Bool {
    plan.channels.contains(.zScore(usesMask: true))
  }

  /// What is not 0 in any channel, and holes in it: 1 inside, 0 outside.
  private static func filledMask(
    _ volumes: [AnyVolume],
    size: SIMD3<Int>,
    box: GridBox
  ) -> [UInt8] {
    var mask = [UInt8](repeating: 0, count: box.count)
    mask.withUnsafeMutableBufferPointer { mask in
      for volume in volumes {
        volume.accept(NonzeroMarker(size: size, box: box, mask: mask))
      }
    }
    HoleFilling.fill(&mask, size: box.size)
    return mask
  }

  /// The box of labels on the scan's grid.
  static func labels(
    _ map: LabelMap,
    _ reordering: GridReordering,
    _ size: SIMD3<Int>,
    _ box: GridBox
  ) -> [Int16] {
    let turned = reordering.applied(to: map.labels, size: map.geometry.size).map {
      Int16(truncatingIfNeeded: $0)
    }
    var result: [Int16] = []
    result.reserveCapacity(box.count)
    for z in box.low.z..<box.low.z + box.size.z {
      for y in box.low.y..<box.low.y + box.size.y {
        let row = box.low.x + size.x * (y + size.y * z)
        result += turned[row..<row + box.size.x]
      }
    }
    return result
  }
}

extension NNUNetPlan {
  /// The spacing that the network sees; across the slices of a 2-D configuration the scan's own.
  /// - Parameter original: The transposed scan's spacing along x, y, z.
  /// - Returns: Along x, y, z, mm.
  func networkSpacing(original: SIMD3<Double>) -> SIMD3<Double> {
    isPlanar
      ? SIMD3(spacing[1], spacing[0], original.z) : SIMD3(spacing[2], spacing[1], spacing[0])
  }
}

extension NNUNetPlan.Normalization {
  /// Normalises the values of a channel in single precision; statistics are found in double.
  /// - Parameters:
  ///   - values: The channel's values.
  ///   - inside: 1 within the region whose statistics count, if the plan asks for one.
  package func apply(to values: inout [Float], inside: [UInt8]?) {
    switch self {
    case .none: return
    case .robust: RobustScale.apply(to: &values)
    case .ct(let mean, let deviation, let low, let high):
      let (center, scale) = (Float(mean), Float(max(deviation, 1e-8)))
      let (least, most) = (Float(low), Float(high))
      values.transform { (min(max($0, least), most) - center) / scale }
    case .rgbTo01: values.transform { $0 / 255 }
    case .rescaleTo01:
      let least = values.min() ?? 0
      let most = max((values.max() ?? 0) - least, 1e-8)
      values.transform { ($0 - least) / most }
    case .zScore(let usesMask):
      let mask = usesMask ? inside : nil
      let (mean, deviation) = Self.statistics(values, mask)
      let scale = max(deviation, 1e-8)
      if let mask {
        for index in values.indices where mask[index] == 1 {
          values[index] = (values[index] - mean) / scale
        }
      } else {
        values.transform { ($0 - mean) / scale }
      }
    }
  }

  /// The mean and the deviation (with n) of the values where the mask is 1.
  private static func statistics(_ values: [Float], _ mask: [UInt8]?) -> (Float, Float) {
    var (sum, count) = (0.0, 0)
    for index in values.indices where mask.map({ $0[index] == 1 }) ?? true {
      sum += Double(values[index])
      count += 1
    }
    guard count > 0 else { return (0, 0) }
    let mean = sum / Double(count)
    var squares = 0.0
    for index in values.indices where mask.map({ $0[index] == 1 }) ?? true {
      let difference = Double(values[index]) - mean
      squares += difference * difference
    }
    return (Float(mean), Float((squares / Double(count)).squareRoot()))
  }
}

extension [Float] {
  /// Replaces every value, side by side.
  fileprivate mutating func transform(_ body: @Sendable (Float) -> Float) {
    withUnsafeMutableBufferPointer { buffer in
      // Each range is written by one thread.
      nonisolated(unsafe) let values = buffer
      Parallelism.forEachRange(values.count, minimumChunk: 1 << 16) { range in
        for index in range { values[index] = body(values[index]) }
      }
    }
  }
}

/// Fills the holes of a mask: zeros that no path over faces joins to the outside.
package enum HoleFilling {
  /// Fills holes; what lies beyond the grid counts as outside.
  /// - Parameters:
  ///   - mask: 1 inside, 0 outside, x fastest.
  ///   - size: Voxels along each axis.
  package static func fill(_ mask: inout [UInt8], size: SIMD3<Int>) {
    let outside: UInt8 = 2
    var stack: [Int] = []
    mask.withUnsafeMutableBufferPointer { mask in
      func reach(_ index: Int) {
        guard mask[index] == 0 else { return }
        mask[index] = outside
        stack.append(index)
      }
      let plane = size.x * size.y
      for z in 0..<size.z {
        for y in 0..<size.y {
          let row = y * size.x + z * plane
          if z == 0 || z == size.z - 1 || y == 0 || y == size.y - 1 {
            for x in 0..<size.x { reach(row + x) }
          } else {
            reach(row)
            reach(row + size.x - 1)
          }
        }
      }
      while let index = stack.popLast() {
        let (x, y, z) = (index % size.x, index / size.x % size.y, index / plane)
        if x > 0 { reach(index - 1) }
        if x < size.x - 1 { reach(index + 1) }
        if y > 0 { reach(index - size.x) }
        if y < size.y - 1 { reach(index + size.x) }
        if z > 0 { reach(index - plane) }
        if z < size.z - 1 { reach(index + plane) }
      }
      for index in mask.indices { mask[index] = mask[index] == outside ? 0 : 1 }
    }
  }
}
