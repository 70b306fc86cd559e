import Imaging
import Support

/// Draws slices of a scan with the labels on them.
///
/// The scan is enlarged by Catmull and Rom's cubic, at the true aspect of its voxels; the borders
/// of labels run half way between voxel centres (bilinear interpolation of each label's membership).
public struct OverlayRenderer: Sendable {
  /// The picture's longer side in pixels.
  public let longerSide: Int
  /// The opacity of the labels' areas, 0 to 1.
  public let fillOpacity: Double
  /// The width of outlines in pixels.
  public let outlineWidth: Int

  /// Creates a renderer.
  /// - Parameters:
  ///   - longerSide: The picture's longer side in pixels.
  ///   - fillOpacity: The opacity of the labels' areas, 0 to 1.
  ///   - outlineWidth: The width of outlines in pixels.
  public init(longerSide: Int = 560, fillOpacity: Double = 0.28, outlineWidth: Int = 2) {
    precondition(longerSide > 0 && outlineWidth >= 0, "a picture of \(longerSide) pixels")
    self.longerSide = longerSide
    self.fillOpacity = fillOpacity
    self.outlineWidth = outlineWidth
  }

  /// The grey range of a scan that leaves out the darkest and brightest half percent.
  ///
  /// At most about a million voxels are looked at; values that are not finite are left out.
  /// - Parameter volume: The scan.
  /// - Returns: The values shown as black and as white, the second above the first.
  public static func window(of volume: Volume<Float>) -> ClosedRange<Float> {
    let step = max(1, volume.voxels.count / (1 << 20))
    let values = stride(from: 0, to: volume.voxels.count, by: step)
      .map { volume.voxels[$0] }.filter(\.isFinite).sorted()
    guard let first = values.first, let last = values.last else { return 0...1 }
    let low = values[Int(Double(values.count - 1) * 0.005)]
    let high = values[Int((Double(values.count - 1) * 0.995).rounded(.up))]
    if high > low { return low...high }
    return last > first ? first...last : first...(first + max(1, abs(first)))
  }

  /// Draws one slice.
  /// - Parameters:
  ///   - volume: The scan.
  ///   - labels: The segmentation, on the same grid; drawn as areas with outlines in the colours
  ///     of its table.
  ///   - reference: A segmentation to compare with, drawn as white outlines.
  ///   - plane: The plane of the body.
  ///   - slice: The slice, as `SliceView` counts them.
  ///   - window: The values shown as black and as white; nil for `window(of:)`.
  /// - Returns: The picture.
  /// - Throws: `ImagingError.gridMismatch` when the grids differ.
  public func render(
    volume: Volume<Float>,
    labels: LabelMap,
    reference: LabelMap? = nil,
    plane: BodyPlane,
    slice: Int,
    window: ClosedRange<Float>? = nil
  ) throws(ImagingError) -> RGBImage {
    for map in [labels, reference].compactMap(\.self) {
      if let difference = map.geometry.difference(from: volume.geometry) {
        throw .gridMismatch(reason: difference)
      }
    }
    let view = SliceView(volume.geometry, plane: plane)
    precondition((0..<view.sliceCount).contains(slice), "slice \(slice) of \(view.sliceCount)")
    var image = scan(volume, view, slice, window ?? Self.window(of: volume))
    let colors = Dictionary(
      labels.table.map { ($0.id, $0.color) },
      uniquingKeysWith: { first, _ in first }
    )
    let areas = enlarged(labels.labels, view, slice, width: image.width, height: image.height)
    let outline = outlined(areas, image.width, image.height, radius: outlineWidth)
    for (pixel, label) in areas.enumerated() where label != 0 {
      let color = colors[Int(label)] ?? LabelDefinition.defaultColor(Int(label) - 1)
      let channels = SIMD3(Double(color.red), Double(color.green), Double(color.blue))
      image.blend(channels, opacity: outline[pixel] ? 1 : fillOpacity, at: pixel)
    }
    if let reference {
      let areas = enlarged(reference.labels, view, slice, width: image.width, height: image.height)
      // A dark rim keeps the white line visible on bright tissue.
      let rim = outlined(areas, image.width, image.height, radius: outlineWidth + 1)
      let line = outlined(areas, image.width, image.height, radius: outlineWidth)
      for pixel in areas.indices where rim[pixel] {
        image.blend(
          line[pixel] ? [255, 255, 255] : [0, 0, 0],
          opacity: line[pixel] ? 1 : 0.6,
          at: pixel
        )
      }
    }
    return image
  }

