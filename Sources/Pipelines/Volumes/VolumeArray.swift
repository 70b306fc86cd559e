import Imaging
import Support

/// Channels on one grid, as arrays whose axis 2 is fastest.
///
/// Axis 2 is the grid's x, axis 0 its z: where a program for NIfTI files speaks of the axes right,
/// anterior, superior, the grid here is oriented superior, anterior, right.
package struct VolumeArray: Sendable {
  /// The grid; its x is axis 2.
  package var geometry: ImageGeometry
  /// Values of each channel.
  package var channels: [[Float]]

  /// Larger arrays are refused before memory is taken for them.
  package static let maximumCount = 1 << 31

  package init(geometry: ImageGeometry, channels: [[Float]]) {
    self.geometry = geometry
    self.channels = channels
  }

  /// A scan with its axes as stored.
  package init(_ scan: ScanChannels) {
    let orientation = Self.reversed(scan.geometry.orientation)
    geometry = scan.geometry.reoriented(to: orientation)
    channels = scan.volumes.map { $0.asFloat.reoriented(to: orientation).voxels }
  }

  /// Samples along the axes 0, 1 and 2.
  package var size: [Int] { Self.size(of: geometry) }

  package static func size(of geometry: ImageGeometry) -> [Int] {
    [geometry.size.z, geometry.size.y, geometry.size.x]
  }

  /// Distance of samples along the axes 0, 1 and 2, mm.
  package var spacing: [Double] { [geometry.spacing.z, geometry.spacing.y, geometry.spacing.x] }

  /// The sides towards which the axes 2, 1 and 0 grow, for a code of the axes 0, 1 and 2.
  package static func reversed(_ orientation: Orientation) -> Orientation {
    let code = String(orientation.code.reversed())
    return (try? Orientation(code: code)) ?? orientation
  }

  package mutating func turn(to orientation: Orientation) {
    channels = channels.map {
      Volume(geometry: geometry, voxels: $0).reoriented(to: orientation).voxels
    }
    geometry = geometry.reoriented(to: orientation)
  }

  /// Another number of samples; `shift` is the first one's place among the old ones.
  package mutating func sample(
    _ sampler: GridSampler,
    spacing: [Double],
    shift: [Double] = [0, 0, 0]
  ) throws {
    channels = channels.map { sampler.applied(to: $0) }
    geometry = try Self.geometry(
      size: sampler.target,
      spacing: spacing,
      origin: geometry.position(ofIndex: [shift[2], shift[1], shift[0]]),
      like: geometry
    )
  }

  package static func geometry(
    size: [Int],
    spacing: [Double],
    origin: SIMD3<Double>,
    like geometry: ImageGeometry
  ) throws -> ImageGeometry {
    try ImageGeometry(
      size: [size[2], size[1], size[0]],
      spacing: [spacing[2], spacing[1], spacing[0]],
      origin: origin,
      direction: geometry.direction
    )
  }

  /// Cuts and surrounds with 0: the new array's first sample is `start` of the old.
  package mutating func place(start: [Int], size newSize: [Int]) throws {
    try Self.checkCount(newSize)
    let old = size
    if start == [0, 0, 0], newSize == old { return }
    channels = channels.map { Self.placed($0, old, start: start, size: newSize) }
    geometry = try Self.geometry(
      size: newSize,
      spacing: spacing,
      origin: geometry.position(
        ofIndex: [Double(start[2]), Double(start[1]), Double(start[0])]
      ),
      like: geometry
    )
  }

  package static func checkCount(_ size: [Int]) throws(PipelinesError) {
    var count = 1
    for axis in size {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(axis, 0))
      guard !overflow, product <= maximumCount else {
        throw .unsuitableScan(
          path: "the scan",
          reason: "on the model's grid it would have \(size) voxels"
        )
      }
      count = product
    }
  }

  /// Values of an array on another box; 0 outside.
  package static func placed<Value: Numeric>(
    _ values: [Value],
    _ old: [Int],
    start: [Int],
    size: [Int]
  ) -> [Value] {
    var result = [Value](repeating: 0, count: size.reduce(1, *))
    let columns = max(0, -start[2])..<max(max(0, -start[2]), min(size[2], old[2] - start[2]))
    guard !columns.isEmpty else { return result }
    values.withUnsafeBufferPointer { values in
      for z in 0..<size[0] where (0..<old[0]).contains(z + start[0]) {
        for y in 0..<size[1] where (0..<old[1]).contains(y + start[1]) {
          let from = ((z + start[0]) * old[1] + y + start[1]) * old[2] + start[2]
          let to = (z * size[1] + y) * size[2]
          for x in columns { result[to + x] = values[from + x] }
        }
      }
    }
    return result
  }
}
