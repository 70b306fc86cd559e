import CKernels
import Support

/// Resampling from one number of samples to another, as scipy's `zoom` and skimage's `resize` do it.
///
/// Positions depend on the numbers of samples alone, not on a geometry: this is how nnU-Net and
/// TotalSegmentator resample, whose models see nothing else. Everything is a product of one sparse
/// matrix for each axis; weights are found in double precision, sums are single precision.
public struct ZoomResampling: Sendable {
  /// The degree of the B-spline through the samples.
  public enum Order: Int, Sendable, Codable { case nearest = 0, linear = 1, cubic = 3 }

  /// Which points of the two grids lie on each other.
  public enum Alignment: String, Sendable, Codable {
    /// The outer faces: output o lies at (o + 1/2) in / out - 1/2 (skimage's `resize`, scipy's
    /// `grid_mode=True`).
    case faces
    /// The outer centres: output o lies at o (in - 1) / (out - 1) (scipy's default).
    case centers
  }

  /// How the axes are treated.
  public enum Axes: Sendable, Equatable {
    /// All alike.
    case together
    /// Slices across one axis are resampled by themselves, then the nearest one is taken along it
    /// (nnU-Net's `separate_z`).
    case apart(axis: Int)
  }

  /// Samples along x, y and z before.
  public let size: SIMD3<Int>
  /// Samples along x, y and z after.
  public let newSize: SIMD3<Int>
  private let axes: Axes
  private let maps: [SampleMap]

  /// Plans a resampling.
  /// - Parameters:
  ///   - size: Samples along x, y and z before.
  ///   - newSize: Samples along x, y and z after.
  ///   - order: The spline's degree; along the axis of `.apart` it is the nearest sample.
  ///   - alignment: Which points of the two grids lie on each other.
  ///   - axes: Whether one axis is treated apart.
  /// - Precondition: All sizes are at least 1.
  public init(
    from size: SIMD3<Int>,
    to newSize: SIMD3<Int>,
    order: Order,
    alignment: Alignment = .faces,
    axes: Axes = .together
  ) {
    precondition(size.min() >= 1 && newSize.min() >= 1, "sizes \(size) and \(newSize)")
    self.size = size
    self.newSize = newSize
    self.axes = axes
    maps = (0..<3).map { axis in
      SampleMap(
        from: size[axis],
        to: newSize[axis],
        order: axes == .apart(axis: axis) ? .nearest : order,
        alignment: alignment
      )
    }
  }

  /// Resamples values.
  ///
  /// Results stay within the range of the values: of all of them, or of each slice by itself when an
  /// axis is treated apart (a cubic spline overshoots). Equal sizes give the values as they are.
  /// - Parameter values: x fastest.
  /// - Returns: `newSize` values, x fastest.
  /// - Precondition: As many values as `size` says.
  public func resample(_ values: [Float]) -> [Float] {
    precondition(
      values.count == size.x * size.y * size.z,
      "\(values.count) values for \(size)"
    )
    if size == newSize { return values }
    let ranges = SliceRanges(values, size: size, axes: axes)
    var current = values
    var currentSize = size
    // What shrinks most comes first: the others then have less to do.
    let order = (0..<3).sorted { maps[$0].growth < maps[$1].growth }
    for axis in order where !maps[axis].isIdentity {
      current = maps[axis].applied(to: current, size: currentSize, axis: axis)
      currentSize[axis] = newSize[axis]
    }
    ranges.clamp(&current, size: newSize, map: maps)
    return current
  }
}

/// The smallest and largest value of an image, or of each of its slices.
private struct SliceRanges {
  private let axis: Int?
  private let lows: [Float]
  private let highs: [Float]

  init(_ values: [Float], size: SIMD3<Int>, axes: ZoomResampling.Axes) {
    guard case .apart(let axis) = axes else {
      self.axis = nil
      let parts = (values.count + Self.part - 1) / Self.part
      var found = [SIMD2<Float>](repeating: SIMD2(.infinity, -.infinity), count: parts)
      found.withUnsafeMutableBufferPointer { found in
        // Each part writes its own element.
        nonisolated(unsafe) let found = found
        Parallelism.forEach(parts) { part in
          var low = Float.infinity
          var high = -Float.infinity
          for index in part * Self.part..<min((part + 1) * Self.part, values.count) {
            low = min(low, values[index])
            high = max(high, values[index])
          }
          found[part] = SIMD2(low, high)
        }
      }
      lows = [found.map(\.x).min() ?? 0]
      highs = [found.map(\.y).max() ?? 0]
      return
    }
    self.axis = axis
    var lows = [Float](repeating: .infinity, count: size[axis])
    var highs = [Float](repeating: -.infinity, count: size[axis])
    let inner = (0..<axis).reduce(1) { $0 * size[$1] }
    for (row, start) in stride(from: 0, to: values.count, by: inner).enumerated() {
      let slice = row % size[axis]
      for index in start..<start + inner {
        lows[slice] = min(lows[slice], values[index])
        highs[slice] = max(highs[slice], values[index])
      }
    }
    self.lows = lows
    self.highs = highs
  }

  private static let part = 1 << 20

  func clamp(_ values: inout [Float], size: SIMD3<Int>, map: [SampleMap]) {
    let inner = axis.map { axis in (0..<axis).reduce(1) { $0 * size[$1] } } ?? values.count
    let rows = values.count / inner
    let sources = axis.map { map[$0].nearestSources } ?? [0]
    values.withUnsafeMutableBufferPointer { values in
      // Each range of values is written by one thread.
      nonisolated(unsafe) let values = values
      if rows == 1 {
        Parallelism.forEachRange(values.count, minimumChunk: Self.part) { range in
          for index in range { values[index] = min(max(values[index], lows[0]), highs[0]) }
        }
        return
      }
      Parallelism.forEach(rows) { row in
        let slice = sources[row % sources.count]
        for index in row * inner..<(row + 1) * inner {
          values[index] = min(max(values[index], lows[slice]), highs[slice])
        }
      }
    }
  }
}