  /// The slice's columns and rows enlarged to square pixels.
  func scan(
    _ volume: Volume<Float>,
    _ view: SliceView,
    _ slice: Int,
    _ window: ClosedRange<Float>
  ) -> RGBImage {
    let extent = SIMD2(Double(view.width), Double(view.height)) * view.spacing
    let scale = Double(longerSide) / max(extent.x, extent.y)
    let width = max(1, Int((extent.x * scale).rounded()))
    let height = max(1, Int((extent.y * scale).rounded()))
    let columns = CubicTaps(from: view.width, to: width)
    let rows = CubicTaps(from: view.height, to: height)
    var narrow = [Double](repeating: 0, count: width * view.height)
    for y in 0..<view.height {
      for x in 0..<width {
        narrow[x + width * y] = columns.sum(x) { source in
          let value = volume.voxels[view.offset(source, y, slice: slice)]
          return value.isFinite ? Double(value) : Double(window.lowerBound)
        }
      }
    }
    let low = Double(window.lowerBound)
    let range = Double(window.upperBound) - low
    var bytes: [UInt8] = []
    bytes.reserveCapacity(3 * width * height)
    for y in 0..<height {
      for x in 0..<width {
        let value = rows.sum(y) { narrow[x + width * $0] }
        let grey = UInt8((255 * min(max((value - low) / range, 0), 1)).rounded())
        bytes += [grey, grey, grey]
      }
    }
    return RGBImage(width: width, height: height, bytes: bytes)
  }

  /// For each pixel the label whose membership, interpolated between voxel centres, is largest.
  private func enlarged(
    _ labels: [UInt16],
    _ view: SliceView,
    _ slice: Int,
    width: Int,
    height: Int
  ) -> [UInt16] {
    let columns = LinearTaps(from: view.width, to: width)
    let rows = LinearTaps(from: view.height, to: height)
    var result: [UInt16] = []
    result.reserveCapacity(width * height)
    for y in 0..<height {
      let row = rows.taps[y]
      for x in 0..<width {
        let column = columns.taps[x]
        let corners: [(label: UInt16, weight: Double)] = [
          (
            labels[view.offset(column.first, row.first, slice: slice)],
            (1 - column.share) * (1 - row.share)
          ),
          (
            labels[view.offset(column.second, row.first, slice: slice)],
            column.share * (1 - row.share)
          ),
          (
            labels[view.offset(column.first, row.second, slice: slice)],
            (1 - column.share) * row.share
          ),
          (
            labels[view.offset(column.second, row.second, slice: slice)],
            column.share * row.share
          ),
        ]
        var best = (label: corners[0].label, weight: -1.0)
        for candidate in corners {
          let weight = corners.reduce(0) { $1.label == candidate.label ? $0 + $1.weight : $0 }
          // Ties go to the larger label, so that mirrored grids give mirrored pictures.
          if weight > best.weight + 1e-12
            || (weight > best.weight - 1e-12 && candidate.label > best.label)
          {
            best = (candidate.label, weight)
          }
        }
        result.append(best.label)
      }
    }
    return result
  }

  /// The pixels of areas that lie within a radius of another area.
  private func outlined(_ areas: [UInt16], _ width: Int, _ height: Int, radius: Int) -> [Bool] {
    var result = [Bool](repeating: false, count: areas.count)
    guard radius > 0 else { return result }
    for y in 0..<height {
      for x in 0..<width where areas[x + width * y] != 0 {
        let label = areas[x + width * y]
        search: for dy in -radius...radius {
          for dx in -radius...radius where dx * dx + dy * dy <= radius * radius {
            let (nx, ny) = (x + dx, y + dy)
            guard (0..<width).contains(nx), (0..<height).contains(ny) else { continue }
            if areas[nx + width * ny] != label {
              result[x + width * y] = true
              break search
            }
          }
        }
      }
    }
    return result
  }
}

/// The two source pixels of each target pixel, and the second's share.
struct LinearTaps {
  let taps: [(first: Int, second: Int, share: Double)]

  init(from source: Int, to target: Int) {
    taps = (0..<target).map { index in
      let position = (Double(index) + 0.5) * Double(source) / Double(target) - 0.5
      let clamped = min(max(position, 0), Double(source - 1))
      let first = min(Int(clamped), source - 1)
      return (first, min(first + 1, source - 1), clamped - Double(first))
    }
  }
}

/// The four source pixels of each target pixel and their Catmull-Rom weights; edges repeat.
private struct CubicTaps {
  private let linear: LinearTaps
  private let last: Int

  init(from source: Int, to target: Int) {
    linear = LinearTaps(from: source, to: target)
    last = source - 1
  }

  func sum(_ target: Int, _ value: (Int) -> Double) -> Double {
    let (first, _, t) = linear.taps[target]
    let weights = [
      ((-0.5 * t + 1) * t - 0.5) * t, (1.5 * t - 2.5) * t * t + 1,
      ((-1.5 * t + 2) * t + 0.5) * t, (0.5 * t - 0.5) * t * t,
    ]
    return (0..<4).reduce(0) { sum, tap in
      sum + weights[tap] * value(min(max(first - 1 + tap, 0), last))
    }
  }
}
