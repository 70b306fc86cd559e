import Imaging

extension OverlayRenderer {
  /// Values below this are not drawn, so that what is certain shows the scan alone.
  private static let leastHeat = 0.02

  /// The colour of a value: dark red over orange and yellow to white.
  /// - Parameter value: 0 to 1.
  /// - Returns: The colour.
  static func heatColor(_ value: Double) -> LabelColor {
    func channel(_ value: Double) -> UInt8 { UInt8((255 * min(max(value, 0), 1)).rounded()) }
    return LabelColor(
      red: channel(0.4 + 1.8 * value),
      green: channel(2 * value - 0.5),
      blue: channel(3 * value - 2)
    )
  }

  /// Draws one slice with a map of values over it, interpolated linearly.
  /// - Parameters:
  ///   - volume: The scan.
  ///   - heat: Values from 0, which shows the scan, to 1, on the same grid.
  ///   - plane: The plane of the body.
  ///   - slice: The slice, as `SliceView` counts them.
  ///   - window: The values of the scan shown as black and as white; nil for `window(of:)`.
  /// - Returns: The picture.
  /// - Throws: `ImagingError.gridMismatch` when the grids differ.
  public func render(
    volume: Volume<Float>,
    heat: Volume<Float>,
    plane: BodyPlane,
    slice: Int,
    window: ClosedRange<Float>? = nil
  ) throws(ImagingError) -> RGBImage {
    if let difference = heat.geometry.difference(from: volume.geometry) {
      throw .gridMismatch(reason: difference)
    }
    let view = SliceView(volume.geometry, plane: plane)
    precondition((0..<view.sliceCount).contains(slice), "slice \(slice) of \(view.sliceCount)")
    var image = scan(volume, view, slice, window ?? Self.window(of: volume))
    let columns = LinearTaps(from: view.width, to: image.width).taps
    let rows = LinearTaps(from: view.height, to: image.height).taps
    func value(_ x: Int, _ y: Int) -> Double {
      Double(heat.voxels[view.offset(x, y, slice: slice)])
    }
    for (y, row) in rows.enumerated() {
      for (x, column) in columns.enumerated() {
        let (a, b) = (value(column.first, row.first), value(column.second, row.first))
        let (c, d) = (value(column.first, row.second), value(column.second, row.second))
        let upper = a + column.share * (b - a)
        let found = upper + row.share * (c + column.share * (d - c) - upper)
        guard found > Self.leastHeat else { continue }
        let color = Self.heatColor(found)
        image.blend(
          [Double(color.red), Double(color.green), Double(color.blue)],
          opacity: min(0.9, 0.25 + found),
          at: x + image.width * y
        )
      }
    }
    return image
  }
}

extension SliceView {
  /// The slice with the largest sum of values; the middle one where all are 0.
  /// - Parameter values: One value a voxel, none below 0.
  /// - Returns: The first such slice.
  func hottestSlice(_ values: [Float]) -> Int {
    var best = (slice: sliceCount / 2, sum: 0.0)
    for slice in 0..<sliceCount {
      var sum = 0.0
      for y in 0..<height {
        for x in 0..<width { sum += Double(values[offset(x, y, slice: slice)]) }
      }
      if sum > best.sum { best = (slice, sum) }
    }
    return best.slice
  }
}
