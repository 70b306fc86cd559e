import Imaging

extension OverlayRenderer {
  /// Draws one slice with evidence laid over it, and the labels as outlines.
  /// - Parameters:
  ///   - volume: The scan.
  ///   - labels: The segmentation, on the same grid.
  ///   - evidence: 0 to 1 at each voxel, on the same grid.
  ///   - plane: The plane of the body.
  ///   - slice: The slice, as `SliceView` counts them.
  /// - Returns: The picture; evidence is interpolated linearly.
  /// - Throws: `ImagingError.gridMismatch` when the grids differ.
  public func render(
    volume: Volume<Float>,
    labels: LabelMap,
    evidence: Volume<Float>,
    plane: BodyPlane,
    slice: Int
  ) throws -> RGBImage {
    var picture = try OverlayRenderer(longerSide: longerSide, fillOpacity: 0, outlineWidth: 1)
      .render(volume: volume, labels: labels, plane: plane, slice: slice)
    let view = SliceView(volume.geometry, plane: plane)
    func value(_ x: Int, _ y: Int) -> Double {
      Double(evidence.voxels[view.offset(x, y, slice: slice)])
    }
    let columns = LinearTaps(from: view.width, to: picture.width).taps
    let rows = LinearTaps(from: view.height, to: picture.height).taps
    for (y, row) in rows.enumerated() {
      for (x, column) in columns.enumerated() {
        let (a, b) = (value(column.first, row.first), value(column.second, row.first))
        let (c, d) = (value(column.first, row.second), value(column.second, row.second))
        let upper = a + Double(column.share) * (b - a)
        let lower = c + Double(column.share) * (d - c)
        let share = upper + Double(row.share) * (lower - upper)
        let at = 3 * (y * picture.width + x)
        let under = SIMD3(
          Double(picture.bytes[at]),
          Double(picture.bytes[at + 1]),
          Double(picture.bytes[at + 2])
        )
        let color = HeatScale.laid(share, over: under)
        for channel in 0..<3 { picture.bytes[at + channel] = UInt8(color[channel].rounded()) }
      }
    }
    return picture
  }
}

extension SliceView {
  /// The plane across a grid's axis, and a slice's number in it.
  /// - Parameters:
  ///   - axis: The grid's axis, 0 to 2.
  ///   - index: The slice along it, from 0.
  ///   - geometry: The grid.
  /// - Returns: The plane, and the slice as the view counts.
  public static func slice(
    across axis: Int,
    index: Int,
    of geometry: ImageGeometry
  ) -> (plane: BodyPlane, slice: Int) {
    let code = geometry.orientation.axes[axis]
    let plane: BodyPlane = [.sagittal, .coronal, .axial][code.patientAxis]
    return (plane, code.isPositive ? index : geometry.size[axis] - 1 - index)
  }
}
